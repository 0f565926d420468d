/*
 * bcrypt, as basic_auth_users holds it: "$2b$COST$", 22 characters of salt
 * and 31 of hash.  The home of libcrypt.
 *
 * conf/ judges what a hash is; the letters behind the 2 (a, b, y) are names of
 * the same algorithm.
 *
 * Any thread; each call costs what its COST says: never on an event loop.
 */
#ifndef AUTH_BCRYPT_H
#define AUTH_BCRYPT_H

#include <stdbool.h>

struct err;

/* bcrypt looks at no more. */
#define BCRYPT_PASSWORD_MAX 72

/* "$2b$10$", salt, hash, NUL. */
#define BCRYPT_HASH_SIZE 61

/* 4 to 31; 0 if `hash` is none. */
unsigned bcrypt_cost(const char *hash);

/* `password` has at most BCRYPT_PASSWORD_MAX bytes. */
bool bcrypt_matches(const char *hash, const char *password);

/* A hash of `cost` that costs as much to check as any, and fits nothing. */
void bcrypt_dummy(char hash[BCRYPT_HASH_SIZE], unsigned cost);

/* A new salt from the system; -1 with `err`. */
int bcrypt_new(char hash[BCRYPT_HASH_SIZE], const char *password, unsigned cost,
    struct err *err);

#endif
