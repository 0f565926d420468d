#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "conf/conf.h"
#include "proxy/admin/origin.h"

static struct conf_address by_default = { .host = (char[]){ "127.0.0.1" },
	.port = 8442 };
static struct conf_address everywhere = { .host = (char[]){ "" },
	.port = 8442 };
static struct conf_address named = { .host = (char[]){ "node1.example" },
	.port = 8442 };
static struct conf_address port_80 = { .host = (char[]){ "node1.example" },
	.port = 80 };
static struct conf_address any_port = { .host = (char[]){ "10.1.2.3" } };
static struct conf_address on_unix = { .unix_path = (char[]){ "/run/a" } };

static const struct {
	const char *host;
	const struct conf_address *listen;
	bool is_own;
} hosts[] = {
	{ "localhost:8442", &by_default, true },
	{ "localhost", &by_default, true },
	{ "LocalHost:8442", &by_default, true },
	{ "localhost:18442", &by_default, true },
	{ "127.0.0.1:8442", &by_default, true },
	{ "127.0.0.1", &by_default, true },
	{ "127.9.8.7:1", &by_default, true },
	{ "[::1]:8442", &by_default, true },
	{ "[::1]", &by_default, true },
	{ "[0:0:0:0:0:0:0:1]:8442", &by_default, true },

	{ NULL, &by_default, false },
	{ "", &by_default, false },
	{ "evil.example:8442", &by_default, false },
	{ "127.0.0.1.evil.example", &by_default, false },
	{ "127.0.0.1.evil.example:8442", &by_default, false },
	{ "localhost.evil", &by_default, false },
	{ "localhost.", &by_default, false },
	{ "evillocalhost", &by_default, false },
	{ "localhost@evil.example", &by_default, false },
	{ "evil.example@localhost:8442", &by_default, false },
	{ "user:pass@127.0.0.1:8442", &by_default, false },
	{ "localhost:8442@evil.example", &by_default, false },
	{ "localhost/evil", &by_default, false },
	{ "localhost#", &by_default, false },
	{ "localhost ", &by_default, false },
	{ " localhost", &by_default, false },
	{ "localhost:", &by_default, false },
	{ "localhost:0", &by_default, false },
	{ "localhost:65536", &by_default, false },
	{ "localhost:000080", &by_default, false },
	{ "localhost:+80", &by_default, false },
	{ "localhost:80:80", &by_default, false },
	{ "localhost, evil.example", &by_default, false },
	{ "127.1:8442", &by_default, false },
	{ "0177.0.0.1", &by_default, false },
	{ "0x7f000001", &by_default, false },
	{ "2130706433", &by_default, false },
	{ "0.0.0.0:8442", &by_default, false },
	{ "128.0.0.1:8442", &by_default, false },
	{ "10.0.0.1:8442", &by_default, false },
	{ "::1", &by_default, false },
	{ "[::1", &by_default, false },
	{ "[::1]x", &by_default, false },
	{ "[localhost]", &by_default, false },
	{ "[127.0.0.1]", &by_default, false },
	{ "[::2]:8442", &by_default, false },
	{ "[fe80::1%25lo]:8442", &by_default, false },

	{ "node1.example:8442", &named, true },
	{ "NODE1.example:8442", &named, true },
	{ "node1.example:8443", &named, false },
	{ "node1.example", &named, false },
	{ "node1.example", &port_80, true },
	{ "node1.example.evil:8442", &named, false },
	{ "10.0.0.1:8442", &named, false },
	{ "10.1.2.3:39123", &any_port, true },
	{ "10.1.2.4:39123", &any_port, false },
	{ "10.0.0.1:8442", &everywhere, true },
	{ "[2001:db8::1]:8442", &everywhere, true },
	{ "10.0.0.1:8443", &everywhere, false },
	{ "evil.example:8442", &everywhere, false },
	{ "10.0.0.1.evil.example:8442", &everywhere, false },

	{ NULL, &on_unix, true },
	{ "anything at all", &on_unix, true },
};

static void
knows_its_own_hosts(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
		if (origin_is_own_host(hosts[i].host, hosts[i].listen) !=
		    hosts[i].is_own)
			fail_msg("row %zu: Host %s", i, hosts[i].host);
}

static const struct {
	const char *origin;
	const char *fetch_site;
	bool is_refused;
} origins[] = {
	{ NULL, NULL, false },
	{ "http://localhost:8442", NULL, false },
	{ "http://127.0.0.1:3000", NULL, false },
	{ "https://localhost", NULL, false },
	{ "http://localhost:8442", "same-origin", false },
	{ NULL, "none", false },
	{ NULL, "same-site", false },

	{ "null", NULL, true },
	{ "", NULL, true },
	{ "http://evil.example", NULL, true },
	{ "http://evil.example:8442", "same-origin", true },
	{ "http://localhost.evil.example", NULL, true },
	{ "http://localhost@evil.example", NULL, true },
	{ "http://localhost/", NULL, true },
	{ "http://localhost evil.example", NULL, true },
	{ "file://localhost", NULL, true },
	{ "http:localhost", NULL, true },
	{ "localhost", NULL, true },
	{ NULL, "cross-site", true },
	{ NULL, "", true },
	{ "http://localhost:8442", "cross-site", true },
};

static void
refuses_foreign_origins(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(origins) / sizeof(origins[0]); i++) {
		const char *words = origin_refusal("localhost:8442",
		    origins[i].origin, origins[i].fetch_site, &by_default);

		if ((words != NULL) != origins[i].is_refused)
			fail_msg("row %zu: Origin %s, Sec-Fetch-Site %s", i,
			    origins[i].origin, origins[i].fetch_site);
	}
	/* A good Origin does not make up for a bad Host. */
	assert_non_null(origin_refusal(
	    "evil.example", "http://localhost", "same-origin", &by_default));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_its_own_hosts),
		cmocka_unit_test(refuses_foreign_origins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
