/*
 * The Authorization header, read strictly (RFC 9110 11.6.2, RFC 7617).  Pure.
 *
 * What is read here decides whether the slow check of a password runs at all,
 * so everything that no client sends by accident is refused at once.
 */
#ifndef AUTH_HEADER_H
#define AUTH_HEADER_H

#include <stddef.h>

#include "auth/bcrypt.h"

/* User, colon and password together, decoded. */
#define AUTH_BASIC_MAX 1024

enum auth_scheme {
	AUTH_SCHEME_NONE, /* no header, or an empty one */
	AUTH_SCHEME_BASIC,
	AUTH_SCHEME_BEARER,
	AUTH_SCHEME_OTHER
};

/* `value` may be NULL.  *rest is what stands behind the scheme. */
enum auth_scheme auth_header_scheme(const char *value, const char **rest);

enum auth_basic_fault {
	AUTH_BASIC_FINE,
	AUTH_BASIC_NOT_BASE64, /* canonical and padded, or it is none */
	AUTH_BASIC_NO_COLON,
	AUTH_BASIC_NUL,
	AUTH_BASIC_USER_LONG,
	AUTH_BASIC_PASSWORD_LONG /* bcrypt would only look at 72 bytes */
};

/* Both ended by NUL.  Holds a password: wipe after use. */
struct auth_basic {
	char user[AUTH_BASIC_MAX + 1];
	char password[BCRYPT_PASSWORD_MAX + 1];
};

/* `rest` as from auth_header_scheme().  `basic` is set only if fine. */
enum auth_basic_fault auth_header_basic(
    const char *rest, struct auth_basic *basic);

void auth_basic_wipe(struct auth_basic *basic);

#endif
