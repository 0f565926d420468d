/*
 * Tokens: one row for each way in which one can be wrong, signed as well as it
 * can be, so that each is refused for what it is about.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/err.h>

#include "auth/identity.h"
#include "auth/jwks.h"
#include "auth/jwt.h"
#include "conf/conf.h"
#include "proxy/base/err.h"

#include "jwt_maker.h"

#define NOW 1000000

enum key { RSA_KEY, P256_KEY, ED_KEY, PSS_KEY, STRANGER, KEY_COUNT };

static EVP_PKEY *pkeys[KEY_COUNT];
static struct jwks *set;

/* How often each fault was seen: none may be without a row. */
static unsigned seen[JWT_FAULT_COUNT];

static char issuer[] = "https://issuer.example";
static char audience[] = "scrapegate", other_audience[] = "scrapegate-2";
static char *audiences[] = { audience, other_audience };
static char sub[] = "sub", groups_claim[] = "groups";
static const struct conf_jwt conf = {
	.is_set = true,
	.issuer = issuer,
	.audiences = { .items = audiences, .count = 2 },
	.user_claim = sub,
	.groups_claim = groups_claim,
	.leeway = 30000,
};

static int
set_up(void **state)
{
	struct err err;
	char *rsa, *ec, *ed, *pss, *text;

	(void)state;
	pkeys[RSA_KEY] = EVP_RSA_gen(2048);
	pkeys[P256_KEY] = EVP_EC_gen("P-256");
	pkeys[ED_KEY] = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	pkeys[PSS_KEY] = EVP_RSA_gen(2048);
	pkeys[STRANGER] = EVP_RSA_gen(2048);
	rsa = maker_rsa_jwk(pkeys[RSA_KEY], "\"kid\":\"r\",");
	ec = maker_ec_jwk(pkeys[P256_KEY], "\"kid\":\"e\",\"use\":\"sig\",");
	ed = maker_ed_jwk(pkeys[ED_KEY], "\"kid\":\"o\",");
	pss = maker_rsa_jwk(pkeys[PSS_KEY], "\"kid\":\"p\",\"alg\":\"PS256\",");
	assert_true(
	    asprintf(&text, "{\"keys\":[%s,%s,%s,%s]}", rsa, ec, ed, pss) > 0);
	set = jwks_parse(text, strlen(text), &err);
	free(rsa);
	free(ec);
	free(ed);
	free(pss);
	free(text);
	return set != NULL && jwks_count(set) == 4 ? 0 : -1;
}

static int
tear_down(void **state)
{
	size_t i;

	(void)state;
	jwks_unref(set);
	for (i = 0; i < KEY_COUNT; i++)
		EVP_PKEY_free(pkeys[i]);
	return 0;
}

static void
judge_with(const char *token, const struct conf_jwt *with,
    const struct jwks *keys, int64_t now_s, struct jwt_verdict *verdict)
{
	const char *at;

	jwt_judge(token, with, keys, now_s, verdict);
	seen[verdict->fault]++;
	assert_int_equal(verdict->identity != NULL, verdict->fault == JWT_FINE);
	assert_int_equal(
	    verdict->detail[0] == '\0', verdict->fault == JWT_FINE);
	for (at = verdict->detail; *at != '\0'; at++)
		assert_in_range(*at, ' ', '~');
	/* Nothing is left for the next connection of this thread to find. */
	assert_int_equal(ERR_peek_error(), 0);
}

static void
judge(const char *token, struct jwt_verdict *verdict)
{
	judge_with(token, &conf, set, NOW, verdict);
}

static enum jwt_fault
fault_of(const char *token)
{
	struct jwt_verdict verdict;

	judge(token, &verdict);
	auth_identity_unref(verdict.identity);
	return verdict.fault;
}

#define ISS "\"iss\":\"https://issuer.example\","
#define AUD "\"aud\":\"scrapegate\","
#define EXP "\"exp\":1000100,"
#define SUB "\"sub\":\"prom\""
#define PAYLOAD "{" ISS AUD EXP SUB "}"

#define RS256 "{\"alg\":\"RS256\",\"kid\":\"r\"}"
#define PS256 "{\"alg\":\"PS256\",\"kid\":\"r\"}"
#define ES256 "{\"alg\":\"ES256\",\"kid\":\"e\"}"
#define EDDSA "{\"alg\":\"EdDSA\",\"kid\":\"o\"}"

struct row {
	enum key key;
	enum maker_way way;
	const char *header;
	const char *payload;
	enum jwt_fault fault;
};

/* A header, signed with the EC key. */
#define EC_HEADER(members, fault)                                              \
	{                                                                      \
		P256_KEY, MAKER_ES256, "{\"alg\":\"ES256\"" members "}",       \
		    PAYLOAD, fault                                             \
	}
#define EC_PAYLOAD(payload, fault)                                             \
	{                                                                      \
		P256_KEY, MAKER_ES256, ES256, payload, fault                   \
	}

