#include "tls/names.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/ssl.h>

#include "conf/conf.h"
#include "proxy/base/alloc.h"

struct name {
	const char *go;
	const char *openssl;
};

/* tls.CipherSuites(), those of TLS 1.3 aside. */
static const struct name ciphers[] = {
	{ "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
	    "ECDHE-ECDSA-AES128-GCM-SHA256" },
	{ "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
	    "ECDHE-RSA-AES128-GCM-SHA256" },
	{ "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
	    "ECDHE-ECDSA-AES256-GCM-SHA384" },
	{ "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
	    "ECDHE-RSA-AES256-GCM-SHA384" },
	{ "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
	    "ECDHE-ECDSA-CHACHA20-POLY1305" },
	{ "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
	    "ECDHE-RSA-CHACHA20-POLY1305" },
	{ "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", "ECDHE-ECDSA-AES128-SHA" },
	{ "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "ECDHE-RSA-AES128-SHA" },
	{ "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", "ECDHE-ECDSA-AES256-SHA" },
	{ "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", "ECDHE-RSA-AES256-SHA" },
	{ NULL, NULL }
};

static const struct name curves[] = { { "CurveP256", "P-256" },
	{ "CurveP384", "P-384" }, { "CurveP521", "P-521" },
	{ "X25519", "X25519" }, { NULL, NULL } };

static const struct {
	const char *name;
	int number;
} versions[] = {
	{ "TLS10", TLS1_VERSION },
	{ "TLS11", TLS1_1_VERSION },
	{ "TLS12", TLS1_2_VERSION },
	{ "TLS13", TLS1_3_VERSION },
};

int
names_version(const char *name, int unset)
{
	size_t i;

	for (i = 0; name != NULL && i < 4; i++)
		if (strcmp(name, versions[i].name) == 0)
			return versions[i].number;
	return unset;
}

static const char *
translate(const struct name *table, const char *go)
{
	for (; table->go != NULL; table++)
		if (strcmp(table->go, go) == 0)
			return table->openssl;
	return NULL;
}

static char *
translate_all(const struct name *table, const struct conf_strings *names)
{
	char *list = xstrdup("");
	size_t i;

	for (i = 0; i < names->count; i++) {
		const char *name = translate(table, names->items[i]);
		char *longer;

		if (name == NULL)
			continue;
		longer =
		    xasprintf("%s%s%s", list, *list != '\0' ? ":" : "", name);
		free(list);
		list = longer;
	}
	return list;
}

char *
names_ciphers(const struct conf_strings *names)
{
	return translate_all(ciphers, names);
}

char *
names_groups(const struct conf_strings *names)
{
	return translate_all(curves, names);
}
