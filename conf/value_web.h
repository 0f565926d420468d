/*
 * Values that only exporter-toolkit's web configuration has.  Setters and
 * clearers for conf/value.c's table; each setter returns -1 with setting's err
 * and bad set, and leaves the field as it was.
 */
#ifndef CONF_VALUE_WEB_H
#define CONF_VALUE_WEB_H

struct conf_node;
struct conf_setting;

/* `at`: a struct conf_strings; each text is one of the key's choices. */
int conf_value_set_words(
    struct conf_setting *setting, const struct conf_node *node, void *at);

/* `at`: an enum conf_client_auth; knows the alias and the empty text. */
int conf_value_set_client_auth(
    struct conf_setting *setting, const struct conf_node *node, void *at);

/* `at`: an int64_t, ms. */
int conf_value_set_go_duration(
    struct conf_setting *setting, const struct conf_node *node, void *at);

/* `at`: the headers of a struct conf_http_server. */
int conf_value_set_response_headers(
    struct conf_setting *setting, const struct conf_node *node, void *at);
void conf_value_clear_response_headers(void *at);

/* `at`: the basic_auth_users of a struct conf. */
int conf_value_set_users(
    struct conf_setting *setting, const struct conf_node *node, void *at);
void conf_value_clear_users(void *at);

#endif