static const struct row rows[] = {
	/* Good ones of each algorithm. */
	{ RSA_KEY, MAKER_RS256, RS256, PAYLOAD, JWT_FINE },
	{ RSA_KEY, MAKER_PS256, PS256, PAYLOAD, JWT_FINE },
	{ P256_KEY, MAKER_ES256, ES256, PAYLOAD, JWT_FINE },
	{ ED_KEY, MAKER_EDDSA, EDDSA, PAYLOAD, JWT_FINE },
	{ PSS_KEY, MAKER_PS256, "{\"alg\":\"PS256\",\"kid\":\"p\"}", PAYLOAD,
	    JWT_FINE },

	/* No signature, or a symmetric one by the public key. */
	{ RSA_KEY, MAKER_NOTHING, "{\"alg\":\"none\"}", PAYLOAD,
	    JWT_BAD_ALGORITHM },
	{ RSA_KEY, MAKER_NOTHING, "{\"alg\":\"None\",\"kid\":\"r\"}", PAYLOAD,
	    JWT_BAD_ALGORITHM },
	{ RSA_KEY, MAKER_NOTHING, "{\"alg\":\"nOnE\",\"kid\":\"r\"}", PAYLOAD,
	    JWT_BAD_ALGORITHM },
	{ RSA_KEY, MAKER_RS256, "{\"alg\":\"NONE\",\"kid\":\"r\"}", PAYLOAD,
	    JWT_BAD_ALGORITHM },
	{ RSA_KEY, MAKER_NOTHING, RS256, PAYLOAD, JWT_BAD_SIGNATURE },
	{ P256_KEY, MAKER_NOTHING, ES256, PAYLOAD, JWT_BAD_SIGNATURE },
	{ ED_KEY, MAKER_NOTHING, EDDSA, PAYLOAD, JWT_BAD_SIGNATURE },
	{ RSA_KEY, MAKER_HS256, "{\"alg\":\"HS256\",\"kid\":\"r\"}", PAYLOAD,
	    JWT_BAD_ALGORITHM },
	{ RSA_KEY, MAKER_HS256, RS256, PAYLOAD, JWT_BAD_SIGNATURE },

	/* Other algorithms, and what is none. */
	{ RSA_KEY, MAKER_RS512, "{\"alg\":\"RS512\",\"kid\":\"r\"}", PAYLOAD,
	    JWT_BAD_ALGORITHM },
	{ RSA_KEY, MAKER_RS256, "{\"alg\":\"rs256\",\"kid\":\"r\"}", PAYLOAD,
	    JWT_BAD_ALGORITHM },
	{ RSA_KEY, MAKER_RS256, "{\"alg\":\"RS256 \",\"kid\":\"r\"}", PAYLOAD,
	    JWT_BAD_ALGORITHM },
	{ RSA_KEY, MAKER_RS256, "{\"alg\":\"\",\"kid\":\"r\"}", PAYLOAD,
	    JWT_BAD_ALGORITHM },
	{ RSA_KEY, MAKER_RS256, "{\"alg\":null,\"kid\":\"r\"}", PAYLOAD,
	    JWT_BAD_ALGORITHM },
	{ RSA_KEY, MAKER_RS256, "{\"alg\":[\"RS256\"],\"kid\":\"r\"}", PAYLOAD,
	    JWT_BAD_ALGORITHM },
	{ RSA_KEY, MAKER_RS256, "{\"ALG\":\"RS256\",\"kid\":\"r\"}", PAYLOAD,
	    JWT_BAD_ALGORITHM },
	{ RSA_KEY, MAKER_RS256, "{\"kid\":\"r\"}", PAYLOAD, JWT_BAD_ALGORITHM },
	{ RSA_KEY, MAKER_RS256,
	    "{\"alg\":\"RSA-OAEP\",\"enc\":\"A256GCM\",\"kid\":\"r\"}", PAYLOAD,
	    JWT_BAD_ALGORITHM },

	/* A key is of one kind. */
	{ RSA_KEY, MAKER_RS256, "{\"alg\":\"ES256\",\"kid\":\"r\"}", PAYLOAD,
	    JWT_UNKNOWN_KEY },
	{ P256_KEY, MAKER_ES256, "{\"alg\":\"RS256\",\"kid\":\"e\"}", PAYLOAD,
	    JWT_UNKNOWN_KEY },
	{ P256_KEY, MAKER_ES256, "{\"alg\":\"EdDSA\",\"kid\":\"e\"}", PAYLOAD,
	    JWT_UNKNOWN_KEY },
	{ PSS_KEY, MAKER_RS256, "{\"alg\":\"RS256\",\"kid\":\"p\"}", PAYLOAD,
	    JWT_UNKNOWN_KEY },
	/* And padding of one kind. */
	{ RSA_KEY, MAKER_PS256, RS256, PAYLOAD, JWT_BAD_SIGNATURE },
	{ RSA_KEY, MAKER_RS256, PS256, PAYLOAD, JWT_BAD_SIGNATURE },
	{ RSA_KEY, MAKER_RS512, RS256, PAYLOAD, JWT_BAD_SIGNATURE },
	{ RSA_KEY, MAKER_PS256_SALT_0, PS256, PAYLOAD, JWT_BAD_SIGNATURE },
	{ RSA_KEY, MAKER_PS256_MGF1_SHA1, PS256, PAYLOAD, JWT_BAD_SIGNATURE },
	{ P256_KEY, MAKER_ES256_DER, ES256, PAYLOAD, JWT_BAD_SIGNATURE },

	/* Another's signature. */
	{ STRANGER, MAKER_RS256, RS256, PAYLOAD, JWT_BAD_SIGNATURE },
	{ STRANGER, MAKER_PS256, PS256, PAYLOAD, JWT_BAD_SIGNATURE },
	{ STRANGER, MAKER_RS256, ES256, PAYLOAD, JWT_BAD_SIGNATURE },
	{ STRANGER, MAKER_RS256, EDDSA, PAYLOAD, JWT_BAD_SIGNATURE },

	/* kid. */
	EC_HEADER("", JWT_FINE),
	EC_HEADER(",\"kid\":\"x\"", JWT_UNKNOWN_KEY),
	EC_HEADER(",\"kid\":\"E\"", JWT_UNKNOWN_KEY),
	EC_HEADER(",\"kid\":\"../../dev/null\"", JWT_UNKNOWN_KEY),
	EC_HEADER(",\"kid\":\"e' OR '1'='1\"", JWT_UNKNOWN_KEY),
	EC_HEADER(",\"kid\":\"%s%n\"", JWT_UNKNOWN_KEY),
	EC_HEADER(",\"kid\":\"|/bin/true\"", JWT_UNKNOWN_KEY),
	EC_HEADER(",\"kid\":\"https://evil.example/jwks\"", JWT_UNKNOWN_KEY),
	EC_HEADER(",\"kid\":\"\"", JWT_BAD_HEADER),
	EC_HEADER(",\"kid\":\"e\\n\"", JWT_BAD_HEADER),
	EC_HEADER(",\"kid\":\"\xc3\xa9\"", JWT_BAD_HEADER),
	EC_HEADER(",\"kid\":1", JWT_BAD_HEADER),
	EC_HEADER(",\"kid\":null", JWT_BAD_HEADER),
	EC_HEADER(",\"kid\":[\"e\"]", JWT_BAD_HEADER),
	EC_HEADER(",\"kid\":\"e\",\"kid\":\"e\"", JWT_BAD_JSON),
	EC_HEADER(",\"kid\":\"e\\u0000\"", JWT_BAD_JSON),

	/* typ. */
	EC_HEADER(",\"typ\":\"JWT\"", JWT_FINE),
	EC_HEADER(",\"typ\":\"jwt\"", JWT_FINE),
	EC_HEADER(",\"typ\":\"at+jwt\"", JWT_FINE),
	EC_HEADER(",\"typ\":\"AT+JWT\"", JWT_FINE),
	EC_HEADER(",\"typ\":\"application/at+jwt\"", JWT_FINE),
	EC_HEADER(",\"typ\":\"Application/JWT\"", JWT_FINE),
	EC_HEADER(",\"typ\":\"dpop+jwt\"", JWT_BAD_HEADER),
	EC_HEADER(",\"typ\":\"logout+jwt\"", JWT_BAD_HEADER),
	EC_HEADER(",\"typ\":\"JWS\"", JWT_BAD_HEADER),
	EC_HEADER(",\"typ\":\"\"", JWT_BAD_HEADER),
	EC_HEADER(",\"typ\":\"application/application/jwt\"", JWT_BAD_HEADER),
	EC_HEADER(",\"typ\":1", JWT_BAD_HEADER),
	EC_HEADER(",\"typ\":null", JWT_BAD_HEADER),

	/* Extensions, and keys that a token would bring along. */
	EC_HEADER(",\"crit\":[\"exp\"]", JWT_BAD_HEADER),
	EC_HEADER(",\"crit\":[]", JWT_BAD_HEADER),
	EC_HEADER(",\"crit\":null", JWT_BAD_HEADER),
	EC_HEADER(",\"crit\":[\"b64\"],\"b64\":false", JWT_BAD_HEADER),
	EC_HEADER(",\"b64\":false", JWT_BAD_HEADER),
	EC_HEADER(",\"jku\":\"https://evil.example/\"", JWT_BAD_HEADER),
	EC_HEADER(",\"x5u\":\"https://evil.example/\"", JWT_BAD_HEADER),
	EC_HEADER(",\"x5c\":[\"AAAA\"]", JWT_BAD_HEADER),
	EC_HEADER(",\"jwk\":{\"kty\":\"EC\"}", JWT_BAD_HEADER),
	EC_HEADER(",\"x5t\":\"AAAA\",\"cty\":\"x\",\"more\":{}", JWT_FINE),

	/* A header that is none. */
	{ P256_KEY, MAKER_ES256, "", PAYLOAD, JWT_BAD_JSON },
	{ P256_KEY, MAKER_ES256, "[]", PAYLOAD, JWT_BAD_JSON },
	{ P256_KEY, MAKER_ES256, "\"ES256\"", PAYLOAD, JWT_BAD_JSON },
	{ P256_KEY, MAKER_ES256, "{\"alg\":\"ES256\"", PAYLOAD, JWT_BAD_JSON },
	{ P256_KEY, MAKER_ES256, ES256 " x", PAYLOAD, JWT_BAD_JSON },
	{ P256_KEY, MAKER_ES256, "{\"alg\":\"none\",\"alg\":\"ES256\"}",
	    PAYLOAD, JWT_BAD_JSON },
	{ P256_KEY, MAKER_ES256, "{\"alg\":\"none\",\"\\u0061lg\":\"ES256\"}",
	    PAYLOAD, JWT_BAD_JSON },
	{ P256_KEY, MAKER_ES256, "{\"alg\":\"ES256\",\"a\":[[[[[[[[]]]]]]]]}",
	    PAYLOAD, JWT_BAD_JSON },

	/* A payload that is none. */
	EC_PAYLOAD("", JWT_BAD_JSON),
	EC_PAYLOAD("prom", JWT_BAD_JSON),
	EC_PAYLOAD("[" PAYLOAD "]", JWT_BAD_JSON),
	EC_PAYLOAD("{" ISS AUD EXP SUB ",}", JWT_BAD_JSON),
	EC_PAYLOAD(PAYLOAD PAYLOAD, JWT_BAD_JSON),
	EC_PAYLOAD("\xef\xbb\xbf" PAYLOAD, JWT_BAD_JSON),
	EC_PAYLOAD("eyJhbGciOiJub25lIn0.e30.", JWT_BAD_JSON), /* nested */
	EC_PAYLOAD(
	    "{" ISS AUD EXP SUB ",\"a\":[[[[[[[[]]]]]]]]}", JWT_BAD_JSON),
	EC_PAYLOAD("{" ISS AUD EXP SUB "," SUB "}", JWT_BAD_JSON),
	EC_PAYLOAD(
	    "{" ISS AUD EXP SUB ",\"su\\u0062\":\"root\"}", JWT_BAD_JSON),
	EC_PAYLOAD(
	    "{" ISS AUD EXP "\"sub\":\"prom\\u0000evil\"}", JWT_BAD_JSON),
	EC_PAYLOAD("{" ISS AUD EXP "\"sub\":\"prom\\ud800\"}", JWT_BAD_JSON),
	EC_PAYLOAD("{" ISS AUD EXP "\"sub\":\"prom\xff\"}", JWT_BAD_JSON),
	EC_PAYLOAD("{" ISS AUD "\"exp\":1e999," SUB "}", JWT_BAD_JSON),
	EC_PAYLOAD("{" ISS AUD "\"exp\":Infinity," SUB "}", JWT_BAD_JSON),
	EC_PAYLOAD("{" ISS AUD "\"exp\":NaN," SUB "}", JWT_BAD_JSON),

	/* iss. */
	EC_PAYLOAD("{" AUD EXP SUB "}", JWT_WRONG_ISSUER),
	EC_PAYLOAD("{\"iss\":\"https://issuer.example/\"," AUD EXP SUB "}",
	    JWT_WRONG_ISSUER),
	EC_PAYLOAD("{\"iss\":\"https://ISSUER.example\"," AUD EXP SUB "}",
	    JWT_WRONG_ISSUER),
	EC_PAYLOAD("{\"iss\":\"http://issuer.example\"," AUD EXP SUB "}",
	    JWT_WRONG_ISSUER),
	EC_PAYLOAD("{\"iss\":\"https://issuer.example \"," AUD EXP SUB "}",
	    JWT_WRONG_ISSUER),
	EC_PAYLOAD("{\"iss\":\"\"," AUD EXP SUB "}", JWT_WRONG_ISSUER),
	EC_PAYLOAD("{\"ISS\":\"https://issuer.example\"," AUD EXP SUB "}",
	    JWT_WRONG_ISSUER),
	EC_PAYLOAD("{\"iss\":null," AUD EXP SUB "}", JWT_BAD_CLAIM),
	EC_PAYLOAD("{\"iss\":[\"https://issuer.example\"]," AUD EXP SUB "}",
	    JWT_BAD_CLAIM),

	/* aud. */
	EC_PAYLOAD("{" ISS EXP SUB "}", JWT_WRONG_AUDIENCE),
	EC_PAYLOAD("{" ISS "\"aud\":\"scrapegate-2\"," EXP SUB "}", JWT_FINE),
	EC_PAYLOAD("{" ISS "\"aud\":[\"scrapegate\"]," EXP SUB "}", JWT_FINE),
	EC_PAYLOAD("{" ISS "\"aud\":[\"a\",\"scrapegate\",\"b\"]," EXP SUB "}",
	    JWT_FINE),
	EC_PAYLOAD(
	    "{" ISS "\"aud\":\"other\"," EXP SUB "}", JWT_WRONG_AUDIENCE),
	EC_PAYLOAD(
	    "{" ISS "\"aud\":\"Scrapegate\"," EXP SUB "}", JWT_WRONG_AUDIENCE),
	EC_PAYLOAD(
	    "{" ISS "\"aud\":\"scrapegate-\"," EXP SUB "}", JWT_WRONG_AUDIENCE),
	EC_PAYLOAD("{" ISS "\"aud\":\"a,scrapegate\"," EXP SUB "}",
	    JWT_WRONG_AUDIENCE),
	EC_PAYLOAD("{" ISS "\"aud\":\"\"," EXP SUB "}", JWT_WRONG_AUDIENCE),
	EC_PAYLOAD(
	    "{" ISS "\"aud\":[\"a\",\"b\"]," EXP SUB "}", JWT_WRONG_AUDIENCE),
	EC_PAYLOAD(
	    "{" ISS "\"AUD\":\"scrapegate\"," EXP SUB "}", JWT_WRONG_AUDIENCE),
	EC_PAYLOAD("{" ISS "\"aud\":[]," EXP SUB "}", JWT_BAD_CLAIM),
	EC_PAYLOAD("{" ISS "\"aud\":null," EXP SUB "}", JWT_BAD_CLAIM),
	EC_PAYLOAD("{" ISS "\"aud\":7," EXP SUB "}", JWT_BAD_CLAIM),
	EC_PAYLOAD(
	    "{" ISS "\"aud\":[\"scrapegate\",7]," EXP SUB "}", JWT_BAD_CLAIM),
	EC_PAYLOAD(
	    "{" ISS "\"aud\":[[\"scrapegate\"]]," EXP SUB "}", JWT_BAD_CLAIM),
	EC_PAYLOAD("{" ISS "\"aud\":{\"scrapegate\":true}," EXP SUB "}",
	    JWT_BAD_CLAIM),

	/* exp, nbf and iat; their edges are in a test of their own. */
	EC_PAYLOAD("{" ISS AUD SUB "}", JWT_NO_EXPIRY),
	EC_PAYLOAD("{" ISS AUD "\"EXP\":1000100," SUB "}", JWT_NO_EXPIRY),
	EC_PAYLOAD("{" ISS AUD "\"exp\":0," SUB "}", JWT_EXPIRED),
	EC_PAYLOAD("{" ISS AUD "\"exp\":-0," SUB "}", JWT_EXPIRED),
	EC_PAYLOAD("{" ISS AUD "\"exp\":1000100.75," SUB "}", JWT_FINE),
	EC_PAYLOAD("{" ISS AUD "\"exp\":1.0001e6," SUB "}", JWT_FINE),
	EC_PAYLOAD("{" ISS AUD "\"exp\":9007199254740992," SUB "}", JWT_FINE),
	EC_PAYLOAD(
	    "{" ISS AUD "\"exp\":9007199254740994," SUB "}", JWT_BAD_CLAIM),
	EC_PAYLOAD("{" ISS AUD "\"exp\":1e300," SUB "}", JWT_BAD_CLAIM),
	EC_PAYLOAD("{" ISS AUD "\"exp\":-1," SUB "}", JWT_BAD_CLAIM),
	EC_PAYLOAD("{" ISS AUD "\"exp\":\"1000100\"," SUB "}", JWT_BAD_CLAIM),
	EC_PAYLOAD("{" ISS AUD "\"exp\":[1000100]," SUB "}", JWT_BAD_CLAIM),
	EC_PAYLOAD("{" ISS AUD "\"exp\":true," SUB "}", JWT_BAD_CLAIM),
	EC_PAYLOAD("{" ISS AUD "\"exp\":null," SUB "}", JWT_BAD_CLAIM),
	EC_PAYLOAD("{" ISS AUD EXP "\"nbf\":1000100," SUB "}", JWT_NOT_YET),
	EC_PAYLOAD(
	    "{" ISS AUD EXP "\"nbf\":9007199254740992," SUB "}", JWT_NOT_YET),
	EC_PAYLOAD("{" ISS AUD EXP "\"nbf\":\"0\"," SUB "}", JWT_BAD_CLAIM),
	EC_PAYLOAD("{" ISS AUD EXP "\"nbf\":-1," SUB "}", JWT_BAD_CLAIM),
	EC_PAYLOAD("{" ISS AUD EXP "\"nbf\":null," SUB "}", JWT_BAD_CLAIM),
	EC_PAYLOAD("{" ISS AUD EXP "\"iat\":1000100," SUB "}", JWT_NOT_YET),
	EC_PAYLOAD("{" ISS AUD EXP "\"iat\":\"0\"," SUB "}", JWT_BAD_CLAIM),
	EC_PAYLOAD("{" ISS AUD EXP "\"iat\":1e300," SUB "}", JWT_BAD_CLAIM),
	EC_PAYLOAD(
	    "{" ISS AUD EXP "\"nbf\":0,\"iat\":1000000.5," SUB "}", JWT_FINE),

	/* Whose. */
	EC_PAYLOAD("{" ISS AUD "\"exp\":1000100}", JWT_NO_USER),
	EC_PAYLOAD("{" ISS AUD EXP "\"SUB\":\"prom\"}", JWT_NO_USER),
	EC_PAYLOAD("{" ISS AUD EXP "\"sub\":\"\"}", JWT_NO_USER),
	EC_PAYLOAD("{" ISS AUD EXP "\"sub\":null}", JWT_NO_USER),
	EC_PAYLOAD("{" ISS AUD EXP "\"sub\":7}", JWT_NO_USER),
	EC_PAYLOAD("{" ISS AUD EXP "\"sub\":[\"prom\"]}", JWT_NO_USER),
	EC_PAYLOAD("{" ISS AUD EXP "\"sub\":\"prom\\nx\"}", JWT_NO_USER),
	EC_PAYLOAD("{" ISS AUD EXP "\"sub\":\"prom\\r\"}", JWT_NO_USER),
	EC_PAYLOAD("{" ISS AUD EXP "\"sub\":\"\x7f\"}", JWT_NO_USER),
	EC_PAYLOAD("{" ISS AUD EXP "\"sub\":\"\\u0085\"}", JWT_NO_USER),

	/* Groups. */
	EC_PAYLOAD("{" ISS AUD EXP SUB ",\"groups\":null}", JWT_BAD_CLAIM),
	EC_PAYLOAD("{" ISS AUD EXP SUB ",\"groups\":7}", JWT_BAD_CLAIM),
	EC_PAYLOAD("{" ISS AUD EXP SUB ",\"groups\":{}}", JWT_BAD_CLAIM),
	EC_PAYLOAD("{" ISS AUD EXP SUB ",\"groups\":[7]}", JWT_BAD_CLAIM),
	EC_PAYLOAD(
	    "{" ISS AUD EXP SUB ",\"groups\":[\"a\",[]]}", JWT_BAD_CLAIM),
	EC_PAYLOAD("{" ISS AUD EXP SUB ",\"groups\":[\"\"]}", JWT_BAD_CLAIM),
	EC_PAYLOAD("{" ISS AUD EXP SUB ",\"groups\":\"\"}", JWT_BAD_CLAIM),
	EC_PAYLOAD(
	    "{" ISS AUD EXP SUB ",\"groups\":[\"a\\tb\"]}", JWT_BAD_CLAIM),
};

