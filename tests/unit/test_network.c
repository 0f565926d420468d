/* Networks in CIDR notation: what is one, and which address is in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "conf/conf.h"
#include "conf/network.h"
#include "proxy/base/err.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define NO_NETWORK "is not a network"
#define V4_BITS "the prefix is not a number from 0 to 32"
#define V6_BITS "the prefix is not a number from 0 to 128"

static void
test_networks(void **state)
{
	static const struct {
		const char *text;
		unsigned bits;
	} cases[] = {
		{ "0.0.0.0/0", 96 },
		{ "10.0.0.0/8", 104 },
		{ "10.128.0.0/9", 105 },
		{ "192.168.7.0/24", 120 },
		{ "192.168.7.254/31", 127 },
		{ "10.0.0.7/32", 128 },
		{ "10.0.0.7", 128 },
		{ "::/0", 0 },
		{ "2001:db8::/32", 32 },
		{ "2001:DB8::/32", 32 },
		{ "2001:db8:8000::/33", 33 },
		{ "fe80::/10", 10 },
		{ "::1/128", 128 },
		{ "::1", 128 },
		{ "::ffff:10.0.0.0/104", 104 },
		{ "::ffff:10.0.0.7", 128 },
	};
	struct conf_network network;
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		if (conf_network_parse(&network, cases[i].text, &err) == -1)
			fail_msg("%s: %s", cases[i].text, err.text);
		assert_int_equal(network.bits, cases[i].bits);
	}
}

static void
test_no_networks(void **state)
{
	static const struct {
		const char *text, *words;
	} cases[] = {
		{ "", NO_NETWORK },
		{ "/8", NO_NETWORK },
		{ "10", NO_NETWORK },
		{ "10/8", NO_NETWORK },
		{ "10.0.0/8", NO_NETWORK },
		{ "10.0.0.0.0/8", NO_NETWORK },
		{ "10.0.0.256", NO_NETWORK },
		{ "010.0.0.0/8", NO_NETWORK },
		{ "10.0.0.07", NO_NETWORK },
		{ "0x0a.0.0.0/8", NO_NETWORK },
		{ " 10.0.0.0/8", NO_NETWORK },
		{ "10.0.0.0 /8", NO_NETWORK },
		{ "localhost", NO_NETWORK },
		{ "[::1]", NO_NETWORK },
		{ "10.0.0.7:80", NO_NETWORK },
		{ "2001:db8:::/32", NO_NETWORK },
		{ "1:2:3:4:5:6:7:8:9", NO_NETWORK },
		{ "unix", NO_NETWORK },
		{ "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000/8",
		    NO_NETWORK },
		{ "fe80::1%eth0", "has a zone" },
		{ "fe80::%eth0/10", "has a zone" },
		{ "10.0.0.0/", V4_BITS },
		{ "10.0.0.0/33", V4_BITS },
		{ "10.0.0.0/08", V4_BITS },
		{ "10.0.0.0/+8", V4_BITS },
		{ "10.0.0.0/-1", V4_BITS },
		{ "10.0.0.0/8 ", V4_BITS },
		{ "10.0.0.0/8/8", V4_BITS },
		{ "10.0.0.0/255.0.0.0", V4_BITS },
		{ "10.0.0.0/4294967304", V4_BITS },
		{ "::/129", V6_BITS },
		{ "::/x", V6_BITS },
		{ "10.0.0.1/8", "write 10.0.0.0/8, or the address" },
		{ "10.0.0.7/31", "write 10.0.0.6/31, or the address" },
		{ "0.0.0.1/0", "write 0.0.0.0/0, or the address" },
		{ "2001:db8::1/32", "write 2001:db8::/32, or the address" },
		{ "2001:db8:c000::/33",
		    "write 2001:db8:8000::/33, or the address" },
	};
	struct conf_network network;
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		if (conf_network_parse(&network, cases[i].text, &err) == 0)
			fail_msg("%s is taken", cases[i].text);
		assert_int_equal(err.code, ERR_INVALID);
		if (strstr(err.text, cases[i].words) == NULL)
			fail_msg("%s: %s", cases[i].text, err.text);
	}
}

static void
test_members(void **state)
{
	static const struct {
		const char *network, *address;
		bool is_in;
	} cases[] = {
		{ "10.0.0.0/8", "10.0.0.0", true },
		{ "10.0.0.0/8", "10.255.255.255", true },
		{ "10.0.0.0/8", "11.0.0.0", false },
		{ "10.0.0.0/8", "9.255.255.255", false },
		{ "10.128.0.0/9", "10.127.255.255", false },
		{ "10.128.0.0/9", "10.128.0.0", true },
		{ "10.0.0.6/31", "10.0.0.7", true },
		{ "10.0.0.6/31", "10.0.0.8", false },
		{ "10.0.0.7", "10.0.0.7", true },
		{ "10.0.0.7", "10.0.0.6", false },
		{ "10.0.0.0/8", "::ffff:10.0.0.7", true },
		{ "10.0.0.0/8", "::ffff:a00:7", true },
		{ "::ffff:10.0.0.0/104", "10.0.0.7", true },
		{ "0.0.0.0/0", "192.0.2.1", true },
		{ "0.0.0.0/0", "2001:db8::1", false },
		{ "0.0.0.0/0", "::", false },
		{ "::/0", "2001:db8::1", true },
		{ "::/0", "192.0.2.1", false },
		{ "::/0", "::ffff:192.0.2.1", false },
		{ "2001:db8::/32", "2001:db8:ffff::1", true },
		{ "2001:db8::/32", "2001:db9::", false },
		{ "fe80::/10", "fe80::1%eth0", true },
		{ "::1", "::1", true },
		{ "::1", "127.0.0.1", false },
		{ "::/0", "unix", false },
		{ "0.0.0.0/0", "unix", false },
		{ "0.0.0.0/0", "", false },
		{ "0.0.0.0/0", "10.0.0.7:80", false },
		{ "0.0.0.0/0", "10.0.0.07", false },
	};
	struct conf_network network;
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		assert_int_equal(
		    conf_network_parse(&network, cases[i].network, &err), 0);
		if (conf_network_has(&network, cases[i].address) !=
		    cases[i].is_in)
			fail_msg(
			    "%s in %s", cases[i].address, cases[i].network);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_networks),
		cmocka_unit_test(test_no_networks),
		cmocka_unit_test(test_members),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
