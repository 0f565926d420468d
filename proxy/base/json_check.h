/*
 * The grammar of RFC 8259, and the limits of json_parse(), checked before
 * cJSON sees a byte: cJSON takes more than JSON is, and ends strings at NUL.
 * Pure: no memory, no locale, time linear in the length.
 *
 * Names that stand twice are json_parse()'s to find, which has them unescaped.
 */
#ifndef PROXY_BASE_JSON_CHECK_H
#define PROXY_BASE_JSON_CHECK_H

#include <stddef.h>

/* cJSON copies a number to a buffer of 64 bytes before it reads it. */
#define JSON_NUMBER_MAX 63

/*
 * `depth_max` is how deep it may be.
 * NULL if all of `text` is good; then the document ends before byte *at, behind
 * which there are only blanks.  Else what is wrong at byte *at.
 */
const char *json_check(
    const char *text, size_t len, unsigned depth_max, size_t *at);

#endif
