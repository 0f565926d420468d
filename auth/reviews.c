/*
 * What is posted.
 */
#include "auth/reviews.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/identity.h"
#include "conf/conf.h"
#include "proxy/base/alloc.h"
#include "proxy/base/json.h"

/* A DNS name is the longest that Kubernetes has for anything. */
#define VALUE_MAX 253

static const char alphanumeric[] = "abcdefghijklmnopqrstuvwxyz"
				   "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
static const char in_names[] = "abcdefghijklmnopqrstuvwxyz"
			       "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:-";
/* What a bearer token is made of (RFC 6750 2.1). */
static const char in_tokens[] = "abcdefghijklmnopqrstuvwxyz"
				"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				"-._~+/=";

static char *
print_strings(const struct conf_strings *strings)
{
	struct cJSON *array = json_array_new();
	char *text;
	size_t i;

	for (i = 0; i < strings->count; i++)
		json_add_string(array, NULL, strings->items[i]);
	text = json_print(array);
	json_free(array);
	return text;
}

/* All else is spelled out, so that nothing in it can end the string. */
static char *
put_token(char *out, const char *token)
{
	static const char digits[] = "0123456789abcdef";

	for (; *token != '\0'; token++) {
		unsigned char byte = (unsigned char)*token;

		if (strchr(in_tokens, byte) != NULL) {
			*out++ = *token;
			continue;
		}
		*out++ = '\\';
		*out++ = 'u';
		*out++ = '0';
		*out++ = '0';
		*out++ = digits[byte >> 4];
		*out++ = digits[byte & 15];
	}
	return out;
}

/* By hand and in place: a JSON library would leave copies of the token. */
char *
review_token_body(const char *token, const struct conf_strings *audiences)
{
	static const char head[] =
	    "{\"apiVersion\":\"authentication.k8s.io/v1\","
	    "\"kind\":\"TokenReview\",\"spec\":{\"token\":\"";
	char *list = audiences->count > 0 ? print_strings(audiences) : NULL;
	char *tail = list != NULL ? xasprintf("\",\"audiences\":%s}}", list)
				  : xstrdup("\"}}");
	size_t tail_size = strlen(tail) + 1;
	char *body = xmalloc(sizeof(head) + 6 * strlen(token) + tail_size);

	memcpy(body, head, sizeof(head) - 1);
	memcpy(put_token(body + sizeof(head) - 1, token), tail, tail_size);
	free(tail);
	free(list);
	return body;
}

/* What is wrong with it as part of a name, or NULL. */
static const char *
judge_value(const char *value)
{
	size_t len = value == NULL ? 0 : strlen(value);

	if (len == 0)
		return "the request has not exactly one value for the "
		       "template";
	if (len > VALUE_MAX)
		return "the request's value is longer than 253 bytes";
	if (strspn(value, in_names) != len)
		return "the request's value has a byte that no name has";
	if (strchr(alphanumeric, value[0]) == NULL ||
	    strchr(alphanumeric, value[len - 1]) == NULL)
		return "the request's value does not begin and end with a "
		       "letter or digit";
	return NULL;
}

/* The length of a "{{ .Value }}" at the start of `text`, or 0. */
static size_t
measure_template(const char *text)
{
	const char *at = text;

	if (strncmp(at, "{{", 2) != 0)
		return 0;
	at += 2;
	at += strspn(at, " ");
	if (strncmp(at, ".Value", 6) != 0)
		return 0;
	at += 6;
	at += strspn(at, " ");
	return strncmp(at, "}}", 2) == 0 ? (size_t)(at + 2 - text) : 0;
}

static bool
has_template(const char *text)
{
	for (; *text != '\0'; text++)
		if (measure_template(text) > 0)
			return true;
	return false;
}

static char *
fill_template(const char *text, const char *value)
{
	char *filled = NULL;
	size_t len = 0;
	FILE *out = xrequire(open_memstream(&filled, &len));

	while (*text != '\0') {
		size_t skip = measure_template(text);

		if (skip > 0)
			fputs(value, out);
		else
			fputc(*text, out);
		text += skip > 0 ? skip : 1;
	}
	if (fclose(out) != 0)
		xrequire(NULL);
	return filled;
}

struct attribute {
	const char *key;
	const char *text;
};

/* -1 with `detail` if the request's value is needed and not good. */
static int
add_attribute(struct cJSON *parent, const struct attribute *attribute,
    const char *value, char *detail, size_t size)
{
	const char *fault;
	char *filled;

	if (attribute->text == NULL || *attribute->text == '\0')
		return 0;
	if (!has_template(attribute->text)) {
		json_add_string(parent, attribute->key, attribute->text);
		return 0;
	}
	fault = judge_value(value);
	if (fault != NULL) {
		snprintf(detail, size, "%s (%s)", fault, attribute->key);
		return -1;
	}
	filled = fill_template(attribute->text, value);
	json_add_string(parent, attribute->key, filled);
	free(filled);
	return 0;
}

static int
add_resource(struct cJSON *spec, const struct review_access *access,
    char *detail, size_t size)
{
	const struct conf_attributes *conf = &access->conf->attributes;
	const struct attribute attributes[] = {
		{ "namespace", conf->namespace },
		{ "verb", "get" },
		{ "group", conf->api_group },
		{ "version", conf->api_version },
		{ "resource", conf->resource },
		{ "subresource", conf->subresource },
		{ "name", conf->name },
	};
	struct cJSON *parent = json_add_object(spec, "resourceAttributes");
	size_t i;

	for (i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++)
		if (add_attribute(parent, &attributes[i], access->value, detail,
			size) == -1)
			return -1;
	return 0;
}

static void
add_path(struct cJSON *spec, const char *path)
{
	struct cJSON *parent = json_add_object(spec, "nonResourceAttributes");

	json_add_string(parent, "path", path);
	json_add_string(parent, "verb", "get");
}

static void
add_identity(struct cJSON *spec, const struct auth_identity *identity)
{
	size_t count = auth_identity_group_count(identity), i;
	struct cJSON *groups;

	json_add_string(spec, "user", auth_identity_user(identity));
	if (count == 0)
		return;
	groups = json_add_array(spec, "groups");
	for (i = 0; i < count; i++)
		json_add_string(groups, NULL, auth_identity_group(identity, i));
}

char *
review_access_body(
    const struct review_access *access, char *detail, size_t size)
{
	struct cJSON *root = json_object_new();
	struct cJSON *spec;
	char *body = NULL;

	json_add_string(root, "apiVersion", "authorization.k8s.io/v1");
	json_add_string(root, "kind", "SubjectAccessReview");
	spec = json_add_object(root, "spec");
	add_identity(spec, access->identity);
	if (!access->conf->attributes.is_set)
		add_path(spec, access->path);
	else if (add_resource(spec, access, detail, size) == -1)
		goto out;
	body = json_print(root);
out:
	json_free(root);
	return body;
}
