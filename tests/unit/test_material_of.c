/* Which files of a configuration are read with it, and watched. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "conf/conf.h"
#include "conf/load.h"
#include "proxy/material_of.h"

/* Those that are read when they are used have "used" in their names. */
static const char text[] =
    "tls_server_config: {cert_file: /1, key_file: /2, client_ca_file: /3,\n"
    "  client_crl_file: /4, client_auth_type: VerifyClientCertIfGiven}\n"
    "auth:\n"
    "  bearer_tokens_file: /5\n"
    "  jwt: {issuer: i, audiences: [a], jwks_file: /6, jwks_ca_file: /used,\n"
    "    jwks_token_file: /used}\n"
    "  kubernetes: {token_review: {}, ca_file: /used, token_file: /used}\n"
    "targets:\n"
    "- name: a\n"
    "  url: https://127.0.0.1:1/\n"
    "  tls_config: {ca_file: /7, cert_file: /8, key_file: /9}\n"
    "  basic_auth: {username_file: /10, password_file: /11}\n"
    "  http_headers: {X-A: {files: [/12, /13]}}\n"
    "- name: b\n"
    "  url: http://127.0.0.1:1/\n"
    "  authorization: {credentials_file: /14}\n";

static void
test_named_files(void **state)
{
	struct conf_source source = {
		.file = "x.yml", .text = text, .text_len = sizeof(text) - 1
	};
	struct conf_report report;
	struct conf *conf = conf_load(&source, &report);
	const char **paths;
	size_t count, i;

	(void)state;
	if (conf == NULL)
		fail_msg("%s", report.errors);
	paths = conf_named_files(conf, &count);
	assert_int_equal(count, 14);
	for (i = 0; i < count; i++)
		assert_int_equal(strtoul(paths[i] + 1, NULL, 10), i + 1);
	free(paths);
	conf_unref(conf);
	conf_report_fini(&report);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_named_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
