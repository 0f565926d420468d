#include "proxy/policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "conf/conf.h"
#include "proxy/base/alloc.h"
#include "proxy/base/err.h"
#include "proxy/base/material.h"

/* With its length, so that neighbours cannot run into each other. */
static void
put(FILE *out, const char *bytes, size_t len)
{
	fprintf(out, "%zu:", len);
	fwrite(bytes, 1, len, out);
}

static void
put_text(FILE *out, const char *text)
{
	if (text == NULL)
		fputc('-', out);
	else
		put(out, text, strlen(text));
}

static void
put_texts(FILE *out, const struct conf_strings *texts)
{
	size_t i;

	fprintf(out, "[%zu]", texts->count);
	for (i = 0; i < texts->count; i++)
		put_text(out, texts->items[i]);
}

/* Inline or from the file: the same certificates are the same policy. */
static void
put_pem(FILE *out, const char *text, const char *path,
    const struct material *material)
{
	struct err err;
	size_t len;

	if (text == NULL && path != NULL) {
		text = material_get(material, path, &len, &err);
		if (text != NULL) {
			put(out, text, len);
			return;
		}
	}
	put_text(out, text);
}

void
policy_init(struct policy *policy, const struct conf *conf,
    const struct material *material)
{
	const struct conf_tls_server *tls = &conf->tls_server_config;
	char *text = NULL;
	size_t len = 0;
	FILE *out = xrequire(open_memstream(&text, &len));

	fprintf(out, "%d %d ", conf->gate_tls != CONF_GATE_TLS_OFF,
	    (int)tls->client_auth_type);
	put_pem(out, tls->client_ca, tls->client_ca_file, material);
	put_pem(out, NULL, tls->client_crl_file, material);
	put_texts(out, &tls->client_allowed_sans);
	put_text(out, tls->min_version);
	put_text(out, tls->max_version);
	put_texts(out, &tls->cipher_suites);
	put_texts(out, &tls->curve_preferences);
	if (fclose(out) != 0 || EVP_Digest(text, len, policy->digest, NULL,
				    EVP_sha256(), NULL) != 1)
		xrequire(NULL);
	free(text);
}

bool
policy_is_equal(const struct policy *a, const struct policy *b)
{
	return memcmp(a->digest, b->digest, sizeof(a->digest)) == 0;
}
