/* Private to fast.c: the parts of a line. */
#ifndef PROXY_EXPOSITION_FAST_PARTS_H
#define PROXY_EXPOSITION_FAST_PARTS_H

#include "proxy/exposition/equal.h"
#include "proxy/exposition/fast.h"
#include "proxy/exposition/labelset.h"
#include "proxy/exposition/learn.h"
#include "proxy/exposition/simd.h"

/* The first byte that is none of a metric's name, or NULL. */
static inline const unsigned char *
fast_skip_name(const unsigned char *name, const unsigned char *safe)
{
	const unsigned char *p = name;
	uint32_t bits;

	if (!lex_is(*name, CLASS_METRIC_START))
		return NULL;
	do {
		if (p > safe)
			return NULL;
		bits = simd_no_metric(simd_load(p));
		p += SIMD_WIDTH;
	} while (bits == 0);
	return p - SIMD_WIDTH + simd_first(bits);
}

/*
 * The same if it is the name of the family that is open, as it is in most TYPE
 * lines and most first samples; NULL tells nothing.
 */
static inline const unsigned char *
fast_open_name(const struct families *families, const unsigned char *name,
    const unsigned char *safe)
{
	const unsigned char *end = name + families->plain_len;

	if (families->plain_len == 0 || end > safe ||
	    (*end != ' ' && *end != '{') ||
	    !equal_bytes(name, families->name, families->plain_len))
		return NULL;
	return end;
}

/* None, or one. */
static inline bool
fast_is_single(uint32_t bits)
{
	return (bits & (bits - 1)) == 0;
}

/* What fast_number() does with all but the most common. */
unsigned fast_any_number(const unsigned char *p, const unsigned char *safe);

/*
 * The length of the number at `p` if it is a plain one that ends in a blank or
 * a newline and is sure to fit a float64; else 0.  `p` is not behind `safe`.
 */
static inline unsigned
fast_number(const unsigned char *p, const unsigned char *safe)
{
	simd_block block = simd_load(p);
	uint32_t digits = simd_digits(block), dots = simd_equal(block, '.');
	uint32_t others = ~(digits | dots) & 0xffff, all;
	unsigned len;

	if (others == 0)
		return fast_any_number(p, safe);
	len = simd_first(others);
	all = ((uint32_t)1 << len) - 1;
	if ((p[len] == '\n' || p[len] == ' ') && (digits & all) != 0 &&
	    fast_is_single(dots & all))
		return len;
	return fast_any_number(p, safe);
}

/* A HELP or TYPE line; behind its newline, or NULL. */
const unsigned char *fast_metadata(struct fast *fast, const unsigned char *p,
    const unsigned char *end, const unsigned char *safe);

#endif
