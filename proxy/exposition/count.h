/*
 * Counts the samples of a text exposition: lines that are neither blank nor
 * comments.  Good for a number on a page, no verdict on the syntax.
 */
#ifndef PROXY_EXPOSITION_COUNT_H
#define PROXY_EXPOSITION_COUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

uint64_t exposition_count_samples(const char *text, size_t len);

/* The same for a text that comes in pieces; all zero before the first. */
struct exposition_count {
	uint64_t samples;
	bool is_in_line; /* the last piece ended inside one */
};

void exposition_count(
    struct exposition_count *count, const char *text, size_t len);

#endif
