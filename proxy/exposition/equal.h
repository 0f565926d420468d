/*
 * Are two runs of bytes the same?  For names, which are short: to call
 * memcmp() costs more than to compare them.
 */
#ifndef PROXY_EXPOSITION_EQUAL_H
#define PROXY_EXPOSITION_EQUAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t
equal_load(const unsigned char *bytes)
{
	uint64_t word;

	memcpy(&word, bytes, sizeof(word));
	return word;
}

static inline bool
equal_bytes(const unsigned char *a, const unsigned char *b, size_t len)
{
	size_t i;

	if (len < sizeof(uint64_t)) {
		for (i = 0; i < len; i++)
			if (a[i] != b[i])
				return false;
		return true;
	}
	/* The last word may overlap the one before. */
	for (i = 0; i < len - sizeof(uint64_t); i += sizeof(uint64_t))
		if (equal_load(a + i) != equal_load(b + i))
			return false;
	i = len - sizeof(uint64_t);
	return equal_load(a + i) == equal_load(b + i);
}

/* Do the bytes begin with that word of seven?  Reads eight of them. */
static inline bool
equal_seven(const unsigned char *bytes, const char word[8])
{
	static const unsigned char mask[8] = { 0xff, 0xff, 0xff, 0xff, 0xff,
		0xff, 0xff, 0 };

	return ((equal_load(bytes) ^ equal_load((const void *)word)) &
		   equal_load(mask)) == 0;
}

#endif
