#include "proxy/base/hash.h"

uint64_t
hash_bytes(uint64_t seed, const void *bytes, size_t len)
{
	const unsigned char *p = bytes;
	uint64_t hash = seed ^ 0xcbf29ce484222325u;

	for (; len > 0; p++, len--)
		hash = (hash ^ *p) * 0x100000001b3u;
	return hash;
}
