/*
 * UTF-8 as Go's unicode/utf8 sees it: no surrogates, no overlong forms,
 * nothing above U+10FFFF.  Pure.
 */
#ifndef PROXY_EXPOSITION_UTF8_H
#define PROXY_EXPOSITION_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The length of the rune at `bytes` (`len` of them, at least 1), or 0 if no
 * rune begins there.
 */
size_t utf8_decode(const unsigned char *bytes, size_t len, uint32_t *rune);

bool utf8_is_valid(const unsigned char *bytes, size_t len);

/* Whether Go's %q prints it as it is. */
bool utf8_is_printable_rune(uint32_t rune);

#endif