static void
test_rows(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *token = maker_token(pkeys[rows[i].key], rows[i].way,
		    rows[i].header, rows[i].payload, strlen(rows[i].payload));
		struct jwt_verdict verdict;

		judge(token, &verdict);
		if (verdict.fault != rows[i].fault)
			fail_msg("%s %s: %s (%s)", rows[i].header,
			    rows[i].payload, jwt_fault_name(verdict.fault),
			    verdict.detail);
		auth_identity_unref(verdict.identity);
		free(token);
	}
}

static char *
make_good(void)
{
	return maker_token(
	    pkeys[P256_KEY], MAKER_ES256, ES256, PAYLOAD, strlen(PAYLOAD));
}

/* `text` is freed. */
static enum jwt_fault
fault_of_text(char *text)
{
	enum jwt_fault fault = fault_of(text);

	free(text);
	return fault;
}

static char *format(const char *how, ...) __attribute__((format(printf, 1, 2)));

static char *
format(const char *how, ...)
{
	va_list args;
	char *text;

	va_start(args, how);
	assert_true(vasprintf(&text, how, args) >= 0);
	va_end(args);
	return text;
}

/* Not three parts, or not of base64url. */
static void
test_form(void **state)
{
	char *good = make_good(), *first = strdup(good), *second, *third;

	(void)state;
	second = strchr(first, '.');
	*second++ = '\0';
	third = strchr(second, '.');
	*third++ = '\0';
	assert_int_equal(fault_of(good), JWT_FINE);
	assert_int_equal(fault_of(""), JWT_NOT_JWT);
	assert_int_equal(fault_of("opaque"), JWT_NOT_JWT);
	assert_int_equal(fault_of("."), JWT_NOT_JWT);
	assert_int_equal(fault_of(".."), JWT_BAD_JSON);
	assert_int_equal(fault_of("..."), JWT_NOT_JWT);
	assert_int_equal(fault_of(first), JWT_NOT_JWT);
	assert_int_equal(
	    fault_of_text(format("%s.%s", first, second)), JWT_NOT_JWT);
	assert_int_equal(fault_of_text(format("%s.", good)), JWT_NOT_JWT);
	assert_int_equal(
	    fault_of_text(format("%s.%s", good, third)), JWT_NOT_JWT);
	assert_int_equal(
	    fault_of_text(format("%s.%s.e", good, third)), JWT_NOT_JWT);
	assert_int_equal(
	    fault_of_text(format(".%s.%s", second, third)), JWT_BAD_JSON);
	assert_int_equal(
	    fault_of_text(format("%s..%s", first, third)), JWT_BAD_SIGNATURE);
	assert_int_equal(
	    fault_of_text(format("%s.%s.", first, second)), JWT_BAD_SIGNATURE);
	/* Padding, blanks, another alphabet, lost bits, a digit too many. */
	assert_int_equal(fault_of_text(format("%s==", good)), JWT_BAD_BASE64);
	assert_int_equal(
	    fault_of_text(format("%s=.%s.%s", first, second, third)),
	    JWT_BAD_BASE64);
	assert_int_equal(fault_of_text(format(" %s", good)), JWT_BAD_BASE64);
	assert_int_equal(fault_of_text(format("%s ", good)), JWT_BAD_BASE64);
	assert_int_equal(fault_of_text(format("%s\n", good)), JWT_BAD_BASE64);
	assert_int_equal(
	    fault_of_text(format("%s.%s.%.84s+g", first, second, third)),
	    JWT_BAD_BASE64);
	assert_int_equal(
	    fault_of_text(format("%s.%s.%.85sB", first, second, third)),
	    JWT_BAD_BASE64);
	assert_int_equal(
	    fault_of_text(format("%s.%s.%.85s", first, second, third)),
	    JWT_BAD_BASE64);
	assert_int_equal(fault_of_text(format("%s.%s.\xc3\xa9", first, second)),
	    JWT_BAD_BASE64);
	free(good);
	free(first);
}

