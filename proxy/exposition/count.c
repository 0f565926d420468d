#include "proxy/exposition/count.h"

/*
 * Bytes that are looked at together: a constant, so that compilers make
 * vector code of the loop, and fewer than an unsigned char can count.
 */
#define BLOCK 128

/* Begins a line here that is neither blank nor a comment? */
static unsigned char
is_sample(const char *at)
{
	return (
	    unsigned char)((at[-1] == '\n') & (at[0] != '#') & (at[0] != '\n'));
}

void
exposition_count(struct exposition_count *count, const char *text, size_t len)
{
	unsigned char found;
	size_t at = 1, i;

	if (len == 0)
		return;
	if (!count->is_in_line)
		count->samples += text[0] != '#' && text[0] != '\n';
	for (; len - at >= BLOCK; at += BLOCK) {
		found = 0;
		for (i = 0; i < BLOCK; i++)
			found =
			    (unsigned char)(found + is_sample(text + at + i));
		count->samples += found;
	}
	for (; at < len; at++)
		count->samples += is_sample(text + at);
	count->is_in_line = text[len - 1] != '\n';
}

uint64_t
exposition_count_samples(const char *text, size_t len)
{
	struct exposition_count count = { 0 };

	exposition_count(&count, text, len);
	return count.samples;
}
