/*
 * The Authorization header from anybody.  What is taken for base64 must be the
 * only spelling of what it says, and fit what it is read into.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "auth/header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_canonical(const char *rest, const struct auth_basic *basic)
{
	char pair[AUTH_BASIC_MAX + 1];
	unsigned char text[AUTH_BASIC_MAX * 4 / 3 + 8];
	int len =
	    snprintf(pair, sizeof(pair), "%s:%s", basic->user, basic->password);

	EVP_EncodeBlock(text, (const unsigned char *)pair, len);
	if (len >= (int)sizeof(pair) || strchr(basic->user, ':') != NULL ||
	    strlen(basic->password) > BCRYPT_PASSWORD_MAX ||
	    strcmp((const char *)text, rest) != 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *value = malloc(size + 1);
	struct auth_basic basic;
	const char *rest;

	memcpy(value, data, size);
	value[size] = '\0';
	if (auth_header_scheme(value, &rest) == AUTH_SCHEME_BASIC &&
	    auth_header_basic(rest, &basic) == AUTH_BASIC_FINE)
		check_canonical(rest, &basic);
	free(value);
	return 0;
}
