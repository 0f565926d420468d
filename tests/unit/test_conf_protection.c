/* Which configurations protect less than another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "conf/conf.h"
#include "conf/protection.h"
#include "proxy/base/err.h"

#define TEXT ((char *)(uintptr_t) "x")

/* Inline text is as good as a file. */
#define CONF(tls, users, auth, ca, inline_ca, crl, names)                      \
	{                                                                      \
		.gate_tls = CONF_GATE_TLS_##tls,                               \
		.basic_auth_user_count = users,                                \
		.tls_server_config = { .client_auth_type =                     \
					   CONF_CLIENT_AUTH_##auth,            \
			.client_ca_file = ca,                                  \
			.client_ca = inline_ca,                                \
			.client_crl_file = crl,                                \
			.client_allowed_sans.count = names },                  \
	}

static struct conf full =
    CONF(FILES, 2, REQUIRE_AND_VERIFY, TEXT, NULL, TEXT, 1);
static struct conf same =
    CONF(SELF_SIGNED, 1, REQUIRE_AND_VERIFY, NULL, TEXT, TEXT, 3);
static struct conf nothing = CONF(OFF, 0, NONE, NULL, NULL, NULL, 0);
static struct conf no_users =
    CONF(FILES, 0, REQUIRE_AND_VERIFY, TEXT, NULL, TEXT, 1);
static struct conf no_crl =
    CONF(FILES, 2, REQUIRE_AND_VERIFY, TEXT, NULL, NULL, 1);
static struct conf no_names =
    CONF(FILES, 2, REQUIRE_AND_VERIFY, TEXT, NULL, TEXT, 0);
static struct conf weaker =
    CONF(FILES, 2, VERIFY_IF_GIVEN, TEXT, NULL, TEXT, 1);
static struct conf only_tls = CONF(FILES, 0, NONE, NULL, NULL, NULL, 0);
static struct conf tokens = { .auth.bearer_tokens_file = TEXT };
static struct conf jwt = { .auth.jwt.is_set = true };
static struct conf both = { .auth.bearer_tokens_file = TEXT,
	.auth.jwt.is_set = true };
static struct conf review = {
	.auth.kubernetes = { .is_set = true,
	    .access_review = true,
	    .token_review.is_set = true },
};
static struct conf no_access = {
	.auth.kubernetes = { .is_set = true, .token_review.is_set = true },
};
static struct conf certificate = { .auth.client_certificate.is_set = true };
static struct conf rules = { .auth = { .bearer_tokens_file = TEXT,
				 .rule_count = 2 } };
static struct conf fewer_rules = { .auth = { .bearer_tokens_file = TEXT,
				       .rule_count = 1 } };
static struct conf empty = { .workers = 1 };

static const struct row {
	struct conf *was, *next;
	const char *words; /* NULL: fine */
} rows[] = {
	{ &full, &full, NULL },
	{ &full, &same, NULL },
	{ &nothing, &nothing, NULL },
	{ &nothing, &full, NULL },
	{ &weaker, &full, NULL },
	{ &full, &nothing,
	    "this would remove TLS and authentication "
	    "(tls_server_config, basic_auth_users, client_auth_type, "
	    "client_ca_file, client_crl_file, client_allowed_sans); reload "
	    "explicitly (SIGHUP or POST /-/reload) if it is meant" },
	{ &only_tls, &nothing, "remove TLS (tls_server_config);" },
	{ &full, &no_users, "remove authentication (basic_auth_users);" },
	{ &full, &no_crl, "remove authentication (client_crl_file);" },
	{ &full, &no_names, "authentication (client_allowed_sans);" },
	{ &full, &weaker, "remove authentication (client_auth_type);" },
	{ &full, &only_tls,
	    "remove authentication (basic_auth_users, "
	    "client_auth_type, client_ca_file, client_crl_file, "
	    "client_allowed_sans);" },
	{ &tokens, &jwt, NULL },
	{ &both, &tokens, NULL },
	{ &jwt, &both, NULL },
	{ &certificate, &review, NULL },
	{ &empty, &review, NULL },
	{ &rules, &fewer_rules, NULL },
	{ &tokens, &empty, "remove authentication (auth);" },
	{ &jwt, &empty, "remove authentication (auth);" },
	{ &certificate, &empty, "remove authentication (auth);" },
	{ &rules, &tokens, "remove authentication (auth.rules);" },
	{ &review, &no_access,
	    "remove authentication (auth.kubernetes.access_review);" },
	{ &review, &empty, "(auth, auth.kubernetes.access_review);" },
};

static void
keeps(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct err err = { .code = ERR_NONE };
		int result =
		    conf_protection_keep(rows[i].was, rows[i].next, &err);

		assert_int_equal(result, rows[i].words == NULL ? 0 : -1);
		if (rows[i].words != NULL &&
		    strstr(err.text, rows[i].words) == NULL)
			fail_msg("%s\nlacks: %s", err.text, rows[i].words);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
