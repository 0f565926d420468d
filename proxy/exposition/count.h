/*
 * Counts the samples of a text exposition: lines that are neither blank nor
 * comments.  Good for a number on a page, no verdict on the syntax.
 */
#ifndef PROXY_EXPOSITION_COUNT_H
#define PROXY_EXPOSITION_COUNT_H

#include <stddef.h>
#include <stdint.h>

uint64_t exposition_count_samples(const char *text, size_t len);

#endif
