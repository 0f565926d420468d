/*
 * Words being put together in a fixed buffer: what does not fit is cut, always
 * between two characters, and says so.  Pure.
 */
#ifndef PROXY_EXPOSITION_WORDS_H
#define PROXY_EXPOSITION_WORDS_H

#include <stdbool.h>
#include <stddef.h>

struct words {
	char *text; /* terminated */
	size_t size;
	size_t len;
	bool is_cut; /* ends in "..." instead of the rest */
};

/* `size` is at least 4. */
void words_init(struct words *words, char *text, size_t size);

void words_add(struct words *words, const char *text);
void words_add_number(struct words *words, long long number);

/* Foreign bytes as they are (Go's %s), or quoted as by Go's %q. */
void words_add_bytes(
    struct words *words, const unsigned char *bytes, size_t len);
void words_quote(struct words *words, const unsigned char *bytes, size_t len);

/* The first `max` runes, as Go's %.50s counts them: bytes to keep. */
size_t words_runes(const unsigned char *bytes, size_t len, size_t max);

#endif
