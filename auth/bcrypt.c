#include "auth/bcrypt.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <crypt.h>
#include <openssl/crypto.h>

#include "conf/bcrypt.h"
#include "proxy/base/alloc.h"
#include "proxy/base/err.h"

#define COST_MIN 4
#define COST_MAX 31

/* "$2b$10$", salt, hash. */
#define HEAD_LEN 7
#define SALT_LEN 22
#define DIGEST_LEN 31

unsigned
bcrypt_cost(const char *hash)
{
	struct err err;

	return conf_bcrypt_check(hash, &err) == 0
		   ? (unsigned)conf_bcrypt_cost(hash)
		   : 0;
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

	if (bcrypt_cost(hash) == 0)
		return false;
	memcpy(setting, hash, sizeof(setting));
	setting[2] = 'b';
	run(password, setting, result);
	/* The salt's last character has bits to spare: only what was computed
	 * is compared. */
	return result[0] != '\0' &&
	       CRYPTO_memcmp(result + HEAD_LEN + SALT_LEN,
		   hash + HEAD_LEN + SALT_LEN, DIGEST_LEN) == 0;
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
