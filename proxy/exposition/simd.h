/*
 * Sixteen bytes at a time: which of them are of a kind, as a bit each, lowest
 * first.  With SSE2, or without any such help on other machines.
 */
#ifndef PROXY_EXPOSITION_SIMD_H
#define PROXY_EXPOSITION_SIMD_H

#include <stdint.h>

#include "proxy/exposition/lexer_parts.h"

#define SIMD_WIDTH 16

#if defined(__SSE2__)

#include <emmintrin.h>

typedef __m128i simd_block;

static inline simd_block
simd_load(const unsigned char *bytes)
{
	return _mm_loadu_si128((const __m128i *)(const void *)bytes);
}

static inline uint32_t
simd_bits(__m128i mask)
{
	return (uint32_t)_mm_movemask_epi8(mask);
}

static inline __m128i
simd_is(simd_block block, char c)
{
	return _mm_cmpeq_epi8(block, _mm_set1_epi8(c));
}

/* first <= byte <= last */
static inline __m128i
simd_within(simd_block block, char first, char last)
{
	__m128i above = _mm_sub_epi8(block, _mm_set1_epi8(first));

	return _mm_cmpeq_epi8(
	    _mm_min_epu8(above, _mm_set1_epi8((char)(last - first))), above);
}

static inline __m128i
simd_letters(simd_block block)
{
	__m128i lower = _mm_or_si128(block, _mm_set1_epi8(0x20));

	return _mm_or_si128(simd_within(lower, 'a', 'z'), simd_is(block, '_'));
}

/* Not [a-zA-Z0-9_:] */
static inline uint32_t
simd_no_metric(simd_block block)
{
	return ~simd_bits(_mm_or_si128(
		   simd_letters(block), simd_within(block, '0', ':'))) &
	       0xffff;
}

/* Not [a-zA-Z0-9_] */
static inline uint32_t
simd_no_label(simd_block block)
{
	return ~simd_bits(_mm_or_si128(
		   simd_letters(block), simd_within(block, '0', '9'))) &
	       0xffff;
}

/* A quote, a backslash, a control character, or not ASCII. */
static inline uint32_t
simd_special(simd_block block)
{
	return simd_bits(_mm_or_si128(
	    _mm_or_si128(simd_is(block, '"'), simd_is(block, '\\')),
	    _mm_cmplt_epi8(block, _mm_set1_epi8(0x20))));
}

/* A control character, or not ASCII. */
static inline uint32_t
simd_odd(simd_block block)
{
	return simd_bits(_mm_cmplt_epi8(block, _mm_set1_epi8(0x20)));
}

static inline uint32_t
simd_digits(simd_block block)
{
	return simd_bits(simd_within(block, '0', '9'));
}

static inline uint32_t
simd_equal(simd_block block, char c)
{
	return simd_bits(simd_is(block, c));
}

/* The byte with bit 0x20 set is `c`. */
static inline uint32_t
simd_equal_lower(simd_block block, char c)
{
	return simd_equal(_mm_or_si128(block, _mm_set1_epi8(0x20)), c);
}

#else

typedef const unsigned char *simd_block;

static inline simd_block
simd_load(const unsigned char *bytes)
{
	return bytes;
}

#define SIMD_BITS(condition)                                                   \
	do {                                                                   \
		uint32_t bits = 0;                                             \
		unsigned k;                                                    \
		for (k = 0; k < SIMD_WIDTH; k++)                               \
			bits |= (uint32_t)(condition) << k;                    \
		return bits;                                                   \
	} while (0)

static inline uint32_t
simd_no_metric(simd_block block)
{
	SIMD_BITS(!lex_is(block[k], CLASS_METRIC));
}

static inline uint32_t
simd_no_label(simd_block block)
{
	SIMD_BITS(!lex_is(block[k], CLASS_LABEL));
}

static inline uint32_t
simd_special(simd_block block)
{
	SIMD_BITS(block[k] == '"' || block[k] == '\\' || block[k] < 0x20 ||
		  block[k] >= 0x80);
}

static inline uint32_t
simd_odd(simd_block block)
{
	SIMD_BITS(block[k] < 0x20 || block[k] >= 0x80);
}

static inline uint32_t
simd_digits(simd_block block)
{
	SIMD_BITS(lex_is(block[k], CLASS_DIGIT));
}

static inline uint32_t
simd_equal(simd_block block, char c)
{
	SIMD_BITS(block[k] == (unsigned char)c);
}

static inline uint32_t
simd_equal_lower(simd_block block, char c)
{
	SIMD_BITS((block[k] | 0x20) == (unsigned char)c);
}

#undef SIMD_BITS

#endif

static inline unsigned
simd_first(uint32_t bits)
{
	return (unsigned)__builtin_ctz(bits);
}

#endif
