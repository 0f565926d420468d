#include "conf/value.h"

#include <stdlib.h>
#include <string.h>

#include "conf/address.h"
#include "conf/choice.h"
#include "conf/conf.h"
#include "conf/document.h"
#include "conf/duration.h"
#include "conf/file.h"
#include "conf/keys.h"
#include "conf/multiple.h"
#include "conf/size.h"
#include "conf/text.h"
#include "conf/url.h"
#include "conf/value_auth.h"
#include "conf/value_map.h"
#include "conf/value_web.h"
#include "proxy/base/alloc.h"
#include "proxy/base/err.h"

typedef int set_fn(
    struct conf_setting *setting, const struct conf_node *node, void *at);
typedef void clear_fn(void *at);

/* CHOICE fields are enums; all of them have the size of this. */
_Static_assert(sizeof(enum log_level) == sizeof(unsigned) &&
		   sizeof(enum log_format) == sizeof(unsigned) &&
		   sizeof(enum conf_redirects) == sizeof(unsigned) &&
		   sizeof(enum conf_action) == sizeof(unsigned) &&
		   sizeof(enum conf_client_auth) == sizeof(unsigned),
    "an enum of another size needs a setter of its own");

void
conf_strings_clear(struct conf_strings *strings)
{
	size_t i;

	for (i = 0; i < strings->count; i++)
		free(strings->items[i]);
	free(strings->items);
	memset(strings, 0, sizeof(*strings));
}

int
conf_value_check_line(const char *text, bool may_tab, struct err *err)
{
	const unsigned char *p;

	for (p = (const unsigned char *)text; *p != '\0'; p++) {
		if (*p == '\n' || *p == '\r')
			return err_set(err, ERR_INVALID,
			    "has a line break: write it on one line");
		if ((*p < ' ' && !(may_tab && *p == '\t')) || *p == 0x7f)
			return err_set(err, ERR_INVALID,
			    "has the control character 0x%02x: remove it", *p);
	}
	return 0;
}

int
conf_value_check_secret(const char *text, struct err *err)
{
	if (strcmp(text, CONF_SECRET_SHOWN) == 0)
		return err_set(err, ERR_INVALID,
		    "is what print-config shows instead of a secret: write "
		    "the secret itself, or name a file that holds it");
	return 0;
}

/* May this text be a value of the key's type? */
static int
check_text(const struct conf_key *key, const char *text, struct err *err)
{
	switch (key->type) {
	case CONF_TYPE_PEM:
		return 0;
	case CONF_TYPE_SECRET_PEM:
		return conf_value_check_secret(text, err);
	case CONF_TYPE_SECRET:
	case CONF_TYPE_SECRETS:
		if (conf_value_check_secret(text, err) == -1)
			return -1;
		return conf_value_check_line(text, true, err);
	default:
		return conf_value_check_line(
		    text, key->scope == CONF_SCOPE_HEADER, err);
	}
}

/* The value as it is stored; NULL for an empty one. */
static char *
stored_text(const struct conf_setting *setting, const char *text)
{
	enum conf_type type = setting->key->type;

	if (text[0] == '\0')
		return NULL;
	if (type == CONF_TYPE_PATH || type == CONF_TYPE_PATHS)
		return conf_file_join(setting->folder, text);
	return xstrdup(text);
}

static int
set_text(struct conf_setting *setting, const struct conf_node *node, void *at)
{
	char **field = at;

	if (check_text(setting->key, node->text, setting->err) == -1)
		return -1;
	free(*field);
	*field = stored_text(setting, node->text);
	return 0;
}

static int
set_proxy(struct conf_setting *setting, const struct conf_node *node, void *at)
{
	if (node->text[0] != '\0' &&
	    conf_url_check_proxy(node->text, setting->err) == -1)
		return -1;
	return set_text(setting, node, at);
}

static int
set_word(struct conf_setting *setting, const struct conf_node *node, void *at)
{
	if (conf_choice_find(setting->key, node->text, setting->err) == -1)
		return -1;
	return set_text(setting, node, at);
}

static int
set_choice(struct conf_setting *setting, const struct conf_node *node, void *at)
{
	int index = conf_choice_find(setting->key, node->text, setting->err);
	unsigned value = (unsigned)index;

	if (index == -1)
		return -1;
	memcpy(at, &value, sizeof(value));
	return 0;
}

static int
set_bool(struct conf_setting *setting, const struct conf_node *node, void *at)
{
	static const char *const words[][2] = {
		{ "false", "true" },
		{ "False", "True" },
		{ "FALSE", "TRUE" },
		{ "no", "yes" },
		{ "No", "Yes" },
		{ "NO", "YES" },
		{ "off", "on" },
		{ "Off", "On" },
		{ "OFF", "ON" },
		{ "n", "y" },
		{ "N", "Y" },
	};
	char quoted[CONF_QUOTED_SIZE];
	size_t i;
	int value;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		for (value = 0; value <= 1; value++)
			if (strcmp(words[i][value], node->text) == 0) {
				*(bool *)at = value == 1;
				return 0;
			}
	return err_set(setting->err, ERR_INVALID, "%s is not true or false",
	    conf_quote(node->text, quoted));
}

