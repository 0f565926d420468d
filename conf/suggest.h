/*
 * "Did you mean": the nearest known name to a misspelt one.
 */
#ifndef CONF_SUGGEST_H
#define CONF_SUGGEST_H

#include <stddef.h>

/*
 * Edits between two names: insert, delete, replace, or swap two neighbours
 * (Damerau-Levenshtein, optimal string alignment).  Only the first 63 bytes of
 * each count.
 */
size_t conf_suggest_distance(const char *a, const char *b);

/* The nearest candidate seen so far; begin with { .word = ... }. */
struct conf_suggestion {
	const char *word;
	const char *nearest; /* NULL: nothing near enough; borrowed */
	size_t distance;
};

/* Considers one known name.  Of two equally near the first one stays. */
void conf_suggest_add(struct conf_suggestion *suggestion, const char *name);

#endif
