/*
 * The lines that make up nearly all of every exposition, read sixteen bytes at
 * a time:
 *
 *   name 12.5
 *   name{label="value",...} 1e+09 1395066363000
 *   # HELP name text
 *   # TYPE name type
 *
 * Takes only what all versions of Prometheus accept and mean alike, and leaves
 * the first line that is in any way unusual to parse_entry().
 */
#ifndef PROXY_EXPOSITION_FAST_H
#define PROXY_EXPOSITION_FAST_H

#include <stdbool.h>
#include <stddef.h>

struct exposition_limits;
struct learn;

struct fast {
	struct learn *learn;
	bool is_openmetrics;
	/* A label may be no more than so long, and a series have fewer. */
	size_t name_max, value_max;
	size_t labels_max; /* less the name's own, which counts */
};

void fast_begin(struct fast *fast, struct learn *learn,
    const struct exposition_limits *limits, bool is_openmetrics);

/* Bytes that fast_lines() may read behind the end of what it is given. */
#define FAST_SLACK 32

/*
 * Reads whole lines from the beginning of an entry on; returns how many bytes
 * they take.  Of the window, `slack` bytes more may be read (not believed).
 */
size_t fast_lines(
    struct fast *fast, const unsigned char *bytes, size_t len, size_t slack);

#endif
