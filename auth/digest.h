/*
 * The keyed digest under which credentials are remembered and compared:
 * HMAC-SHA256 over length-prefixed fields.  Without the key, which is random
 * and dies with the process, it says nothing about a password.
 *
 * A digester belongs to one thread.
 */
#ifndef AUTH_DIGEST_H
#define AUTH_DIGEST_H

#include <stddef.h>

struct err;

#define AUTH_DIGEST_SIZE 32
#define AUTH_DIGEST_TEXT_SIZE (2 * AUTH_DIGEST_SIZE + 1)
#define AUTH_KEY_SIZE 32

struct digester;

/* From the system's randomness; -1 with `err`. */
int auth_key_make(unsigned char key[AUTH_KEY_SIZE], struct err *err);

struct digester *digester_new(
    const unsigned char key[AUTH_KEY_SIZE], struct err *err);
void digester_free(struct digester *digester);

/* Fields are strings; which are which follows from their order. */
void digester_make(struct digester *digester, const char *const *fields,
    size_t count, unsigned char digest[AUTH_DIGEST_SIZE]);

/* In hex. */
void digest_text(const unsigned char digest[AUTH_DIGEST_SIZE],
    char text[AUTH_DIGEST_TEXT_SIZE]);

#endif
