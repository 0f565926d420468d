/*
 * base64 and base64url (RFC 4648), strictly: one text per value.  Padding,
 * where there has to be some, is the caller's to look at and to leave out.
 * Pure.
 */
#ifndef AUTH_BASE64_H
#define AUTH_BASE64_H

#include <stddef.h>

enum base64_alphabet { BASE64_STANDARD, BASE64_URL };

/* Room enough for what `digits` digits hold. */
#define BASE64_SIZE(digits) ((digits) / 4 * 3 + 2)

/*
 * Decodes `digits` digits, and nothing else, to `out`.  Bits that fall off the
 * end must be zero.  Returns the bytes written, or -1.
 */
int base64_decode(
    enum base64_alphabet alphabet, void *out, const char *text, size_t digits);

#endif
