/*
 * Which parser Prometheus would use for a Content-Type, or why it refuses.
 * 2.x takes what it does not know for text; 3.x asks for one it knows, or for
 * fallback_scrape_protocol.  Pure.
 */
#ifndef PROXY_EXPOSITION_CONTENT_TYPE_H
#define PROXY_EXPOSITION_CONTENT_TYPE_H

#include <stddef.h>

#include "proxy/diagnosis/reasons.h"
#include "proxy/exposition/parse.h"

enum exposition_format {
	FORMAT_NONE, /* refused, or with no reason: nobody knows */
	FORMAT_TEXT,
	FORMAT_OPENMETRICS,
	FORMAT_PROTOBUF,
};

struct content_verdict {
	enum exposition_format formats[PROMETHEUS_COUNT];
	enum reason reason; /* of 3's refusal; REASON_OK */
	char said[512];     /* its lastError; may hold a newline */
	char value[128];    /* what was sent, escaped and cut */
};

/*
 * `value` is the header's, of `len` bytes; NULL if there is none.  `fallback`
 * is what fallback_scrape_protocol stands for, or FORMAT_NONE; where it is
 * used, it is used for both: the gate repairs the header on the way.
 */
void content_type_judge(struct content_verdict *verdict, const char *value,
    size_t len, enum exposition_format fallback);

/* "PrometheusText0.0.4" and its kin; FORMAT_NONE if it is none of them. */
enum exposition_format content_type_protocol(const char *name);

/* The header to send for a format that was repaired. */
const char *content_type_of(enum exposition_format format);

#endif
