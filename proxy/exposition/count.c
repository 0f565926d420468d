#include "proxy/exposition/count.h"

#include <string.h>

uint64_t
exposition_count_samples(const char *text, size_t len)
{
	const char *end = text + len;
	uint64_t samples = 0;

	while (text < end) {
		const char *eol = memchr(text, '\n', (size_t)(end - text));

		if (*text != '#' && *text != '\n')
			samples++;
		if (eol == NULL)
			break;
		text = eol + 1;
	}
	return samples;
}
