#include "conf/suggest.h"

#include <string.h>

#define NAME_MAX_BYTES 63

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

size_t
conf_suggest_distance(const char *a, const char *b)
{
	size_t rows[3][NAME_MAX_BYTES + 1];
	size_t *before = rows[0], *above = rows[1], *row = rows[2], *spare;
	size_t a_len = strnlen(a, NAME_MAX_BYTES);
	size_t b_len = strnlen(b, NAME_MAX_BYTES);
	size_t i, j;

	for (j = 0; j <= b_len; j++)
		above[j] = j;
	for (i = 1; i <= a_len; i++) {
		row[0] = i;
		for (j = 1; j <= b_len; j++) {
			row[j] = above[j - 1] + (a[i - 1] != b[j - 1]);
			row[j] = least(row[j], least(above[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1])
				row[j] = least(row[j], before[j - 2] + 1);
		}
		spare = before;
		before = above;
		above = row;
		row = spare;
	}
	return above[b_len];
}

void
conf_suggest_add(struct conf_suggestion *suggestion, const char *name)
{
	size_t distance = conf_suggest_distance(suggestion->word, name);
	/* A third of the word may be wrong; farther off it is a guess. */
	size_t limit = (strlen(suggestion->word) + 2) / 3;

	if (distance > limit || distance >= strlen(name))
		return;
	if (suggestion->nearest != NULL && distance >= suggestion->distance)
		return;
	suggestion->nearest = name;
	suggestion->distance = distance;
}
