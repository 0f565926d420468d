/*
 * JSON Web Tokens: JWS in compact form, RFC 7515, 7519 and 8725 to the letter.
 *
 * Pure: the token, what is configured, the keys and the time in, who it is or
 * what is wrong out.  Nothing in a token chooses a key but its `kid`, and
 * nothing in it is believed before the signature is good, but for `iss`, which
 * only says who should look at it.
 */
#ifndef AUTH_JWT_H
#define AUTH_JWT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct auth_identity;
struct conf_jwt;
struct jwks;

/* A longer token is refused unseen. */
#define JWT_BYTES_MAX 16384

/* THE table of what can be wrong; each has its counter in a test. */
enum jwt_fault {
	JWT_FINE,
	JWT_NOT_JWT, /* not three parts of base64url with JSON objects */
	JWT_TOO_LONG,
	JWT_BAD_BASE64,
	JWT_BAD_JSON,
	JWT_BAD_HEADER,    /* crit, a wrong typ, a kid that is no text */
	JWT_BAD_ALGORITHM, /* none, symmetric, not one of ours */
	JWT_UNKNOWN_KEY,
	JWT_BAD_SIGNATURE,
	JWT_BAD_CLAIM, /* of a wrong kind: exp a text, aud a number */
	JWT_WRONG_ISSUER,
	JWT_WRONG_AUDIENCE,
	JWT_NO_EXPIRY,
	JWT_EXPIRED,
	JWT_NOT_YET, /* nbf or iat is in the future */
	JWT_NO_USER, /* the user claim is missing or unusable */
	JWT_FAULT_COUNT
};

#define JWT_DETAIL_SIZE 200

struct jwt_verdict {
	enum jwt_fault fault;
	/* For an operator, escaped: "expired 4m ago", "audience is [a], wanted
	 * one of [b]". */
	char detail[JWT_DETAIL_SIZE];
	struct auth_identity *identity; /* if fine: a reference */
	int64_t expires_s;              /* if fine: exp, without the leeway */
};

const char *jwt_fault_name(enum jwt_fault fault);

/*
 * Does it look like a JWT whose `iss` is `issuer`?  Nothing is verified: this
 * only finds out whom to ask.
 */
bool jwt_is_from(const char *token, const char *issuer);

/*
 * The `exp` of what looks like a JWT, in seconds since 1970; false if it is
 * none or has none.  Unverified, so good for a no only: what is over needs not
 * be asked about, and is not remembered longer than that.
 */
bool jwt_expiry(const char *token, int64_t *expires_s);

/* `keys` NULL: none at hand.  `now_s` is the wall clock's. */
void jwt_judge(const char *token, const struct conf_jwt *conf,
    const struct jwks *keys, int64_t now_s, struct jwt_verdict *verdict);

#endif
