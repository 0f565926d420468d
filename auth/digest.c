#include "auth/digest.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include "proxy/base/alloc.h"
#include "proxy/base/err.h"

struct digester {
	EVP_MAC_CTX *mac; /* keyed once: keying costs more than a digest */
};

int
auth_key_make(unsigned char key[AUTH_KEY_SIZE], struct err *err)
{
	if (RAND_bytes(key, AUTH_KEY_SIZE) != 1)
		return err_set(err, ERR_SYSTEM, "the system has no randomness");
	return 0;
}

struct digester *
digester_new(const unsigned char key[AUTH_KEY_SIZE], struct err *err)
{
	char name[] = "SHA256";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(
		    OSSL_MAC_PARAM_DIGEST, name, 0),
		OSSL_PARAM_construct_end(),
	};
	struct digester *digester = xcalloc(1, sizeof(*digester));
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);

	if (mac != NULL)
		digester->mac = EVP_MAC_CTX_new(mac);
	EVP_MAC_free(mac);
	if (digester->mac == NULL ||
	    EVP_MAC_init(digester->mac, key, AUTH_KEY_SIZE, params) != 1) {
		err_set(err, ERR_SYSTEM, "OpenSSL has no HMAC-SHA256");
		digester_free(digester);
		return NULL;
	}
	return digester;
}

void
digester_free(struct digester *digester)
{
	if (digester == NULL)
		return;
	EVP_MAC_CTX_free(digester->mac);
	free(digester);
}

static void
add(struct digester *digester, const void *bytes, size_t len)
{
	int done = EVP_MAC_update(digester->mac, bytes, len);

	assert(done == 1);
}

void
digester_make(struct digester *digester, const char *const *fields,
    size_t count, unsigned char digest[AUTH_DIGEST_SIZE])
{
	size_t i, digest_len;
	int done;

	/* Without a key: with the one it had. */
	done = EVP_MAC_init(digester->mac, NULL, 0, NULL);
	assert(done == 1);
	for (i = 0; i < count; i++) {
		uint64_t len = strlen(fields[i]);

		add(digester, &len, sizeof(len));
		add(digester, fields[i], len);
	}
	done =
	    EVP_MAC_final(digester->mac, digest, &digest_len, AUTH_DIGEST_SIZE);
	assert(done == 1 && digest_len == AUTH_DIGEST_SIZE);
}

void
digest_text(const unsigned char digest[AUTH_DIGEST_SIZE],
    char text[AUTH_DIGEST_TEXT_SIZE])
{
	static const char digits[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < AUTH_DIGEST_SIZE; i++) {
		text[2 * i] = digits[digest[i] >> 4];
		text[2 * i + 1] = digits[digest[i] & 15];
	}
	text[2 * i] = '\0';
}
