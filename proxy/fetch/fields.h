/*
 * Private to the judge: the headers of an answer that somebody here reads, and
 * where their values go.  Of a header that is repeated the first counts, as
 * with Go's Header.Get(); framing headers and challenges are all kept.
 */
#ifndef PROXY_FETCH_FIELDS_H
#define PROXY_FETCH_FIELDS_H

#include <stdbool.h>
#include <stddef.h>

#include "proxy/fetch/head.h"

/* RFC 9110 5.6.2. */
bool fields_is_token(unsigned char c);

/* In any case of letters; HEAD_OTHER if nobody reads it. */
enum head_name fields_find(const char *name, size_t len);

/* Files the header that `head` holds. */
void fields_store(struct head *head, struct judge_result *result);

#endif
