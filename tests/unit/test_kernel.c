/*
 * What the kernel writes into small files, read: tables of texts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <arpa/inet.h>
#include <cmocka.h>

#include "proxy/kernel/cgroup_place.h"
#include "proxy/kernel/flat.h"
#include "proxy/kernel/listeners.h"
#include "proxy/kernel/process.h"
#include "proxy/kernel/quantity.h"
#include "proxy/kernel/sock_diag.h"

static void
test_flat(void **state)
{
	static const struct {
		const char *text, *key;
		bool is_number;
		uint64_t number;
	} cases[] = {
		{ "nr_periods 95\nnr_throttled 94\n", "nr_periods", true, 95 },
		{ "nr_periods 95\nnr_throttled 94\n", "nr_throttled", true,
		    94 },
		{ "nr_periods 95\nnr_throttled 94", "nr_throttled", true, 94 },
		{ "nr_periods 95\n", "periods", false, 0 },
		{ "nr_periods_x 95\n", "nr_periods", false, 0 },
		{ "nr_periods\n", "nr_periods", false, 0 },
		{ "nr_periods -1\n", "nr_periods", false, 0 },
		{ "nr_periods max\n", "nr_periods", false, 0 },
		{ "nr_periods 9x\n", "nr_periods", false, 0 },
		{ "nr_periods 18446744073709551615\n", "nr_periods", true,
		    UINT64_MAX },
		{ "nr_periods 18446744073709551616\n", "nr_periods", false, 0 },
		{ "", "nr_periods", false, 0 },
	};
	uint64_t number;
	double percent;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		number = 0;
		assert_int_equal(
		    flat_value(cases[i].text, cases[i].key, &number),
		    cases[i].is_number);
		assert_true(number == cases[i].number);
	}
	assert_true(flat_whole("134217728\n", &number));
	assert_true(number == 134217728);
	assert_false(flat_whole("max\n", &number));
	assert_false(flat_whole("-1\n", &number));
	assert_false(flat_whole("1 2\n", &number));
	assert_false(flat_whole("", &number));
	assert_true(flat_pressure("some avg10=21.50 avg60=0.00 total=1\n"
				  "full avg10=3.00 avg60=0 total=0\n",
	    "some", &percent));
	assert_true(percent == 21.5);
	assert_true(flat_pressure("some avg10=21.50 avg60=0.00 total=1\n"
				  "full avg10=3.00 avg60=0 total=0\n",
	    "full", &percent));
	assert_true(percent == 3);
	assert_false(flat_pressure("some avg10=nan \n", "some", &percent));
	assert_false(flat_pressure("some avg10=101.0 \n", "some", &percent));
	assert_false(flat_pressure("some total=1\n", "some", &percent));
}

#define V1_MOUNTS                                                              \
	"32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup "          \
	"rw,cpu,cpuacct\n"                                                     \
	"35 31 0:32 / /sys/fs/cgroup/memory rw shared:7 - cgroup cgroup "      \
	"rw,memory\n"                                                          \
	"37 31 0:34 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"
#define UNIFIED "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
#define V2_MOUNTS                                                              \
	"30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 "             \
	"rw,nsdelegate\n"

static void
test_cgroup_place(void **state)
{
	static const struct {
		const char *cgroup, *mounts;
		enum cgroup_controller controller;
		int version;
		const char *dir;
	} cases[] = {
		{ "0::/system.slice/node.service\n", V2_MOUNTS, CGROUP_CPU, 2,
		    "/sys/fs/cgroup/system.slice/node.service" },
		{ "0::/\n", V2_MOUNTS, CGROUP_MEMORY, 2, "/sys/fs/cgroup" },
		{ "4:memory:/a\n3:cpuacct,cpu:/b\n0::/c\n", V1_MOUNTS UNIFIED,
		    CGROUP_CPU, 1, "/sys/fs/cgroup/cpu,cpuacct/b" },
		{ "0::/c\n4:memory:/a\n3:cpuset:/b\n", V1_MOUNTS UNIFIED,
		    CGROUP_MEMORY, 1, "/sys/fs/cgroup/memory/a" },
		/* The controller is not under version 1: then it is the other.
		 */
		{ "4:memory:/a\n3:cpuset:/b\n0::/c\n", V1_MOUNTS UNIFIED,
		    CGROUP_CPU, 2, "/sys/fs/cgroup/unified/c" },
		{ "3:cpuset:/b\n", V1_MOUNTS, CGROUP_CPU, 0, NULL },
		{ "1:name=cpu:/b\n", V1_MOUNTS, CGROUP_CPU, 0, NULL },
		/* A container without a namespace for cgroups. */
		{ "3:cpu:/kubepods/p/c1\n",
		    "32 31 0:29 /kubepods/p/c1 /sys/fs/cgroup/cpu ro - cgroup "
		    "cgroup rw,cpu\n",
		    CGROUP_CPU, 1, "/sys/fs/cgroup/cpu" },
		{ "3:cpu:/kubepods/p/c2\n",
		    "32 31 0:29 /kubepods/p/c1 /sys/fs/cgroup/cpu ro - cgroup "
		    "cgroup rw,cpu\n",
		    CGROUP_CPU, 0, NULL },
		/* Not a parent of it, just the same beginning. */
		{ "3:cpu:/kubepods/p/c12\n",
		    "32 31 0:29 /kubepods/p/c1 /sys/fs/cgroup/cpu ro - cgroup "
		    "cgroup rw,cpu\n",
		    CGROUP_CPU, 0, NULL },
		/* A neighbour, seen from a namespace for cgroups ... */
		{ "0::/../c2\n", V2_MOUNTS, CGROUP_CPU, 0, NULL },
		/* ... and with the neighbour's own mounts. */
		{ "0::/../c2\n",
		    "30 23 0:26 /../c2 /sys/fs/cgroup ro - cgroup2 cgroup rw\n",
		    CGROUP_CPU, 2, "/sys/fs/cgroup" },
		{ "0::/a b\n",
		    "30 23 0:26 / /mnt/cg\\0402 ro - cgroup2 cgroup rw\n",
		    CGROUP_CPU, 2, "/mnt/cg 2/a b" },
		{ "0::/a\n",
		    "30 23 0:26 / /sys/fs/cgroup ro - tmpfs cgroup2 rw\n",
		    CGROUP_CPU, 0, NULL },
		{ "", V2_MOUNTS, CGROUP_CPU, 0, NULL },
		{ "0::/a\n", "", CGROUP_CPU, 0, NULL },
		{ "junk\n0:\n:::\n", V2_MOUNTS "junk\n- cgroup2\n", CGROUP_CPU,
		    0, NULL },
	};
	struct cgroup_place place;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(cgroup_place_find(&place, cases[i].controller,
				     cases[i].cgroup, cases[i].mounts),
		    cases[i].version != 0);
		assert_int_equal(place.version, cases[i].version);
		if (cases[i].dir != NULL)
			assert_string_equal(place.dir, cases[i].dir);
	}
}

