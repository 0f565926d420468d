#include "auth/bcrypt.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <crypt.h>
#include <openssl/crypto.h>

#include "proxy/base/alloc.h"
#include "proxy/base/err.h"

#define COST_MIN 4
#define COST_MAX 31

/* "$2b$10$", salt, hash. */
#define HEAD_LEN 7
#define SALT_LEN 22
#define DIGEST_LEN 31

/* "10$", salt and hash behind "$2$" or "$2?$"; NULL if that is not so. */
static const char *
find_cost(const char *hash)
{
	const char *p = hash + 2;

	if (hash[0] != '$' || hash[1] != '2')
		return NULL;
	if (*p != '$' && *p != '\0')
		p++;
	if (*p != '$' || !isdigit((unsigned char)p[1]) ||
	    !isdigit((unsigned char)p[2]) || p[3] != '$')
		return NULL;
	return p + 1;
}

unsigned
bcrypt_cost(const char *hash)
{
	const char *text = find_cost(hash);
	unsigned cost;

	if (text == NULL || strlen(text) < 3 + SALT_LEN + DIGEST_LEN)
		return 0;
	cost = (unsigned)(text[0] - '0') * 10 + (unsigned)(text[1] - '0');
	return cost >= COST_MIN && cost <= COST_MAX ? cost : 0;
}

/* `out` is "" if libcrypt did not like the setting. */
static void
run(const char *password, const char *setting, char out[BCRYPT_HASH_SIZE])
{
	struct crypt_data *data = xcalloc(1, sizeof(*data));
	const char *result = crypt_r(password, setting, data);

	out[0] = '\0';
	if (result != NULL && strlen(result) == BCRYPT_HASH_SIZE - 1)
		memcpy(out, result, BCRYPT_HASH_SIZE);
	explicit_bzero(data, sizeof(*data));
	free(data);
}

bool
bcrypt_matches(const char *hash, const char *password)
{
	char setting[BCRYPT_HASH_SIZE], result[BCRYPT_HASH_SIZE];
	const char *text = find_cost(hash);
	const char *digest;

	if (bcrypt_cost(hash) == 0)
		return false;
	digest = text + 3 + SALT_LEN;
	snprintf(setting, sizeof(setting), "$2b$%.*s",
	    3 + SALT_LEN + DIGEST_LEN, text);
	run(password, setting, result);
	/* The salt's last character has bits to spare: only what was computed
	 * is compared. */
	return result[0] != '\0' && CRYPTO_memcmp(result + HEAD_LEN + SALT_LEN,
					digest, DIGEST_LEN) == 0;
}

void
bcrypt_dummy(char hash[BCRYPT_HASH_SIZE], unsigned cost)
{
	assert(cost >= COST_MIN && cost <= COST_MAX);
	snprintf(hash, BCRYPT_HASH_SIZE, "$2b$%02u$%s%s", cost,
	    "scrapegate.scrapegate.", "...............................");
}

int
bcrypt_new(char hash[BCRYPT_HASH_SIZE], const char *password, unsigned cost,
    struct err *err)
{
	char setting[CRYPT_GENSALT_OUTPUT_SIZE];

	if (crypt_gensalt_rn("$2b$", cost, NULL, 0, setting, sizeof(setting)) ==
	    NULL)
		return err_set(
		    err, ERR_SYSTEM, "cannot make a salt: %s", strerror(errno));
	run(password, setting, hash);
	if (hash[0] == '\0')
		return err_set(err, ERR_SYSTEM, "libcrypt has no bcrypt");
	return 0;
}