/* A good signature over a payload that is no base64url. */
static void
test_signed_nonsense(void **state)
{
	static const char *const payloads[] = { "e30=", "e31", "e", "e30 ",
		"e30+", "e30gA" };
	char *header = maker_base64(EDDSA, strlen(EDDSA));
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(payloads) / sizeof(payloads[0]); i++) {
		unsigned char signature[1024];
		char *text = format("%s.%s", header, payloads[i]), *last;
		size_t len =
		    maker_sign(pkeys[ED_KEY], MAKER_EDDSA, text, signature);

		last = maker_base64(signature, len);
		assert_int_equal(
		    fault_of_text(format("%s.%s", text, last)), JWT_BAD_BASE64);
		free(last);
		free(text);
	}
	free(header);
}

/* `len` bytes of `signature` behind `text`. */
static enum jwt_fault
fault_of_bytes(const char *text, const unsigned char *signature, size_t len)
{
	char *last = maker_base64(signature, len);
	enum jwt_fault fault = fault_of_text(format("%s.%s", text, last));

	free(last);
	return fault;
}

/* `len` bytes of `fill` as a signature, but for the last. */
static enum jwt_fault
fault_of_signature(const char *header, size_t len, int fill, unsigned char last)
{
	char *first = maker_base64(header, strlen(header));
	char *second = maker_base64(PAYLOAD, strlen(PAYLOAD));
	char *text = format("%s.%s", first, second);
	unsigned char *bytes = malloc(len + 1);
	enum jwt_fault fault;

	memset(bytes, fill, len);
	if (len > 0)
		bytes[len - 1] = last;
	fault = fault_of_bytes(text, bytes, len);
	free(first);
	free(second);
	free(text);
	free(bytes);
	return fault;
}