static int
set_uint(struct conf_setting *setting, const struct conf_node *node, void *at)
{
	const struct conf_key *key = setting->key;
	char quoted[CONF_QUOTED_SIZE];
	size_t len = strspn(node->text, "0123456789");
	long value = -1;

	if (len > 0 && len <= 9 && node->text[len] == '\0')
		value = strtol(node->text, NULL, 10);
	if (value < key->min || value > key->max)
		return err_set(setting->err, ERR_INVALID,
		    "%s is not a number from %lld to %lld",
		    conf_quote(node->text, quoted), (long long)key->min,
		    (long long)key->max);
	*(unsigned *)at = (unsigned)value;
	return 0;
}

static int
set_duration(
    struct conf_setting *setting, const struct conf_node *node, void *at)
{
	const struct conf_key *key = setting->key;
	char min[CONF_DURATION_SIZE], max[CONF_DURATION_SIZE];
	char quoted[CONF_QUOTED_SIZE];
	int64_t ms;

	if (conf_duration_parse(node->text, &ms, setting->err) == -1)
		return -1;
	if (ms < key->min || ms > key->max)
		return err_set(setting->err, ERR_INVALID,
		    "%s is not from %s to %s", conf_quote(node->text, quoted),
		    conf_duration_text(key->min, min),
		    conf_duration_text(key->max, max));
	*(int64_t *)at = ms;
	return 0;
}

static int
set_size(struct conf_setting *setting, const struct conf_node *node, void *at)
{
	const struct conf_key *key = setting->key;
	char min[CONF_SIZE_SIZE], max[CONF_SIZE_SIZE];
	char quoted[CONF_QUOTED_SIZE];
	uint64_t bytes;

	if (conf_size_parse(node->text, &bytes, setting->err) == -1)
		return -1;
	if (bytes < (uint64_t)key->min || bytes > (uint64_t)key->max)
		return err_set(setting->err, ERR_INVALID,
		    "%s is not from %s to %s", conf_quote(node->text, quoted),
		    conf_size_text((uint64_t)key->min, min),
		    conf_size_text((uint64_t)key->max, max));
	*(uint64_t *)at = bytes;
	return 0;
}

/* Below its least value it means nothing; 0 says that in words. */
static int
set_multiple(
    struct conf_setting *setting, const struct conf_node *node, void *at)
{
	const struct conf_key *key = setting->key;
	char min[CONF_MULTIPLE_SIZE], max[CONF_MULTIPLE_SIZE];
	char quoted[CONF_QUOTED_SIZE];
	unsigned value;

	if (conf_multiple_parse(node->text, &value, setting->err) == -1)
		return -1;
	if (value != 0 && (value < key->min || value > key->max))
		return err_set(setting->err, ERR_INVALID,
		    "%s is not from %s to %s, or 0 to turn it off",
		    conf_quote(node->text, quoted),
		    conf_multiple_text((unsigned)key->min, min),
		    conf_multiple_text((unsigned)key->max, max));
	*(unsigned *)at = value;
	return 0;
}

static int
set_address(
    struct conf_setting *setting, const struct conf_node *node, void *at)
{
	struct conf_address address;

	if (conf_address_parse(node->text, &address, setting->err) == -1)
		return -1;
	conf_address_fini(at);
	*(struct conf_address *)at = address;
	return 0;
}

static int
set_url(struct conf_setting *setting, const struct conf_node *node, void *at)
{
	struct conf_url url;

	if (conf_url_parse(node->text, &url, setting->err) == -1)
		return -1;
	conf_url_fini(at);
	*(struct conf_url *)at = url;
	return 0;
}

/* Listening addresses live in struct conf, next to their count. */
static struct conf *
conf_of_listen(void *at)
{
	return (
	    struct conf *)(void *)((char *)at - offsetof(struct conf, listen));
}

static void
clear_addresses(void *at)
{
	struct conf *conf = conf_of_listen(at);

	while (conf->listen_count > 0)
		conf_address_fini(&conf->listen[--conf->listen_count]);
	free(conf->listen);
	conf->listen = NULL;
}

static int
parse_listen(struct conf_setting *setting, const struct conf_node *item,
    struct conf_address *address)
{
	setting->bad = item;
	if (item->kind != CONF_NODE_TEXT || item->text[0] == '\0')
		return err_set(setting->err, ERR_INVALID,
		    "expected an address like \":8443\"");
	return conf_address_parse(item->text, address, setting->err);
}

static int
set_addresses(
    struct conf_setting *setting, const struct conf_node *node, void *at)
{
	struct conf *conf = conf_of_listen(at);
	bool is_list = node->kind == CONF_NODE_LIST;
	size_t count = is_list ? node->count : 1, i;
	struct conf_address *listen;

