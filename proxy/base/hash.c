#include "proxy/base/hash.h"

#include <string.h>

#define ODD 0x9e3779b97f4a7c15u

/* Both halves of the product: each bit of `value` reaches all of the hash. */
static uint64_t
mix(uint64_t hash, uint64_t value)
{
	__extension__ typedef unsigned __int128 wide;
	wide product = (wide)(hash ^ value ^ ODD) * 0xe7037ed1a0b428dbu;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Eight bytes at a time; the length tells apart what ends in zeros. */
uint64_t
hash_bytes(uint64_t seed, const void *bytes, size_t len)
{
	const unsigned char *p = bytes;
	uint64_t hash = mix(seed, len), word;

	for (; len >= sizeof(word); p += sizeof(word), len -= sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		hash = mix(hash, word);
	}
	word = 0;
	memcpy(&word, p, len);
	return mix(hash, word);
}

static uint64_t
rotate(uint64_t value, unsigned bits)
{
	return value << bits | value >> (64 - bits);
}

static void
sip_rounds(uint64_t v[4], int rounds)
{
	while (rounds-- > 0) {
		v[0] += v[1];
		v[1] = rotate(v[1], 13) ^ v[0];
		v[0] = rotate(v[0], 32);
		v[2] += v[3];
		v[3] = rotate(v[3], 16) ^ v[2];
		v[0] += v[3];
		v[3] = rotate(v[3], 21) ^ v[0];
		v[2] += v[1];
		v[1] = rotate(v[1], 17) ^ v[2];
		v[2] = rotate(v[2], 32);
	}
}

/* Up to eight bytes, the first one lowest. */
static uint64_t
read_word(const unsigned char *bytes, size_t len)
{
	uint64_t word = 0;

	while (len > 0) {
		len--;
		word = word << 8 | bytes[len];
	}
	return word;
}

static void
absorb(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	sip_rounds(v, 2);
	v[0] ^= word;
}

uint64_t
hash_keyed(const uint64_t key[2], const void *bytes, size_t len)
{
	const unsigned char *p = bytes;
	uint64_t v[4] = { key[0] ^ 0x736f6d6570736575u,
		key[1] ^ 0x646f72616e646f6du, key[0] ^ 0x6c7967656e657261u,
		key[1] ^ 0x7465646279746573u };
	uint64_t last = (uint64_t)len << 56;

	for (; len >= 8; p += 8, len -= 8)
		absorb(v, read_word(p, 8));
	absorb(v, last | read_word(p, len));
	v[2] ^= 0xff;
	sip_rounds(v, 4);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}