static void
test_cgroup_named(void **state)
{
	static const struct {
		const char *path, *mounts;
		int version;
		const char *dir;
	} cases[] = {
		{ "/system.slice/a", V2_MOUNTS, 2,
		    "/sys/fs/cgroup/system.slice/a" },
		{ "/sys/fs/cgroup/system.slice/a/", V2_MOUNTS, 2,
		    "/sys/fs/cgroup/system.slice/a" },
		{ "/a", V1_MOUNTS UNIFIED, 1, "/sys/fs/cgroup/memory/a" },
		{ "/sys/fs/cgroup/cpu,cpuacct/a", V1_MOUNTS UNIFIED, 1,
		    "/sys/fs/cgroup/memory/a" },
		{ "/sys/fs/cgroup/memory", V1_MOUNTS, 1,
		    "/sys/fs/cgroup/memory" },
		{ "/sys/fs/cgroup", V2_MOUNTS, 2, "/sys/fs/cgroup" },
		{ "/a", "", 0, NULL },
	};
	struct cgroup_place place;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cgroup_place_named(
		    &place, CGROUP_MEMORY, cases[i].path, cases[i].mounts);
		assert_int_equal(place.version, cases[i].version);
		if (cases[i].dir != NULL)
			assert_string_equal(place.dir, cases[i].dir);
	}
	assert_true(cgroup_place_named(&place, CGROUP_CPU, "/a/b", V2_MOUNTS));
	assert_true(cgroup_place_up(&place));
	assert_string_equal(place.dir, "/sys/fs/cgroup/a");
	assert_true(cgroup_place_up(&place));
	assert_string_equal(place.dir, "/sys/fs/cgroup");
	assert_false(cgroup_place_up(&place));
}

