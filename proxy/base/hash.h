/*
 * A quick hash of bytes that nobody picks to collide.  Not for secrets, not to
 * be stored (it is another on a machine of another byte order), and not for a
 * table that a stranger can fill: that is what hash_keyed() is for.
 */
#ifndef PROXY_BASE_HASH_H
#define PROXY_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/* 0 or any number as `seed`; an earlier result hashes both, in that order. */
uint64_t hash_bytes(uint64_t seed, const void *bytes, size_t len);

/*
 * SipHash-2-4 (Aumasson and Bernstein, 2012): who does not know the key, which
 * is random, cannot find bytes that collide.
 */
uint64_t hash_keyed(const uint64_t key[2], const void *bytes, size_t len);

#endif
