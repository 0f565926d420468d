#include "proxy/gate/known.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "proxy/base/alloc.h"
#include "proxy/gate/guard.h"

/* Some scrapers, each with some targets. */
#define HEADS 16

/* Prometheus' own are below 600 bytes. */
#define HEAD_MAX 1024

struct field {
	const char *name; /* into known_head.text, as is the value */
	size_t name_len;
	const char *value;
};

struct known_head {
	unsigned refs;
	struct guard guard;
	size_t len;
	size_t line_len;
	char *bytes; /* as they came */
	char *text;  /* the same, cut up into strings */
	size_t field_count;
	struct field fields[];
};

struct known {
	struct known_head *heads[HEADS];
	size_t next; /* the one that makes room */
};

struct known *
known_new(void)
{
	return xcalloc(1, sizeof(struct known));
}

void
known_free(struct known *known)
{
	size_t i;

	for (i = 0; i < HEADS; i++)
		known_head_unref(known->heads[i]);
	free(known);
}

struct known_head *
known_head_ref(struct known_head *head)
{
	if (head != NULL)
		head->refs++;
	return head;
}

void
known_head_unref(struct known_head *head)
{
	if (head == NULL || --head->refs > 0)
		return;
	/* Not credentials as we know them, but who knows what headers say. */
	explicit_bzero(head->bytes, head->len);
	explicit_bzero(head->text, head->len);
	free(head->bytes);
	free(head->text);
	free(head);
}

struct known_head *
known_recall(const struct known *known, const char *bytes, size_t len,
    struct guard *guard)
{
	struct known_head *head;
	size_t i;

	for (i = 0; i < HEADS; i++) {
		head = known->heads[i];
		if (head != NULL && head->len == len &&
		    head->guard.limits == guard->limits &&
		    memcmp(head->bytes, bytes, len) == 0) {
			*guard = head->guard;
			return head;
		}
	}
	return NULL;
}

/* White space around a value, as evhttp trims it: what a head says must not
 * depend on whether it is known. */
static const char *
trim(char *value)
{
	size_t len;

	value += strspn(value, " ");
	len = strlen(value);
	while (len > 0 && (value[len - 1] == ' ' || value[len - 1] == '\t'))
		len--;
	value[len] = '\0';
	return value;
}

/* The guard's heads are strict: no folding, each line "NAME:VALUE" CRLF. */
static void
take_apart(struct known_head *head, size_t field_count)
{
	char *line = head->text + head->line_len, *colon, *end;

	while (head->field_count < field_count) {
		struct field *field = &head->fields[head->field_count++];

		end = strstr(line, "\r\n");
		colon = strchr(line, ':');
		*end = *colon = '\0';
		field->name = line;
		field->name_len = (size_t)(colon - line);
		field->value = trim(colon + 1);
		line = end + 2;
	}
}

static struct known_head *
new_head(const char *bytes, size_t len, const struct guard *guard)
{
	struct known_head *head = xcalloc(
	    1, sizeof(*head) + guard->header_count * sizeof(head->fields[0]));

	head->refs = 1;
	head->guard = *guard;
	head->len = len;
	head->bytes = xmalloc(len);
	memcpy(head->bytes, bytes, len);
	head->text = xmalloc(len + 1);
	memcpy(head->text, bytes, len);
	head->text[len] = '\0';
	head->line_len = strcspn(head->text, "\n") + 1;
	take_apart(head, guard->header_count);
	return head;
}

void
known_keep(struct known *known, const char *bytes, size_t len,
    const struct guard *guard)
{
	if (len > HEAD_MAX || guard_has_secrets(guard))
		return;
	known_head_unref(known->heads[known->next]);
	known->heads[known->next] = new_head(bytes, len, guard);
	known->next = (known->next + 1) % HEADS;
}

size_t
known_head_line_len(const struct known_head *head)
{
	return head->line_len;
}

const char *
known_head_find(const struct known_head *head, const char *name)
{
	size_t len = strlen(name), i;

	for (i = 0; i < head->field_count; i++)
		if (head->fields[i].name_len == len &&
		    strncasecmp(head->fields[i].name, name, len) == 0)
			return head->fields[i].value;
	return NULL;
}
