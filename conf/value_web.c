#include "conf/value_web.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "conf/bcrypt.h"
#include "conf/choice.h"
#include "conf/conf.h"
#include "conf/document.h"
#include "conf/go_duration.h"
#include "conf/keys.h"
#include "conf/text.h"
#include "conf/value.h"
#include "conf/value_map.h"
#include "proxy/base/alloc.h"
#include "proxy/base/err.h"

/* The headers that exporter-toolkit allows, and the values they may have. */
struct allowed_header {
	const char *name;
	const char *values[2]; /* none: any */
};

static const struct allowed_header allowed_headers[] = {
	{ "Content-Security-Policy", { NULL, NULL } },
	{ "X-Frame-Options", { "deny", "sameorigin" } },
	{ "X-Content-Type-Options", { "nosniff", NULL } },
	{ "X-XSS-Protection", { NULL, NULL } },
	{ "Strict-Transport-Security", { NULL, NULL } },
};
#define ALLOWED_COUNT (sizeof(allowed_headers) / sizeof(allowed_headers[0]))

int
conf_value_set_words(
    struct conf_setting *setting, const struct conf_node *node, void *at)
{
	struct conf_strings words;
	size_t i;

	if (conf_value_strings(setting, node, &words) == -1)
		return -1;
	for (i = 0; i < words.count; i++) {
		setting->bad = node->items[i];
		if (conf_choice_find(
			setting->key, words.items[i], setting->err) == -1) {
			conf_strings_clear(&words);
			return -1;
		}
	}
	conf_strings_clear(at);
	*(struct conf_strings *)at = words;
	return 0;
}

int
conf_value_set_client_auth(
    struct conf_setting *setting, const struct conf_node *node, void *at)
{
	enum conf_client_auth *type = at;
	int index = CONF_CLIENT_AUTH_NONE;

	if (strcmp(node->text, "RequireClientCert") == 0)
		index = CONF_CLIENT_AUTH_REQUIRE_ANY;
	else if (node->text[0] != '\0')
		index =
		    conf_choice_find(setting->key, node->text, setting->err);
	if (index == -1)
		return -1;
	*type = (enum conf_client_auth)index;
	return 0;
}

int
conf_value_set_go_duration(
    struct conf_setting *setting, const struct conf_node *node, void *at)
{
	return conf_go_duration_parse(node->text, at, setting->err);
}

/* A map of texts, which may be empty; `what` it should be is for the error. */
static int
check_map(struct conf_setting *setting, const struct conf_node *node,
    const char *what)
{
	size_t i;

	if (node->kind != CONF_NODE_MAP)
		return err_set(setting->err, ERR_INVALID,
		    "expected %s, found %s", what, conf_node_kind_text(node));
	for (i = 0; i < node->count; i++) {
		setting->bad = node->items[i];
		if (node->items[i]->kind != CONF_NODE_TEXT)
			return err_set(setting->err, ERR_INVALID,
			    "expected %s, found %s for a value", what,
			    conf_node_kind_text(node->items[i]));
	}
	return 0;
}

static const char *
text_of(const struct conf_node *node)
{
	return conf_node_is_null(node) ? "" : node->text;
}

static int
refuse_header(const char *name, struct err *err)
{
	char quoted[CONF_QUOTED_SIZE], names[160] = "";
	size_t i, len = 0;

	conf_quote(name, quoted);
	for (i = 0; i < ALLOWED_COUNT; i++) {
		if (strcasecmp(allowed_headers[i].name, name) == 0)
			return err_set(err, ERR_INVALID,
			    "HTTP header %s can not be configured: write %s, "
			    "in these letters",
			    quoted, allowed_headers[i].name);
		len += (size_t)snprintf(names + len, sizeof(names) - len,
		    "%s%s", i > 0 ? ", " : "", allowed_headers[i].name);
	}
	return err_set(err, ERR_INVALID,
	    "HTTP header %s can not be configured: write one of %s", quoted,
	    names);
}

static int
check_header_value(
    const struct allowed_header *allowed, const char *value, struct err *err)
{
	const char *const *values = allowed->values;
	char quoted[CONF_QUOTED_SIZE];
	size_t i;

	for (i = 0; i < 2 && values[i] != NULL; i++)
		if (strcmp(values[i], value) == 0)
			return 0;
	if (i == 0)
		return 0;
	conf_quote(value, quoted);
	return err_set(err, ERR_INVALID,
	    "invalid value for %s. Expected one of: [\"%s\"%s%s%s], but got: "
	    "%s",
	    allowed->name, values[0], i > 1 ? " \"" : "",
	    i > 1 ? values[1] : "", i > 1 ? "\"" : "", quoted);
}