/* Zeros (CVE-2022-21449), ones, and lengths that are not the key's. */
static void
test_signatures(void **state)
{
	static const char *const headers[] = { RS256, PS256, ES256, EDDSA };
	static const size_t lens[] = { 0, 1, 32, 63, 64, 65, 128, 255, 256, 257,
		512, 513, 2048 };
	size_t i, j;

	(void)state;
	for (i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
		for (j = 0; j < sizeof(lens) / sizeof(lens[0]); j++) {
			assert_int_equal(
			    fault_of_signature(headers[i], lens[j], 0, 0),
			    JWT_BAD_SIGNATURE);
			assert_int_equal(
			    fault_of_signature(headers[i], lens[j], 0xff, 0xff),
			    JWT_BAD_SIGNATURE);
		}
	/* r = 0, s = 1. */
	assert_int_equal(
	    fault_of_signature(ES256, 64, 0, 1), JWT_BAD_SIGNATURE);
}

/* No byte of what is signed can be another, nor of the signature. */
static void
test_flips(void **state)
{
	static const char other[] = "AZaz09-_";
	char *good = make_good();
	size_t i, j;

	(void)state;
	for (i = 0; good[i] != '\0'; i++) {
		char was = good[i];

		for (j = 0; j < sizeof(other) - 1; j++) {
			good[i] = other[j];
			if (good[i] != was && fault_of(good) == JWT_FINE)
				fail_msg("byte %zu as %c", i, good[i]);
		}
		good[i] = was;
	}
	assert_int_equal(fault_of(good), JWT_FINE);
	free(good);
}

static void
check_lengths(enum key key, enum maker_way way, const char *header)
{
	unsigned char signature[1 + 1024] = { 0 };
	char *first = maker_base64(header, strlen(header));
	char *second = maker_base64(PAYLOAD, strlen(PAYLOAD));
	char *text = format("%s.%s", first, second);
	size_t len = maker_sign(pkeys[key], way, text, signature + 1);

	memset(signature + 1 + len, 0, 2);
	assert_int_equal(fault_of_bytes(text, signature + 1, len), JWT_FINE);
	assert_int_equal(
	    fault_of_bytes(text, signature, len + 1), JWT_BAD_SIGNATURE);
	assert_int_equal(
	    fault_of_bytes(text, signature + 1, len + 1), JWT_BAD_SIGNATURE);
	assert_int_equal(
	    fault_of_bytes(text, signature + 1, len + 2), JWT_BAD_SIGNATURE);
	assert_int_equal(
	    fault_of_bytes(text, signature + 1, len - 1), JWT_BAD_SIGNATURE);
	free(first);
	free(second);
	free(text);
}

/* A good signature with a zero before or behind it, or a byte less, is none. */
static void
test_signature_lengths(void **state)
{
	(void)state;
	check_lengths(RSA_KEY, MAKER_RS256, RS256);
	check_lengths(RSA_KEY, MAKER_PS256, PS256);
	check_lengths(P256_KEY, MAKER_ES256, ES256);
	check_lengths(ED_KEY, MAKER_EDDSA, EDDSA);
}

static char *
sign(const char *payload)
{
	return maker_token(
	    pkeys[ED_KEY], MAKER_EDDSA, EDDSA, payload, strlen(payload));
}

static enum jwt_fault
fault_at(const char *payload, int64_t now_s, int64_t leeway_ms)
{
	struct conf_jwt with = conf;
	struct jwt_verdict verdict;
	char *token = sign(payload);

	with.leeway = leeway_ms;
	judge_with(token, &with, set, now_s, &verdict);
	auth_identity_unref(verdict.identity);
	free(token);
	return verdict.fault;
}

static const struct {
	const char *times;
	int64_t now_s;
	int64_t leeway_ms;
	enum jwt_fault fault;
} edges[] = {
	{ "\"exp\":1000", 999, 0, JWT_FINE },
	{ "\"exp\":1000", 1000, 0, JWT_EXPIRED },
	{ "\"exp\":1000", 1001, 0, JWT_EXPIRED },
	{ "\"exp\":1000", 1029, 30000, JWT_FINE },
	{ "\"exp\":1000", 1030, 30000, JWT_EXPIRED },
	{ "\"exp\":1000", 1030, 30500, JWT_FINE },
	{ "\"exp\":1000", 1031, 30500, JWT_EXPIRED },
	{ "\"exp\":1000.5", 1000, 0, JWT_FINE },
	{ "\"exp\":1000.5", 1001, 0, JWT_EXPIRED },
	{ "\"exp\":1000", 0, 0, JWT_FINE },
	{ "\"exp\":1000", 4102444800, 30000, JWT_EXPIRED },
	{ "\"exp\":9e9,\"nbf\":1000", 999, 0, JWT_NOT_YET },
	{ "\"exp\":9e9,\"nbf\":1000", 1000, 0, JWT_FINE },
	{ "\"exp\":9e9,\"nbf\":1000", 969, 30000, JWT_NOT_YET },
	{ "\"exp\":9e9,\"nbf\":1000", 970, 30000, JWT_FINE },
	{ "\"exp\":9e9,\"nbf\":1000.5", 1000, 0, JWT_NOT_YET },
	{ "\"exp\":9e9,\"nbf\":1000.5", 1001, 0, JWT_FINE },
	{ "\"exp\":9e9,\"iat\":1000", 999, 0, JWT_NOT_YET },
	{ "\"exp\":9e9,\"iat\":1000", 970, 30000, JWT_FINE },
	{ "\"exp\":9e9,\"iat\":1000", 969, 30000, JWT_NOT_YET },
	{ "\"exp\":9e9,\"iat\":0,\"nbf\":0", 0, 0, JWT_FINE },
	{ "\"exp\":9007199254740992,\"nbf\":0", 0, 0, JWT_FINE },
	/* Over before it begins. */
	{ "\"exp\":1000,\"nbf\":2000", 1500, 0, JWT_EXPIRED },
};

static void
test_edges(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(edges) / sizeof(edges[0]); i++) {
		char *payload =
		    format("{" ISS AUD "%s," SUB "}", edges[i].times);
		enum jwt_fault fault =
		    fault_at(payload, edges[i].now_s, edges[i].leeway_ms);

		if (fault != edges[i].fault)
			fail_msg("%s at %d with %d: %s", edges[i].times,
			    (int)edges[i].now_s, (int)edges[i].leeway_ms,
			    jwt_fault_name(fault));
		free(payload);
	}
}