static void
test_process(void **state)
{
	struct process_stat stat;
	uint64_t max;

	(void)state;
	assert_true(process_parse_stat(
	    "4711 (a) R 1 (x) T 1 4711 4711 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 "
	    "12 0 987654 1 2 3\n",
	    &stat));
	assert_int_equal(stat.pid, 4711);
	assert_string_equal(stat.name, "a) R 1 (x");
	assert_int_equal(stat.state, 'T');
	assert_int_equal(stat.threads, 12);
	assert_false(stat.is_exiting);
	assert_true(stat.start_ticks == 987654);
	assert_true(process_parse_stat(
	    "1 (\x01\xff) S 1 1 1 0 -1 1 1 2 3 4 5 6 7 8 20 0 1 0 5 1\n",
	    &stat));
	assert_string_equal(stat.name, "??");
	assert_false(stat.is_exiting);
	assert_true(process_parse_stat(
	    "1 (a) R 1 1 1 0 -1 4194564 1 2 3 4 5 6 7 8 20 0 1 0 5 1\n",
	    &stat));
	assert_true(stat.is_exiting);
	assert_true(process_parse_stat(
	    "1 (a) Z 1 1 1 0 -1 0 1 2 3 4 5 6 7 8 20 0 1 0 5 1\n", &stat));
	assert_true(stat.is_exiting);
	assert_false(process_parse_stat("4711 (a) R 1 4711\n", &stat));
	assert_false(process_parse_stat("4711 a R 1 4711\n", &stat));
	assert_false(process_parse_stat("", &stat));
	assert_true(process_parse_limits(
	    "Limit  Soft Limit  Hard Limit  Units\n"
	    "Max open files            32        1024     files\n",
	    &max));
	assert_true(max == 32);
	assert_false(process_parse_limits(
	    "Max open files            unlimited  unlimited files\n", &max));
	assert_false(process_parse_limits("", &max));
}

static void
test_address(void **state)
{
	static const struct {
		const char *text;
		enum listener_family family;
		bool is_loopback;
	} cases[] = {
		{ "127.0.0.1:9100", LISTENER_TCP, true },
		{ "127.8.0.1:1", LISTENER_TCP, true },
		{ "10.0.0.5:9100", LISTENER_TCP, false },
		{ "[::1]:9100", LISTENER_TCP, true },
		{ "[::ffff:127.0.0.1]:9100", LISTENER_TCP, true },
		{ "[fe80::1%eth0]:9100", LISTENER_TCP, false },
		{ "/run/a.sock", LISTENER_UNIX, true },
		{ "localhost:9100", LISTENER_NONE, false },
		{ "127.0.0.1", LISTENER_NONE, false },
		{ "127.0.0.1:", LISTENER_NONE, false },
		{ "127.0.0.1:0", LISTENER_NONE, false },
		{ "127.0.0.1:65536", LISTENER_NONE, false },
		{ "", LISTENER_NONE, false },
	};
	struct listener_address address;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(
		    listener_address_parse(&address, cases[i].text),
		    cases[i].family != LISTENER_NONE);
		assert_int_equal(address.family, cases[i].family);
		assert_int_equal(listener_address_is_loopback(&address),
		    cases[i].is_loopback);
	}
}

