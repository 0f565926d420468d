/*
 * 64 bits for a series: equal for equal label sets in whatever order they are
 * written, since the labels' hashes are added up.  Seeded, so that nobody
 * outside can make two series meet.
 */
#ifndef PROXY_EXPOSITION_FINGERPRINT_H
#define PROXY_EXPOSITION_FINGERPRINT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

__extension__ typedef unsigned __int128 fingerprint_wide;

static inline uint64_t
fingerprint_fold(uint64_t a, uint64_t b)
{
	fingerprint_wide product = (fingerprint_wide)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t
fingerprint_load(const unsigned char *bytes, size_t len)
{
	uint64_t word = 0;
	uint32_t half;

	if (len == 8)
		memcpy(&word, bytes, 8);
	else {
		memcpy(&half, bytes, 4);
		word = half;
	}
	return word;
}

/* Two words that hold all of up to 16 bytes. */
static inline void
fingerprint_short(
    const unsigned char *bytes, size_t len, uint64_t *a, uint64_t *b)
{
	if (len >= 8) {
		*a = fingerprint_load(bytes, 8);
		*b = fingerprint_load(bytes + len - 8, 8);
	} else if (len >= 4) {
		*a = fingerprint_load(bytes, 4);
		*b = fingerprint_load(bytes + len - 4, 4);
	} else if (len > 0) {
		*a = (uint64_t)bytes[0] << 16 | (uint64_t)bytes[len / 2] << 8 |
		     bytes[len - 1];
		*b = 0;
	} else
		*a = *b = 0;
}

static inline uint64_t
fingerprint_bytes(uint64_t seed, const unsigned char *bytes, size_t len)
{
	uint64_t state = seed ^ len, a, b;

	while (len > 16) {
		state = fingerprint_fold(
		    fingerprint_load(bytes, 8) ^ 0x9e3779b97f4a7c15,
		    fingerprint_load(bytes + 8, 8) ^ state);
		bytes += 16;
		len -= 16;
	}
	fingerprint_short(bytes, len, &a, &b);
	state = fingerprint_fold(
	    a ^ 0xd1b54a32d192ed03 ^ seed, b ^ 0x8cb92ba72f3d8dd7 ^ state);
	return fingerprint_fold(state ^ 0xaef17502108ef2d9, seed | 1);
}

#endif