static void
check_identity(const struct conf_jwt *with, const char *payload,
    const char *user, const char *const *groups, size_t count)
{
	struct jwt_verdict verdict;
	char *token = sign(payload);
	size_t i;

	judge_with(token, with, set, NOW, &verdict);
	free(token);
	if (verdict.fault != JWT_FINE)
		fail_msg("%s: %s", payload, verdict.detail);
	assert_int_equal(verdict.expires_s, 1000100);
	assert_int_equal(
	    auth_identity_method(verdict.identity), AUTH_METHOD_JWT);
	assert_string_equal(auth_identity_user(verdict.identity), user);
	assert_int_equal(auth_identity_group_count(verdict.identity), count);
	for (i = 0; i < count; i++)
		assert_string_equal(
		    auth_identity_group(verdict.identity, i), groups[i]);
	auth_identity_unref(verdict.identity);
}

#define IDENTITY(with, payload, user, ...)                                     \
	do {                                                                   \
		const char *const list[] = { "", ##__VA_ARGS__ };              \
                                                                               \
		check_identity(with, payload, user, list + 1,                  \
		    sizeof(list) / sizeof(list[0]) - 1);                       \
	} while (0)

static void
test_identities(void **state)
{
	static char email[] = "email", dotted[] = "realm.roles";
	struct conf_jwt with = conf;

	(void)state;
	IDENTITY(&conf, PAYLOAD, "prom");
	IDENTITY(&conf, "{" ISS AUD "\"exp\":1000100.9," SUB "}", "prom");
	IDENTITY(&conf, "{" ISS AUD EXP "\"sub\":\"z\\u00e9\"}", "z\xc3\xa9");
	IDENTITY(&conf, "{" ISS AUD EXP SUB ",\"groups\":\"a\"}", "prom", "a");
	IDENTITY(&conf, "{" ISS AUD EXP SUB ",\"groups\":[]}", "prom");
	IDENTITY(&conf, "{" ISS AUD EXP SUB ",\"groups\":[\"a\",\"b c\"]}",
	    "prom", "a", "b c");
	IDENTITY(&conf, "{" ISS AUD EXP SUB ",\"Groups\":[\"a\"]}", "prom");
	with.user_claim = email;
	with.groups_claim = dotted;
	IDENTITY(&with,
	    "{" ISS AUD EXP SUB ",\"email\":\"p@x\",\"groups\":[\"a\"],"
	    "\"realm\":{\"roles\":[\"b\"]}}",
	    "p@x");
	IDENTITY(&with,
	    "{" ISS AUD EXP "\"email\":\"p@x\",\"realm.roles\":[\"b\"]}", "p@x",
	    "b");
}

#define ACCOUNT "system:serviceaccount:monitoring:prometheus"
#define KUBERNETES "\"kubernetes.io\":{\"namespace\":\"monitoring\"}"

/* What TokenReview would say of a ServiceAccount's groups. */
static void
test_service_accounts(void **state)
{
	static char name[] = "name";
	struct conf_jwt with = conf;

	(void)state;
	IDENTITY(&conf,
	    "{" ISS AUD EXP "\"sub\":\"" ACCOUNT "\"," KUBERNETES "}", ACCOUNT,
	    "system:serviceaccounts", "system:serviceaccounts:monitoring",
	    "system:authenticated");
	IDENTITY(&conf,
	    "{" ISS AUD EXP "\"sub\":\"" ACCOUNT "\"," KUBERNETES
	    ",\"groups\":[\"a\"]}",
	    ACCOUNT, "a", "system:serviceaccounts",
	    "system:serviceaccounts:monitoring", "system:authenticated");
	/* Not of a cluster, or not such a name. */
	IDENTITY(&conf, "{" ISS AUD EXP "\"sub\":\"" ACCOUNT "\"}", ACCOUNT);
	IDENTITY(&conf,
	    "{" ISS AUD EXP "\"sub\":\"" ACCOUNT "\",\"kubernetes.io\":1}",
	    ACCOUNT);
	IDENTITY(&conf, "{" ISS AUD EXP SUB "," KUBERNETES "}", "prom");
	IDENTITY(&conf,
	    "{" ISS AUD EXP "\"sub\":\"system:serviceaccount:a\"," KUBERNETES
	    "}",
	    "system:serviceaccount:a");
	IDENTITY(&conf,
	    "{" ISS AUD EXP "\"sub\":\"system:serviceaccount:a:\"," KUBERNETES
	    "}",
	    "system:serviceaccount:a:");
	IDENTITY(&conf,
	    "{" ISS AUD EXP "\"sub\":\"system:serviceaccount::b\"," KUBERNETES
	    "}",
	    "system:serviceaccount::b");
	IDENTITY(&conf,
	    "{" ISS AUD EXP
	    "\"sub\":\"system:serviceaccount:a:b:c\"," KUBERNETES "}",
	    "system:serviceaccount:a:b:c");
	with.user_claim = name;
	IDENTITY(&with,
	    "{" ISS AUD EXP "\"name\":\"" ACCOUNT "\"," KUBERNETES "}",
	    ACCOUNT);
}

/* A payload with `count` items in a list called `name`. */
static char *
make_list(const char *name, const char *item, size_t count, const char *rest)
{
	char *text = malloc(count * 32 + 512), *end = text;
	size_t i;

	end += sprintf(end, "{\"%s\":[", name);
	for (i = 0; i < count; i++)
		end += sprintf(end, "%s\"%s\"", i == 0 ? "" : ",", item);
	sprintf(end, "],%s}", rest);
	return text;
}

static enum jwt_fault
fault_of_list(
    const char *name, const char *item, size_t count, const char *rest)
{
	char *payload = make_list(name, item, count, rest);
	enum jwt_fault fault = fault_of_text(sign(payload));

	free(payload);
	return fault;
}

static void
test_limits(void **state)
{
	char user[AUTH_USER_MAX + 2], kid[260], *text;

	(void)state;
	assert_int_equal(
	    fault_of_list("aud", "scrapegate", 64, ISS EXP SUB), JWT_FINE);
	assert_int_equal(
	    fault_of_list("aud", "scrapegate", 65, ISS EXP SUB), JWT_BAD_CLAIM);
	assert_int_equal(
	    fault_of_list("groups", "g", AUTH_GROUPS_MAX, ISS AUD EXP SUB),
	    JWT_FINE);
	assert_int_equal(
	    fault_of_list("groups", "g", AUTH_GROUPS_MAX + 1, ISS AUD EXP SUB),
	    JWT_BAD_CLAIM);
	/* Those of a ServiceAccount count. */
	assert_int_equal(fault_of_list("groups", "g", AUTH_GROUPS_MAX - 3,
			     ISS AUD EXP KUBERNETES ",\"sub\":\"" ACCOUNT "\""),
	    JWT_FINE);
	assert_int_equal(fault_of_list("groups", "g", AUTH_GROUPS_MAX - 2,
			     ISS AUD EXP KUBERNETES ",\"sub\":\"" ACCOUNT "\""),
	    JWT_BAD_CLAIM);

	memset(user, 'u', sizeof(user));
	user[AUTH_USER_MAX] = '\0';
	text = format("{" ISS AUD EXP "\"sub\":\"%s\"}", user);
	assert_int_equal(fault_of_text(sign(text)), JWT_FINE);
	free(text);
	user[AUTH_USER_MAX] = 'u';
	user[AUTH_USER_MAX + 1] = '\0';
	text = format("{" ISS AUD EXP "\"sub\":\"%s\"}", user);
	assert_int_equal(fault_of_text(sign(text)), JWT_NO_USER);
	free(text);

	memset(kid, 'k', sizeof(kid));
	kid[256] = '\0';
	text = format("{\"alg\":\"EdDSA\",\"kid\":\"%s\"}", kid);
	assert_int_equal(fault_of_text(maker_token(pkeys[ED_KEY], MAKER_EDDSA,
			     text, PAYLOAD, strlen(PAYLOAD))),
	    JWT_UNKNOWN_KEY);
	free(text);
	kid[256] = 'k';
	kid[257] = '\0';
	text = format("{\"alg\":\"EdDSA\",\"kid\":\"%s\"}", kid);
	assert_int_equal(fault_of_text(maker_token(pkeys[ED_KEY], MAKER_EDDSA,
			     text, PAYLOAD, strlen(PAYLOAD))),
	    JWT_BAD_HEADER);
	free(text);
}

/* Good but for its length: `len` is the payload's. */
static enum jwt_fault
fault_of_long(size_t len)
{
	char *payload = format("%-*s", (int)len, PAYLOAD);
	char *token = sign(payload);

	free(payload);
	assert_int_equal(
	    jwt_is_from(token, issuer), strlen(token) <= JWT_BYTES_MAX);
	return fault_of_text(token);
}

static void
test_length(void **state)
{
	/* The header, the signature and two dots. */
	size_t rest = (strlen(EDDSA) * 4 + 2) / 3 + 86 + 2;
	size_t max = (JWT_BYTES_MAX - rest) * 3 / 4;
	struct jwt_verdict verdict;
	char *text;

	(void)state;
	assert_int_equal(fault_of_long(max), JWT_FINE);
	assert_int_equal(fault_of_long(max + 1), JWT_TOO_LONG);
	assert_int_equal(fault_of_long(65536), JWT_TOO_LONG);
	text = malloc(65537);
	memset(text, '.', 65536);
	text[65536] = '\0';
	judge(text, &verdict);
	assert_int_equal(verdict.fault, JWT_TOO_LONG);
	free(text);
}

static const struct {
	const char *header;
	const char *payload;
	const char *detail;
} words[] = {
	{ "{\"alg\":\"none\"}", PAYLOAD,
	    "the algorithm is \"none\", wanted RS256, PS256, ES256 or EdDSA" },
	{ "{\"alg\":\"EdDSA\",\"kid\":\"a\\\"b\"}", PAYLOAD,
	    "no key for EdDSA with kid \"a\\\"b\" in the key set" },
	{ "{\"alg\":\"PS256\"}", PAYLOAD,
	    "the token has no kid, and the key set not exactly one key for "
	    "PS256" },
	{ "{\"alg\":\"EdDSA\",\"crit\":[\"x\"]}", PAYLOAD,
	    "the header has \"crit\"" },
	{ "{\"alg\":\"EdDSA\",\"typ\":\"a\\nb\"}", PAYLOAD,
	    "the type is \"a\\nb\", wanted JWT or at+jwt" },
	{ "{\"alg\":\"EdDSA\",\"a\":1,\"a\":2}", PAYLOAD,
	    "the header is not good JSON: a name twice: \"a\"" },
	{ EDDSA, "{", "the payload is not good JSON: byte 1: no name" },
	{ EDDSA, "{\"iss\":\"https://x\\u00e9\"," AUD EXP SUB "}",
	    "the issuer is \"https://x\\xc3\\xa9\", wanted "
	    "\"https://issuer.example\"" },
	{ EDDSA, "{" ISS "\"aud\":[\"a\",\"b\",\"c\"]," EXP SUB "}",
	    "the audience is \"a\" and 2 more, wanted \"scrapegate\" and 1 "
	    "more" },
	{ EDDSA, "{" ISS EXP SUB "}",
	    "the audience is none, wanted \"scrapegate\" and 1 more" },
	{ EDDSA, "{" ISS AUD "\"exp\":999760," SUB "}", "expired 4m ago" },
	{ EDDSA, "{" ISS AUD EXP "\"nbf\":1000050," SUB "}",
	    "\"nbf\" is in 50s: is a clock wrong?" },
	{ EDDSA, "{" ISS AUD "\"exp\":\"x\"," SUB "}",
	    "claim \"exp\" is not a time" },
};

static void
test_words(void **state)
{
	struct conf_jwt nobody = conf;
	struct jwt_verdict verdict;
	char *token;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		token = maker_token(pkeys[ED_KEY], MAKER_EDDSA, words[i].header,
		    words[i].payload, strlen(words[i].payload));
		judge(token, &verdict);
		assert_string_equal(verdict.detail, words[i].detail);
		free(token);
	}
	token = sign(PAYLOAD);
	judge_with(token, &conf, NULL, NOW, &verdict);
	assert_int_equal(verdict.fault, JWT_UNKNOWN_KEY);
	assert_string_equal(verdict.detail, "no key set is at hand");
	/* Without an audience to want, none is right (RFC 8725 3.9). */
	nobody.audiences.count = 0;
	judge_with(token, &nobody, set, NOW, &verdict);
	assert_int_equal(verdict.fault, JWT_WRONG_AUDIENCE);
	free(token);
}