/* Folded texts end in line breaks: Go sends those as blanks, and trims. */
static char *
unfold(const char *text)
{
	char *value = xstrdup(text + strspn(text, " \t\r\n"));
	size_t len = strlen(value);
	char *p;

	while (len > 0 && strchr(" \t\r\n", value[len - 1]) != NULL)
		value[--len] = '\0';
	for (p = value; *p != '\0'; p++)
		if (*p == '\r' || *p == '\n')
			*p = ' ';
	return value;
}

static int
take_header(struct conf_setting *setting, const struct conf_node *name,
    const struct conf_node *node, struct conf_response_header *header)
{
	const char *text = text_of(node);
	size_t i;

	setting->bad = name;
	for (i = 0; i < ALLOWED_COUNT; i++)
		if (strcmp(allowed_headers[i].name, name->text) == 0)
			break;
	if (i == ALLOWED_COUNT)
		return refuse_header(name->text, setting->err);
	setting->bad = node;
	if (check_header_value(&allowed_headers[i], text, setting->err) == -1)
		return -1;
	header->value = unfold(text);
	if (conf_value_check_line(header->value, true, setting->err) == -1) {
		free(header->value);
		return -1;
	}
	header->name = xstrdup(name->text);
	return 0;
}

static struct conf_http_server *
server_of(void *at)
{
	return (
	    struct conf_http_server *)(void *)((char *)at -
					       offsetof(struct conf_http_server,
						   headers));
}

static void
free_headers(struct conf_response_header *headers, size_t count)
{
	while (count > 0) {
		free(headers[--count].name);
		free(headers[count].value);
	}
	free(headers);
}

void
conf_value_clear_response_headers(void *at)
{
	struct conf_http_server *server = server_of(at);

	free_headers(server->headers, server->header_count);
	server->headers = NULL;
	server->header_count = 0;
}

int
conf_value_set_response_headers(
    struct conf_setting *setting, const struct conf_node *node, void *at)
{
	struct conf_http_server *server = server_of(at);
	struct conf_response_header *headers;
	size_t i;

	if (check_map(setting, node, "{NAME: VALUE}") == -1)
		return -1;
	headers = xcalloc(node->count + 1, sizeof(*headers));
	for (i = 0; i < node->count; i++)
		if (take_header(setting, node->keys[i], node->items[i],
			&headers[i]) == -1) {
			free_headers(headers, i);
			return -1;
		}
	conf_value_clear_response_headers(at);
	server->headers = headers;
	server->header_count = node->count;
	return 0;
}

static int
check_user(struct conf_setting *setting, const struct conf_node *name,
    const struct conf_node *node)
{
	char quoted[CONF_QUOTED_SIZE];

	conf_quote(name->text, quoted);
	setting->bad = name;
	if (conf_value_check_line(name->text, false, setting->err) == -1) {
		err_prefix(setting->err, "user %s", quoted);
		return -1;
	}
	setting->bad = node;
	if (conf_value_check_secret(text_of(node), setting->err) == -1 ||
	    conf_bcrypt_check(text_of(node), setting->err) == -1) {
		err_prefix(setting->err, "user %s", quoted);
		return -1;
	}
	return 0;
}

static struct conf *
conf_of_users(void *at)
{
	return (struct conf *)(void *)((char *)at -
				       offsetof(struct conf, basic_auth_users));
}

void
conf_value_clear_users(void *at)
{
	struct conf *conf = conf_of_users(at);

	while (conf->basic_auth_user_count > 0) {
		conf->basic_auth_user_count--;
		free(conf->basic_auth_users[conf->basic_auth_user_count].name);
		free(conf->basic_auth_users[conf->basic_auth_user_count].hash);
	}
	free(conf->basic_auth_users);
	conf->basic_auth_users = NULL;
}

int
conf_value_set_users(
    struct conf_setting *setting, const struct conf_node *node, void *at)
{
	struct conf *conf = conf_of_users(at);
	size_t i;

	if (check_map(setting, node, "{NAME: HASH}") == -1)
		return -1;
	for (i = 0; i < node->count; i++)
		if (check_user(setting, node->keys[i], node->items[i]) == -1)
			return -1;
	conf_value_clear_users(at);
	conf->basic_auth_users =
	    xcalloc(node->count + 1, sizeof(*conf->basic_auth_users));
	for (i = 0; i < node->count; i++) {
		conf->basic_auth_users[i].name = xstrdup(node->keys[i]->text);
		conf->basic_auth_users[i].hash = xstrdup(node->items[i]->text);
	}
	conf->basic_auth_user_count = node->count;
	return 0;
}
