/*
 * Reads exposition/vectors.tsv: bodies, how they are served, and what is
 * expected of them.  For unit tests; the file itself says what its columns are.
 */
#ifndef TESTS_EXPOSITION_VECTORS_H
#define TESTS_EXPOSITION_VECTORS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/scanner_feed.h"

#define VECTORS TEST_DIR "/exposition/vectors.tsv"
#define VECTOR_NOW_MS 1700000000000

enum {
	VECTOR_ID,
	VECTOR_SERVED,   /* t, o or p; then |NAME=VALUE for each setting */
	VECTOR_3,        /* ID:LINE:COLUMN, ok or unknown */
	VECTOR_242,      /* likewise */
	VECTOR_BODY,     /* unescaped */
	VECTOR_SAID,     /* unescaped */
	VECTOR_WARNINGS, /* ID,ID; NULL: not looked at */
	VECTOR_FIELDS
};

struct vector {
	char *fields[VECTOR_FIELDS];
	size_t body_len;
};

static inline unsigned
vector_hex(char c)
{
	return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

/* In place: \n \t \r \\ \xNN.  Returns the length. */
static inline size_t
vector_unescape(char *text)
{
	char *in = text, *out = text;

	for (; *in != '\0'; in++) {
		if (*in != '\\') {
			*out++ = *in;
			continue;
		}
		in++;
		if (*in == 'x') {
			*out++ =
			    (char)(vector_hex(in[1]) << 4 | vector_hex(in[2]));
			in += 2;
		} else
			*out++ = *in == 'n'   ? '\n'
				 : *in == 't' ? '\t'
				 : *in == 'r' ? '\r'
					      : '\\';
	}
	*out = '\0';
	return (size_t)(out - text);
}

static inline bool
vector_next(FILE *file, char **line, size_t *room, struct vector *vector)
{
	ssize_t len;
	char *p;
	size_t i;

	do {
		len = getline(line, room, file);
		if (len == -1)
			return false;
	} while ((*line)[0] == '#');
	(*line)[len - 1] = '\0';
	p = *line;
	for (i = 0; i < VECTOR_FIELDS; i++)
		vector->fields[i] = p == NULL ? NULL : strsep(&p, "\t");
	assert_null(p);
	assert_non_null(vector->fields[VECTOR_SAID]);
	vector->body_len = vector_unescape(vector->fields[VECTOR_BODY]);
	vector_unescape(vector->fields[VECTOR_SAID]);
	return true;
}

static inline void
vector_set(struct scanner_options *options, const char *setting, size_t len)
{
	struct exposition_limits *limits = &options->limits;
	const struct {
		const char *name;
		uint64_t *value;
	} known[] = {
		{ "sample_limit=", &limits->samples },
		{ "label_limit=", &limits->labels },
		{ "label_name_length_limit=", &limits->label_name_length },
		{ "label_value_length_limit=", &limits->label_value_length },
		{ "body_size_limit=", &limits->body_size },
	};
	size_t i;

	if (len > 5 && memcmp(setting, "type=", 5) == 0) {
		content_type_judge(
		    &options->content, setting + 5, len - 5, FORMAT_NONE);
		return;
	}
	if (len == 4 && memcmp(setting, "type", 4) == 0) {
		content_type_judge(&options->content, NULL, 0, FORMAT_NONE);
		return;
	}
	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strncmp(setting, known[i].name, strlen(known[i].name)) ==
		    0) {
			*known[i].value =
			    strtoull(setting + strlen(known[i].name), NULL, 10);
			return;
		}
	fail_msg("no setting: %s", setting);
}

static inline struct scanner_options
vector_options(const struct vector *vector)
{
	const char *served = vector->fields[VECTOR_SERVED];
	struct scanner_options options =
	    feed_options(served[0] == 'o'   ? FORMAT_OPENMETRICS
			 : served[0] == 'p' ? FORMAT_PROTOBUF
					    : FORMAT_TEXT);

	options.now_ms = VECTOR_NOW_MS;
	served += strcspn(served, "|");
	while (*served == '|') {
		size_t len = strcspn(++served, "|");

		vector_set(&options, served, len);
		served += len;
	}
	return options;
}

#endif