/* Nothing but `iss` says whom to ask; and a token's own exp is good for a no,
 * whoever signed it. */
static void
test_peeks(void **state)
{
	char *token = maker_token(
	    pkeys[STRANGER], MAKER_NOTHING, "?", PAYLOAD, strlen(PAYLOAD));
	int64_t expires_s = 7;

	(void)state;
	assert_true(jwt_is_from(token, issuer));
	assert_false(jwt_is_from(token, "https://issuer.example/"));
	assert_false(jwt_is_from(token, ""));
	assert_true(jwt_expiry(token, &expires_s));
	assert_int_equal(expires_s, 1000100);
	free(token);
	token = sign("{\"iss\":[\"x\"],\"exp\":\"1\"}");
	assert_false(jwt_is_from(token, "x"));
	assert_false(jwt_expiry(token, &expires_s));
	free(token);
	token = sign("{\"iss\":\"x\",\"iss\":\"x\",\"exp\":1}");
	assert_false(jwt_is_from(token, "x"));
	assert_false(jwt_expiry(token, &expires_s));
	free(token);
	token = sign("{\"exp\":1e300}");
	assert_false(jwt_expiry(token, &expires_s));
	free(token);
	token = sign("[{\"iss\":\"x\",\"exp\":1}]");
	assert_false(jwt_is_from(token, "x"));
	assert_false(jwt_expiry(token, &expires_s));
	free(token);
	assert_false(jwt_is_from("", "x"));
	assert_false(jwt_is_from("opaque", "x"));
	assert_false(jwt_is_from("a.b", "x"));
	assert_false(jwt_is_from("a.=.c", "x"));
	assert_false(jwt_expiry("a.b.c.d", &expires_s));
	assert_int_equal(expires_s, 1000100);
}

/* Runs last: each fault has been seen, and each has a name of its own. */
static void
test_all_faults(void **state)
{
	enum jwt_fault i, j;

	(void)state;
	for (i = 0; i < JWT_FAULT_COUNT; i++) {
		if (seen[i] == 0)
			fail_msg("nothing was %s", jwt_fault_name(i));
		for (j = 0; j < i; j++)
			assert_string_not_equal(
			    jwt_fault_name(i), jwt_fault_name(j));
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_form),
		cmocka_unit_test(test_signed_nonsense),
		cmocka_unit_test(test_signatures),
		cmocka_unit_test(test_flips),
		cmocka_unit_test(test_signature_lengths),
		cmocka_unit_test(test_edges),
		cmocka_unit_test(test_identities),
		cmocka_unit_test(test_service_accounts),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_length),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_peeks),
		cmocka_unit_test(test_all_faults),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
