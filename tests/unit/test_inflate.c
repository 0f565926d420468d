#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proxy/base/deflate.h"
#include "proxy/base/inflate.h"

#define B(bytes) bytes, sizeof(bytes) - 1

/* "a 1\n" */
#define HEAD "\x1f\x8b\x08\0\0\0\0\0\0\x03"
#define DATA "\x4b\x54\x30\xe4\x02\0"
#define SUMS "\x36\xe7\x1b\xbc\x04\0\0\0"
#define GZIPPED HEAD DATA SUMS
#define NAMED                                                                  \
	"\x1f\x8b\x08\x08\0\0\0\0\0\x03"                                       \
	"name\0" DATA SUMS

struct text {
	size_t len;
	size_t max;
	unsigned calls;
	char *bytes;
};

static int
append(void *arg, const char *bytes, size_t len)
{
	struct text *text = arg;

	text->calls++;
	if (len > text->max - text->len)
		return -1;
	memcpy(text->bytes + text->len, bytes, len);
	text->len += len;
	return 0;
}

static void
text_init(struct text *text, size_t max)
{
	memset(text, 0, sizeof(*text));
	text->max = max;
	text->bytes = malloc(max);
	assert_non_null(text->bytes);
}

static enum inflate_status
run(struct text *text, const char *bytes, size_t len, size_t piece,
    uint64_t *offset)
{
	struct inflate *z = inflate_new(append, text);
	enum inflate_status status;
	size_t n;

	text->len = 0;
	for (; len > 0; bytes += n, len -= n) {
		n = len < piece ? len : piece;
		if (inflate_feed(z, bytes, n) == -1)
			break;
	}
	status = inflate_end(z);
	if (offset != NULL)
		*offset = inflate_error_offset(z);
	inflate_free(z);
	return status;
}

static const struct row {
	const char *name;
	const char *bytes;
	size_t len;
	enum inflate_status status;
	const char *text;
} rows[] = {
	{ "nothing", B(""), INFLATE_EMPTY, "" },
	{ "one member", B(GZIPPED), INFLATE_WHOLE, "a 1\n" },
	{ "with a name", B(NAMED), INFLATE_WHOLE, "a 1\n" },
	{ "two members", B(GZIPPED NAMED), INFLATE_WHOLE, "a 1\na 1\n" },
	{ "plain", B("a 1\n"), INFLATE_HEADER, "" },
	{ "half plain",
	    B("\x1f"
	      "a 1\n"),
	    INFLATE_HEADER, "" },
	{ "another method", B("\x1f\x8b\x07\0\0\0\0\0\0\x03"), INFLATE_HEADER,
	    "" },
	{ "zlib's own", B("\x78\x9c" DATA), INFLATE_HEADER, "" },
	{ "junk behind", B(GZIPPED "abc"), INFLATE_HEADER, "a 1\n" },
	{ "zeros behind", B(GZIPPED "\0\0"), INFLATE_HEADER, "a 1\n" },
	{ "bad CRC", B(HEAD DATA "\x35\xe7\x1b\xbc\x04\0\0\0"),
	    INFLATE_CHECKSUM, "a 1\n" },
	{ "bad length", B(HEAD DATA "\x36\xe7\x1b\xbc\x05\0\0\0"),
	    INFLATE_CHECKSUM, "a 1\n" },
	{ "bad CRC in the second",
	    B(GZIPPED HEAD DATA "\x35\xe7\x1b\xbc\x04\0\0\0"), INFLATE_CHECKSUM,
	    "a 1\na 1\n" },
	{ "bad block", B(HEAD "\xff\xff"), INFLATE_CORRUPT, "" },
	{ "bad distance", B(HEAD "\x4b\x04\x22\0\0\0"), INFLATE_CORRUPT, NULL },
	{ "only a header", B(HEAD), INFLATE_TRUNCATED, "" },
	{ "half a header", B("\x1f\x8b\x08"), INFLATE_TRUNCATED, "" },
	{ "no sums", B(HEAD DATA), INFLATE_TRUNCATED, "a 1\n" },
	{ "half the sums", B(HEAD DATA "\x36\xe7\x1b\xbc\x04\0"),
	    INFLATE_TRUNCATED, "a 1\n" },
	{ "half a second", B(GZIPPED "\x1f\x8b"), INFLATE_TRUNCATED, "a 1\n" },
};

static void
rows_end_as_they_should(void **state)
{
	const struct row *row;
	enum inflate_status status;
	struct text text;
	size_t i, piece;

	(void)state;
	text_init(&text, 4096);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row = &rows[i];
		for (piece = 1; piece <= row->len + 1; piece++) {
			status = run(&text, row->bytes, row->len, piece, NULL);
			if (status != row->status)
				fail_msg("%s by %zu: %d", row->name, piece,
				    (int)status);
			if (row->text != NULL &&
			    (text.len != strlen(row->text) ||
				memcmp(text.bytes, row->text, text.len) != 0))
				fail_msg("%s by %zu: %zu bytes of text",
				    row->name, piece, text.len);
		}
	}
	free(text.bytes);
}

static void
the_offset_is_within_the_stream(void **state)
{
	struct text text;
	uint64_t offset = 99;

	(void)state;
	text_init(&text, 64);
	run(&text, B(HEAD "\xff\xff"), 1, &offset);
	assert_int_equal(offset, 1);
	run(&text, B(GZIPPED HEAD "\xff\xff"), 100, &offset);
	assert_int_equal(offset, 1);
	free(text.bytes);
}

static void
a_bomb_stops_at_the_sink(void **state)
{
	const size_t size = 20 << 20;
	char *zeros = calloc(1, size);
	struct text packed, text;

	(void)state;
	assert_non_null(zeros);
	text_init(&packed, 1 << 20);
	text_init(&text, 100000);
	assert_int_equal(deflate_gzip(zeros, size, append, &packed), 0);
	text.calls = 0;
	assert_int_equal(run(&text, packed.bytes, packed.len, packed.len, NULL),
	    INFLATE_REFUSED);
	/* Window by window, and not once more after the refusal. */
	assert_int_equal(text.calls, 100000 / 16384 + 1);
	free(zeros);
	free(packed.bytes);
	free(text.bytes);
}

static void
what_is_deflated_comes_back(void **state)
{
	static const size_t sizes[] = { 0, 1, 4096, 16384, 1000003 };
	struct text packed, text;
	char *bytes = malloc(1000003);
	uint32_t random = 1;
	size_t i;

	(void)state;
	assert_non_null(bytes);
	text_init(&packed, 2 << 20);
	text_init(&text, 2 << 20);
	for (i = 0; i < 1000003; i++) {
		random = random * 1103515245u + 12345u;
		/* Half noise, half repetition. */
		bytes[i] = (char)(i % 8192 < 4096 ? random >> 24 : i % 10);
	}
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		packed.len = 0;
		assert_int_equal(
		    deflate_gzip(bytes, sizes[i], append, &packed), 0);
		assert_int_equal(
		    run(&text, packed.bytes, packed.len, 1000, NULL),
		    INFLATE_WHOLE);
		assert_int_equal(text.len, sizes[i]);
		assert_memory_equal(text.bytes, bytes, sizes[i]);
	}
	packed.max = packed.len = 0;
	assert_int_equal(deflate_gzip(bytes, 1000003, append, &packed), -1);
	free(bytes);
	free(packed.bytes);
	free(text.bytes);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_end_as_they_should),
		cmocka_unit_test(the_offset_is_within_the_stream),
		cmocka_unit_test(a_bomb_stops_at_the_sink),
		cmocka_unit_test(what_is_deflated_comes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
