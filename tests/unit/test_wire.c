#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proxy/cache/wire.h"

static char
pattern(size_t i)
{
	return (char)('a' + i % 23);
}

static void
append_pattern(struct wire *wire, size_t len, size_t piece)
{
	char bytes[5000];
	size_t done, n, i;

	for (done = 0; done < len; done += n) {
		n = len - done < piece ? len - done : piece;
		for (i = 0; i < n; i++)
			bytes[i] = pattern(done + i);
		wire_append(wire, bytes, n);
	}
}

static void
check_wire(
    const struct wire *wire, const char *head, size_t head_len, size_t body_len)
{
	size_t i;

	assert_int_equal(wire_head_len(wire), head_len + 2);
	assert_int_equal(wire_body_len(wire), body_len);
	assert_int_equal(wire_len(wire), head_len + 2 + body_len);
	assert_memory_equal(wire_bytes(wire), head, head_len);
	assert_memory_equal(wire_bytes(wire) + head_len, "\r\n", 2);
	assert_ptr_equal(wire_body(wire), wire_bytes(wire) + head_len + 2);
	for (i = 0; i < body_len; i++)
		if (wire_body(wire)[i] != pattern(i))
			fail_msg("body differs at %zu of %zu", i, body_len);
}

/* Heads around the headroom, bodies around the hint and the trimming. */
static void
head_and_body_are_contiguous(void **state)
{
	static const size_t heads[] = { 0, 17, 1021, 1022, 1023, 1024, 20000 };
	static const size_t bodies[] = { 0, 1, 3072, 3073, 130047, 130048,
		300000 };
	static const size_t hints[] = { 0, 3072, 130048, 300000, 1000000 };
	char *head = malloc(20000);
	struct wire *wire;
	size_t h, b, i;

	(void)state;
	assert_non_null(head);
	memset(head, 'H', 20000);
	for (h = 0; h < sizeof(heads) / sizeof(heads[0]); h++)
		for (b = 0; b < sizeof(bodies) / sizeof(bodies[0]); b++)
			for (i = 0; i < sizeof(hints) / sizeof(hints[0]); i++) {
				wire = wire_new(hints[i]);
				append_pattern(wire, bodies[b], 4999);
				wire_seal(wire, head, heads[h]);
				check_wire(wire, head, heads[h], bodies[b]);
				wire_unref(wire);
			}
	free(head);
}

static void
the_body_is_readable_while_it_grows(void **state)
{
	struct wire *wire = wire_new(0);

	(void)state;
	assert_int_equal(wire_body_len(wire), 0);
	wire_append(wire, NULL, 0);
	wire_append(wire, "ab", 2);
	wire_append(wire, "c", 1);
	assert_int_equal(wire_body_len(wire), 3);
	assert_memory_equal(wire_body(wire), "abc", 3);
	wire_unref(wire);
}

static void
sealing_a_small_head_moves_no_body(void **state)
{
	struct wire *wire = wire_new(100);
	const char *body;

	(void)state;
	append_pattern(wire, 100, 100);
	body = wire_body(wire);
	wire_seal(wire, "HTTP/1.1 200 OK\r\n", 17);
	assert_ptr_equal(wire_body(wire), body);
	wire_unref(wire);
}

/* Freed with the last reference only; the sanitizer watches. */
static void
references_are_counted(void **state)
{
	struct wire *wire = wire_new(10);

	(void)state;
	append_pattern(wire, 10, 10);
	wire_seal(wire, "", 0);
	assert_ptr_equal(wire_ref(wire), wire);
	wire_unref(wire);
	check_wire(wire, "", 0, 10);
	wire_unref(wire);
	wire_unref(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(head_and_body_are_contiguous),
		cmocka_unit_test(the_body_is_readable_while_it_grows),
		cmocka_unit_test(sealing_a_small_head_moves_no_body),
		cmocka_unit_test(references_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
