/*
 * A value that must be one of a key's choices.
 */
#ifndef CONF_CHOICE_H
#define CONF_CHOICE_H

struct conf_key;
struct err;

/*
 * Index of `text` among the choices; -1 with err that says what to write, in
 * exporter-toolkit's words if the key has some.
 */
int conf_choice_find(
    const struct conf_key *key, const char *text, struct err *err);

#endif
