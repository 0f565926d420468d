/*
 * Delimited io.prometheus.client.MetricFamily messages, field by field: no
 * more than one metric is ever held.  Private to the scanner.
 *
 * Prometheus judges a family as a whole: that it is all there, then its own
 * fields, then its metrics in order.  So a complaint waits for the family's
 * end, and a graver one takes its place.
 */
#ifndef PROXY_EXPOSITION_PROTOBUF_H
#define PROXY_EXPOSITION_PROTOBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROTOBUF_NAME_MAX 1024
#define PROTOBUF_SAID_MAX 512

struct scanner;

enum protobuf_grade {
	GRADE_NONE,
	GRADE_METRIC, /* in a metric, or in the family as it is used */
	GRADE_FIRST,  /* in how the first metric is written */
	GRADE_FAMILY  /* in the family's own fields */
};

struct protobuf_complaint {
	enum protobuf_grade grade;
	unsigned reason; /* enum reason */
	char said[PROTOBUF_SAID_MAX];
};

struct protobuf {
	uint64_t at; /* of the next byte, in the body */
	bool is_inside;
	uint64_t family_at;   /* where its length stands */
	uint64_t family_size; /* length included */
	uint64_t left;        /* of the family */

	unsigned char name[PROTOBUF_NAME_MAX + 8]; /* room for a suffix */
	size_t name_len;
	bool is_name_long;           /* cut, and so not judged */
	unsigned char bad_help[256]; /* cut */
	size_t bad_help_len;
	bool is_help_bad;
	uint64_t type;
	uint64_t metrics;
	struct protobuf_complaint complaints[2]; /* by version */
};

void protobuf_begin(struct protobuf *protobuf);

/* As scanner_read_text(). */
size_t scanner_read_protobuf(struct scanner *scanner,
    const unsigned char *bytes, size_t len, bool is_last);

#endif