/* 9100 is 0x238C; inodes tell the lines apart. */
#define LINE4(ip, state, inode)                                                \
	"   0: " ip ":238C 00000000:0000 " state                               \
	" 00000000:00000000 00:00000000 00000000     0        0 " inode        \
	" 1 0000000000000000 100 0 0 10 0\n"
#define LINE6(ip, state, inode)                                                \
	"   0: " ip ":238C 00000000000000000000000000000000:0000 " state       \
	" 00000000:00000000 00:00000000 00000000     0        0 " inode        \
	" 1 0000000000000000 100 0 0 10 0\n"
#define HEADING "  sl  local_address rem_address   st tx_queue rx_queue ...\n"

static void
test_tcp_lines(void **state)
{
	static const struct {
		const char *line;
		const char *address;
		enum listener_match match;
	} cases[] = {
		{ LINE4("0100007F", "0A", "7"), "127.0.0.1:9100",
		    LISTENER_EXACT },
		{ LINE4("0200007F", "0A", "7"), "127.0.0.1:9100",
		    LISTENER_OTHER },
		{ LINE4("0100007F", "0A", "7"), "127.0.0.1:9101",
		    LISTENER_OTHER },
		{ LINE4("00000000", "0A", "7"), "127.0.0.1:9100",
		    LISTENER_ALL_V4 },
		{ LINE4("00000000", "0A", "7"), "[::1]:9100", LISTENER_OTHER },
		{ LINE6("00000000000000000000000000000000", "0A", "7"),
		    "127.0.0.1:9100", LISTENER_ALL_V6 },
		{ LINE6("00000000000000000000000000000000", "0A", "7"),
		    "[::1]:9100", LISTENER_ALL_V6 },
		{ LINE6("00000000000000000000000001000000", "0A", "7"),
		    "[::1]:9100", LISTENER_EXACT },
		{ LINE6("0000000000000000FFFF00000100007F", "0A", "7"),
		    "127.0.0.1:9100", LISTENER_EXACT },
		{ HEADING, "127.0.0.1:9100", LISTENER_OTHER },
		{ "", "127.0.0.1:9100", LISTENER_OTHER },
	};
	struct listener_address address;
	struct listener_found found;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memset(&found, 0, sizeof(found));
		assert_true(listener_address_parse(&address, cases[i].address));
		assert_true(listener_take_tcp(&found, &address, cases[i].line));
		assert_int_equal(found.match, cases[i].match);
		assert_true(
		    found.inode == (cases[i].match != LISTENER_OTHER ? 7 : 0));
	}
	/* The best stays; behind the listeners comes nothing of use. */
	assert_true(listener_address_parse(&address, "127.0.0.1:9100"));
	memset(&found, 0, sizeof(found));
	listener_take_tcp(&found, &address, LINE4("0100007F", "0A", "7"));
	listener_take_tcp(&found, &address, LINE4("00000000", "0A", "8"));
	assert_true(found.inode == 7);
	assert_false(
	    listener_take_tcp(&found, &address, LINE4("0100007F", "01", "9")));
	assert_true(found.inode == 7);
}

static void
test_unix_lines(void **state)
{
	static const struct {
		const char *line;
		uint64_t inode;
	} cases[] = {
		{ "0000000000000000: 00000002 00000000 00010000 0001 01 7 "
		  "/run/a.sock",
		    7 },
		/* Somebody who is connected. */
		{ "0000000000000000: 00000003 00000000 00000000 0001 03 7 "
		  "/run/a.sock",
		    0 },
		{ "0000000000000000: 00000002 00000000 00010000 0001 01 7 "
		  "/run/a.sock2",
		    0 },
		{ "0000000000000000: 00000002 00000000 00010000 0001 01 7", 0 },
		{ "Num       RefCount Protocol Flags    Type St Inode Path",
		    0 },
	};
	struct listener_address address;
	struct listener_found found;
	size_t i;

	(void)state;
	assert_true(listener_address_parse(&address, "/run/a.sock"));
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memset(&found, 0, sizeof(found));
		listener_take_unix(&found, &address, cases[i].line);
		assert_true(found.inode == cases[i].inode);
	}
}