	if (count == 0)
		return err_set(
		    setting->err, ERR_INVALID, "needs at least one address");
	listen = xcalloc(count, sizeof(*listen));
	for (i = 0; i < count; i++) {
		if (parse_listen(setting, is_list ? node->items[i] : node,
			&listen[i]) == 0)
			continue;
		while (i > 0)
			conf_address_fini(&listen[--i]);
		free(listen);
		return -1;
	}
	clear_addresses(at);
	conf->listen = listen;
	conf->listen_count = count;
	return 0;
}

static int
set_strings(
    struct conf_setting *setting, const struct conf_node *node, void *at)
{
	struct conf_strings strings;
	size_t i;

	if (conf_value_strings(setting, node, &strings) == -1)
		return -1;
	for (i = 0; i < strings.count; i++) {
		setting->bad = node->items[i];
		if (check_text(setting->key, strings.items[i], setting->err) ==
		    -1) {
			conf_strings_clear(&strings);
			return -1;
		}
	}
	conf_strings_clear(at);
	*(struct conf_strings *)at = strings;
	return 0;
}

static int
set_paths(struct conf_setting *setting, const struct conf_node *node, void *at)
{
	struct conf_strings *strings = at;
	char *joined;
	size_t i;

	if (set_strings(setting, node, at) == -1)
		return -1;
	for (i = 0; i < strings->count; i++) {
		joined = conf_file_join(setting->folder, strings->items[i]);
		free(strings->items[i]);
		strings->items[i] = joined;
	}
	return 0;
}

static void
clear_text(void *at)
{
	char **field = at;

	free(*field);
	*field = NULL;
}

static void
clear_strings(void *at)
{
	conf_strings_clear(at);
}

static void
clear_address(void *at)
{
	conf_address_fini(at);
}

static void
clear_url(void *at)
{
	conf_url_fini(at);
}

struct ops {
	set_fn *set;
	clear_fn *clear;   /* NULL: nothing to free */
	bool takes_others; /* lists and maps, not only text */
};

static const struct ops ops[CONF_TYPE_COUNT] = {
	[CONF_TYPE_PARAMS] = { conf_value_set_params, conf_value_clear_params,
	    true },
	[CONF_TYPE_QUERY_VALUES] = { conf_value_set_rules,
	    conf_value_clear_rules, true },
	[CONF_TYPE_USERS] = { conf_value_set_users, conf_value_clear_users,
	    true },
	[CONF_TYPE_RESPONSE_HEADERS] = { conf_value_set_response_headers,
	    conf_value_clear_response_headers, true },
	[CONF_TYPE_STRING] = { set_text, clear_text, false },
	[CONF_TYPE_SECRET] = { set_text, clear_text, false },
	[CONF_TYPE_PEM] = { set_text, clear_text, false },
	[CONF_TYPE_SECRET_PEM] = { set_text, clear_text, false },
	[CONF_TYPE_PATH] = { set_text, clear_text, false },
	[CONF_TYPE_PROXY] = { set_proxy, clear_text, false },
	[CONF_TYPE_WORD] = { set_word, clear_text, false },
	[CONF_TYPE_BOOL] = { set_bool, NULL, false },
	[CONF_TYPE_UINT] = { set_uint, NULL, false },
	[CONF_TYPE_DURATION] = { set_duration, NULL, false },
	[CONF_TYPE_GO_DURATION] = { conf_value_set_go_duration, NULL, false },
	[CONF_TYPE_CLIENT_AUTH] = { conf_value_set_client_auth, NULL, false },
	[CONF_TYPE_SIZE] = { set_size, NULL, false },
	[CONF_TYPE_MULTIPLE] = { set_multiple, NULL, false },
	[CONF_TYPE_CHOICE] = { set_choice, NULL, false },
	[CONF_TYPE_ADDRESS] = { set_address, clear_address, false },
	[CONF_TYPE_ADDRESSES] = { set_addresses, clear_addresses, true },
	[CONF_TYPE_URL] = { set_url, clear_url, false },
	[CONF_TYPE_STRINGS] = { set_strings, clear_strings, true },
	[CONF_TYPE_WORDS] = { conf_value_set_words, clear_strings, true },
	[CONF_TYPE_SECRETS] = { set_strings, clear_strings, true },
	[CONF_TYPE_PATHS] = { set_paths, clear_strings, true },
	[CONF_TYPE_NETWORKS] = { conf_value_set_networks,
	    conf_value_clear_networks, true },
};

int
conf_value_set(
    struct conf_setting *setting, const struct conf_node *node, void *base)
{
	const struct ops *op = &ops[setting->key->type];

	setting->bad = node;
	if (node->kind != CONF_NODE_TEXT && !op->takes_others)
		return err_set(setting->err, ERR_INVALID,
		    "expected one value (%s), found %s",
		    conf_type_text(setting->key->type),
		    conf_node_kind_text(node));
	return op->set(setting, node, (char *)base + setting->key->offset);
}

void
conf_value_clear(const struct conf_key *key, void *base)
{
	clear_fn *clear = ops[key->type].clear;

	if (clear != NULL)
		clear((char *)base + key->offset);
}
