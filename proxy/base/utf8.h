/*
 * UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above
 * U+10FFFF.  Pure.
 */
#ifndef PROXY_BASE_UTF8_H
#define PROXY_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The length of the character at `bytes` (`len` of them, at least 1) and its
 * code point, or 0 if none begins there.
 */
size_t utf8_decode(const unsigned char *bytes, size_t len, uint32_t *rune);

bool utf8_is_valid(const unsigned char *bytes, size_t len);

/* How many bytes the first character of `text` has, 1 to 4; 0 if there is no
 * good one. */
size_t utf8_first(const char *text, size_t len);

/* Good text without control characters (NUL, C0, DEL, C1): what a name may be
 * that is compared byte for byte and shown to people. */
bool utf8_is_printable(const char *text, size_t len);

#endif