static void
test_quantity(void **state)
{
	static const struct {
		const char *text;
		bool is_one;
		uint64_t thousandths;
	} cases[] = {
		{ "100m", true, 100 },
		{ "0.1", true, 100 },
		{ "2", true, 2000 },
		{ "1500m", true, 1500 },
		{ "0.0001", true, 1 },
		{ "128Mi", true, UINT64_C(134217728000) },
		{ "128M", true, UINT64_C(128000000000) },
		{ "1Gi", true, UINT64_C(1073741824000) },
		{ "1e3", true, 1000000 },
		{ "134217728", true, UINT64_C(134217728000) },
		{ "0", true, 0 },
		{ "", false, 0 },
		{ "m", false, 0 },
		{ "-1", false, 0 },
		{ "+1", false, 0 },
		{ "0x10", false, 0 },
		{ "nan", false, 0 },
		{ "inf", false, 0 },
		{ "1e999", false, 0 },
		{ "100 m", false, 0 },
		{ "100mm", false, 0 },
		{ "9999999Pi", false, 0 },
	};
	static const struct {
		uint64_t bytes;
		const char *text;
	} sizes[] = {
		{ 134217728, "128Mi" },
		{ UINT64_C(1073741824), "1Gi" },
		{ UINT64_C(1610612736), "1536Mi" },
		{ 128000000, "122.1Mi" },
		{ 1000, "1000" },
		{ 0, "0" },
		{ UINT64_C(16642998272), "15.5Gi" },
	};
	char out[QUANTITY_SIZE];
	uint64_t value;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		value = 0;
		assert_int_equal(
		    quantity_parse(cases[i].text, &value), cases[i].is_one);
		assert_true(value == cases[i].thousandths);
	}
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		assert_string_equal(
		    quantity_bytes(out, sizes[i].bytes), sizes[i].text);
	assert_string_equal(quantity_cpu(out, 100), "100m");
	assert_string_equal(quantity_cpu(out, 2000), "2");
	assert_string_equal(quantity_cpu(out, 1500), "1500m");
	assert_string_equal(quantity_cpu(out, 0), "0m");
}

static void
test_queue(void **state)
{
	static const struct {
		struct listen_queue queue;
		bool is_full;
	} cases[] = {
		{ { true, LISTENER_EXACT, 1, 0 }, true },
		{ { true, LISTENER_EXACT, 129, 128 }, true },
		{ { true, LISTENER_EXACT, 128, 128 }, false },
		{ { true, LISTENER_EXACT, 0, 0 }, false },
		{ { false, LISTENER_OTHER, 1, 0 }, false },
	};
	struct listener_address address;
	struct listen_queue queue = { .is_known = false };
	unsigned char junk[64];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(
		    listen_queue_is_full(&cases[i].queue), cases[i].is_full);
	/* Lengths that lie. */
	assert_true(listener_address_parse(&address, "127.0.0.1:9100"));
	memset(junk, 0xff, sizeof(junk));
	sock_diag_take(junk, sizeof(junk), &address, &queue);
	memset(junk, 20, sizeof(junk));
	sock_diag_take(junk, sizeof(junk), &address, &queue);
	sock_diag_take(junk, 3, &address, &queue);
	assert_false(queue.is_known);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flat),
		cmocka_unit_test(test_cgroup_place),
		cmocka_unit_test(test_cgroup_named),
		cmocka_unit_test(test_process),
		cmocka_unit_test(test_address),
		cmocka_unit_test(test_tcp_lines),
		cmocka_unit_test(test_unix_lines),
		cmocka_unit_test(test_quantity),
		cmocka_unit_test(test_queue),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
