#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proxy/exposition/count.h"

static uint64_t
count(const char *text)
{
	return exposition_count_samples(text, strlen(text));
}

static void
test_lines(void **state)
{
	(void)state;
	assert_int_equal(exposition_count_samples(NULL, 0), 0);
	assert_int_equal(count("a 1"), 1);
	assert_int_equal(count("a 1\n"), 1);
	assert_int_equal(count("a 1\nb 2\n"), 2);
	assert_int_equal(count("# HELP a b\n# TYPE a gauge\na 1\n"), 1);
	assert_int_equal(count("\n\n\n"), 0);
	assert_int_equal(count("#"), 0);
	assert_int_equal(count("a 1\n\n# b\nc 2"), 2);
}

/* The same, line by line. */
static uint64_t
count_slowly(const char *text, size_t len)
{
	uint64_t samples = 0;
	size_t i;

	for (i = 0; i < len; i++)
		if ((i == 0 || text[i - 1] == '\n') && text[i] != '#' &&
		    text[i] != '\n')
			samples++;
	return samples;
}

/* Every length around those that are looked at together; on the heap, where
 * a byte too far is seen. */
static void
test_lengths(void **state)
{
	static const char alphabet[] = "\n\n#a ";
	size_t len, i;

	(void)state;
	srand(1);
	for (len = 1; len < 700; len++) {
		char *text = malloc(len);

		assert_non_null(text);
		for (i = 0; i < len; i++)
			text[i] =
			    alphabet[(size_t)rand() % (sizeof(alphabet) - 1)];
		assert_int_equal(exposition_count_samples(text, len),
		    count_slowly(text, len));
		free(text);
	}
}

static const struct {
	const char *text;
	uint64_t samples;
} rows[] = {
	{ "", 0 },
	{ "\n\n", 0 },
	{ "up 1", 1 },
	{ "up 1\n", 1 },
	{ "# HELP up #\n# TYPE up gauge\nup 1\n\nup{a=\"#\"} 2\n# EOF\n", 2 },
	{ "#", 0 },
	{ "a 1\nb 2\n#c\nd 3", 3 },
};

static void
test_in_pieces(void **state)
{
	size_t i, first, second;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *text = rows[i].text;
		size_t len = strlen(text);

		for (first = 0; first <= len; first++)
			for (second = first; second <= len; second++) {
				struct exposition_count count = { 0 };

				exposition_count(&count, text, first);
				exposition_count(
				    &count, text + first, second - first);
				exposition_count(
				    &count, text + second, len - second);
				assert_int_equal(
				    count.samples, rows[i].samples);
			}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_in_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
