/* Private to fast.c: the parts of a line. */
#ifndef PROXY_EXPOSITION_FAST_PARTS_H
#define PROXY_EXPOSITION_FAST_PARTS_H

#include "proxy/exposition/fast.h"
#include "proxy/exposition/labelset.h"
#include "proxy/exposition/learn.h"
#include "proxy/exposition/simd.h"

/*
 * The length of the number at `p` if it is a plain one that ends in a blank or
 * a newline and is sure to fit a float64; else 0.  `p` is not behind `safe`.
 */
unsigned fast_number(const unsigned char *p, const unsigned char *safe);

/* A HELP or TYPE line; behind its newline, or NULL. */
const unsigned char *fast_metadata(struct fast *fast, const unsigned char *p,
    const unsigned char *end, const unsigned char *safe);

#endif
