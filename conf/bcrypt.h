/*
 * Hashes of basic_auth_users, judged by their form as Go's bcrypt.Cost()
 * does, and more strictly where a hash could never match.
 */
#ifndef CONF_BCRYPT_H
#define CONF_BCRYPT_H

struct err;

/*
 * -1 with err in the words of golang.org/x/crypto/bcrypt.  Never shows more of
 * the hash than its version and cost: it may be a password in the wrong place.
 */
int conf_bcrypt_check(const char *hash, struct err *err);

/* The cost of a hash that was found right, 4 to 31. */
int conf_bcrypt_cost(const char *hash);

#endif
