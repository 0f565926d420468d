/*
 * The verdicts: every body in exposition/vectors.tsv, cut at every place and
 * with and without the fast path, against what Prometheus says of it; long
 * bodies in random pieces; the bound of an entry.
 */
#include "proxy/base/alloc.h"
#include "proxy/base/budget.h"
#include "tests/exposition_vectors.h"

static void
check_verdict(const struct vector *vector, const struct scanner_result *result,
    enum prometheus version)
{
	const struct scanner_verdict *verdict = &result->verdicts[version];
	const char *expected =
	    vector->fields[version == PROMETHEUS_3 ? VECTOR_3 : VECTOR_242];
	char actual[128];

	if (verdict->judgement == SCANNER_REFUSED)
		snprintf(actual, sizeof(actual), "%s:%llu:%llu",
		    reason_row(verdict->reason)->id,
		    (unsigned long long)verdict->line,
		    (unsigned long long)verdict->column);
	else
		snprintf(actual, sizeof(actual), "%s",
		    verdict->judgement == SCANNER_ACCEPTED ? "ok" : "unknown");
	if (strcmp(actual, expected) != 0)
		fail_msg("%s: version %d: %s, not %s",
		    vector->fields[VECTOR_ID], (int)version, actual, expected);
	if (version == PROMETHEUS_3 &&
	    strcmp(verdict->said, vector->fields[VECTOR_SAID]) != 0)
		fail_msg(
		    "%s: said %s", vector->fields[VECTOR_ID], verdict->said);
}

static void
check_warnings(const struct vector *vector, const struct warnings *warnings)
{
	const char *expected = vector->fields[VECTOR_WARNINGS];
	char actual[512] = "";
	size_t i;

	if (expected == NULL)
		return;
	for (i = 0; i < WARNING_COUNT; i++)
		if (warnings->rows[i].count > 0)
			snprintf(actual + strlen(actual),
			    sizeof(actual) - strlen(actual), "%s%s",
			    actual[0] == '\0' ? "" : ",",
			    warning_id((enum warning)i));
	if (strcmp(actual, expected) != 0)
		fail_msg("%s: warns of %s, not %s", vector->fields[VECTOR_ID],
		    actual, expected);
}

static void
check_splits(struct scanner *scanner, const struct scanner_options *options,
    const struct vector *vector, const struct scanner_result *whole)
{
	const char *body = vector->fields[VECTOR_BODY];
	size_t at;

	for (at = 0; at <= vector->body_len; at++) {
		const struct scanner_result *result;

		scanner_forget(scanner);
		scanner_begin(scanner, options);
		scanner_feed(scanner, body, at);
		scanner_feed(scanner, body + at, vector->body_len - at);
		result = scanner_finish(scanner);
		if (!feed_is_same(whole, result))
			fail_msg("%s: another result when cut at %zu",
			    vector->fields[VECTOR_ID], at);
	}
}

static void
check_vector(struct scanner *scanners[2], const struct vector *vector)
{
	struct scanner_options options = vector_options(vector);
	const struct scanner_result *whole, *other;

	scanner_forget(scanners[0]);
	whole = feed_scan(scanners[0], &options, vector->fields[VECTOR_BODY],
	    vector->body_len, FEED_WHOLE);
	check_verdict(vector, whole, PROMETHEUS_3);
	check_verdict(vector, whole, PROMETHEUS_242);
	check_warnings(vector, &whole->warnings);
	check_splits(scanners[1], &options, vector, whole);
	scanner_forget(scanners[1]);
	other = feed_scan(scanners[1], &options, vector->fields[VECTOR_BODY],
	    vector->body_len, FEED_BYTES);
	assert_true(feed_is_same(whole, other));
	options.is_careful = true;
	scanner_forget(scanners[1]);
	other = feed_scan(scanners[1], &options, vector->fields[VECTOR_BODY],
	    vector->body_len, FEED_WHOLE);
	assert_true(feed_is_same(whole, other));
}

static void
test_vectors(void **state)
{
	struct scanner *scanners[2] = { scanner_new(0), scanner_new(0) };
	FILE *file = fopen(VECTORS, "r");
	struct vector vector;
	size_t room = 0, count = 0;
	char *line = NULL;

	(void)state;
	assert_non_null(file);
	for (; vector_next(file, &line, &room, &vector); count++)
		check_vector(scanners, &vector);
	assert_true(count > 300);
	free(line);
	fclose(file);
	scanner_free(scanners[0]);
	scanner_free(scanners[1]);
}

/*
 * The same bodies in the midst of usual lines, so that the fast path meets
 * them: all that changes is the number of the line.
 */
static void
check_padded(struct scanner *scanner, const struct vector *vector)
{
	static const char pad[] = "# TYPE pad gauge\npad{a=\"b\"} 1\npad 2\n";
	struct scanner_options options = feed_options(FORMAT_TEXT);
	size_t pad_len = sizeof(pad) - 1, len = pad_len + vector->body_len;
	char *body = xmalloc(len + 4 * pad_len);
	const struct scanner_result *result;
	unsigned long long line, column;
	char id[64];

	memcpy(body, pad, pad_len);
	memcpy(body + pad_len, vector->fields[VECTOR_BODY], vector->body_len);
	memset(body + len, '\n', 4 * pad_len);
	len += 4 * pad_len;
	result = feed_scan(scanner, &options, body, len, FEED_WHOLE);
	if (sscanf(vector->fields[VECTOR_3], "%63[a-z_0-9]:%llu:%llu", id,
		&line, &column) == 3 &&
	    strchr(vector->fields[VECTOR_BODY], '\n') != NULL) {
		const struct scanner_verdict *verdict =
		    &result->verdicts[PROMETHEUS_3];

		assert_int_equal(verdict->judgement, SCANNER_REFUSED);
		assert_string_equal(reason_row(verdict->reason)->id, id);
		assert_int_equal(verdict->line, line + 3);
		assert_int_equal(verdict->column, column);
	}
	free(body);
}

static void
test_padded(void **state)
{
	struct scanner *scanner = scanner_new(0);
	FILE *file = fopen(VECTORS, "r");
	struct vector vector;
	size_t room = 0;
	char *line = NULL;

	(void)state;
	assert_non_null(file);
	while (vector_next(file, &line, &room, &vector))
		if (strcmp(vector.fields[VECTOR_SERVED], "t") == 0)
			check_padded(scanner, &vector);
	free(line);
	fclose(file);
	scanner_free(scanner);
}

/* All the good text bodies, one after the other. */
static char *
join_good(size_t *len)
{
	FILE *file = fopen(VECTORS, "r"), *out;
	struct vector vector;
	char *line = NULL, *body;
	size_t room = 0;

	assert_non_null(file);
	out = open_memstream(&body, len);
	while (vector_next(file, &line, &room, &vector)) {
		if (strcmp(vector.fields[VECTOR_SERVED], "t") != 0 ||
		    strcmp(vector.fields[VECTOR_3], "ok") != 0 ||
		    memchr(vector.fields[VECTOR_BODY], '\0', vector.body_len) !=
			NULL)
			continue;
		fwrite(vector.fields[VECTOR_BODY], 1, vector.body_len, out);
		fputc('\n', out);
	}
	fclose(out);
	free(line);
	fclose(file);
	return body;
}

static void
test_pieces(void **state)
{
	struct scanner *one = scanner_new(0), *two = scanner_new(0);
	struct scanner_options options = feed_options(FORMAT_TEXT);
	const struct scanner_result *whole, *other;
	size_t len;
	char *body = join_good(&len);
	uint32_t seed;

	(void)state;
	options.now_ms = VECTOR_NOW_MS;
	whole = feed_scan(one, &options, body, len, FEED_WHOLE);
	assert_int_equal(
	    whole->verdicts[PROMETHEUS_3].judgement, SCANNER_ACCEPTED);
	assert_true(whole->facts.samples > 50);
	for (seed = 2; seed < 200; seed++) {
		scanner_forget(two);
		other = feed_scan(two, &options, body, len, seed);
		assert_true(feed_is_same(whole, other));
	}
	free(body);
	scanner_free(one);
	scanner_free(two);
}

/* An entry as long as may be is judged; one byte more is not. */
static void
check_long(size_t len, size_t piece, enum scanner_judgement expected)
{
	struct scanner *scanner = scanner_new(0);
	struct scanner_options options = feed_options(FORMAT_TEXT);
	const struct scanner_result *result;
	char *body = xmalloc(len + 4);
	size_t at, step;

	memset(body, 'x', len);
	memcpy(body, "a{b=\"", 5);
	memcpy(body + len - 5, "\"} 1\n", 5);
	memcpy(body + len, "c 1\n", 4);
	len += 4;
	scanner_begin(scanner, &options);
	for (at = 0; at < len; at += step) {
		step = len - at < piece ? len - at : piece;
		scanner_feed(scanner, body + at, step);
	}
	result = scanner_finish(scanner);
	assert_int_equal(result->verdicts[PROMETHEUS_3].judgement, expected);
	assert_int_equal(result->verdicts[PROMETHEUS_242].judgement, expected);
	assert_int_equal(
	    result->facts.samples, expected == SCANNER_ACCEPTED ? 2 : 0);
	scanner_free(scanner);
	free(body);
}

static void
test_entry_max(void **state)
{
	static const size_t pieces[] = { 1000, 16384, 1 << 19, 1 << 22 };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		check_long(PARSE_ENTRY_MAX, pieces[i], SCANNER_ACCEPTED);
		check_long(PARSE_ENTRY_MAX + 1, pieces[i], SCANNER_UNKNOWN);
	}
}

/* l0="v",l1="v",...; returns the bytes. */
static size_t
put_labels(char *out, size_t count)
{
	size_t i, len = 0;

	for (i = 0; i < count; i++)
		len += (size_t)sprintf(out + len, "l%zu=\"v\",", i);
	return len;
}

static size_t
put_varint(char *out, size_t number)
{
	size_t len = 0;

	for (; number > 0x7f; number >>= 7)
		out[len++] = (char)(number | 0x80);
	out[len++] = (char)number;
	return len;
}

/* A field of bytes. */
static size_t
put_field(char *out, int number, const char *bytes, size_t len)
{
	size_t at = 0;

	out[at++] = (char)(number << 3 | 2);
	at += put_varint(out + at, len);
	memcpy(out + at, bytes, len);
	return at + len;
}

/* A gauge with one metric of so many labels; returns the bytes. */
static size_t
put_family(char *out, size_t count)
{
	static const char gauge[] = "\x09\0\0\0\0\0\0\xf0\x3f";
	char *metric = xmalloc(count * 32 + 64), *family;
	char name[16], pair[64];
	size_t i, len = 0, at, pair_len;

	for (i = 0; i < count; i++) {
		at = (size_t)snprintf(name, sizeof(name), "l%zu", i);
		pair_len = put_field(pair, 1, name, at);
		pair_len += put_field(pair + pair_len, 2, "v", 1);
		len += put_field(metric + len, 1, pair, pair_len);
	}
	len += put_field(metric + len, 2, gauge, sizeof(gauge) - 1);
	family = xmalloc(len + 64);
	at = put_field(family, 1, "a", 1);
	memcpy(family + at, "\x18\x01", 2);
	at += 2;
	at += put_field(family + at, 4, metric, len);
	len = put_varint(out, at);
	memcpy(out + len, family, at);
	free(metric);
	free(family);
	return len + at;
}

static size_t
put_body(char *out, enum exposition_format format, size_t count)
{
	size_t len;

	if (format == FORMAT_PROTOBUF)
		return put_family(out, count);
	len = (size_t)sprintf(out, "a{");
	/* Less the last comma. */
	len += put_labels(out + len, count) - 1;
	return len + (size_t)sprintf(out + len, "} 1\n%s",
			 format == FORMAT_OPENMETRICS ? "# EOF\n" : "");
}

/* As many as are kept, with the name's own; one more is not judged. */
static void
test_many_labels(void **state)
{
	static const enum exposition_format formats[] = { FORMAT_TEXT,
		FORMAT_OPENMETRICS, FORMAT_PROTOBUF };
	static const uint32_t pieces[] = { FEED_WHOLE, 7 };
	char *body = xmalloc(PARSE_LABELS_MAX * 32 + 256);
	struct scanner *scanner = scanner_new(0);
	struct scanner_options options;
	const struct scanner_result *result;
	size_t i, turn, len;
	bool has_more;
	int version;

	(void)state;
	for (i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		for (turn = 0; turn < 4; turn++) {
			has_more = turn % 2 == 1;
			options = feed_options(formats[i]);
			len = put_body(body, formats[i],
			    PARSE_LABELS_MAX - 1 + (size_t)has_more);
			result = feed_scan(
			    scanner, &options, body, len, pieces[turn / 2]);
			for (version = 0; version < PROMETHEUS_COUNT; version++)
				assert_int_equal(
				    result->verdicts[version].judgement,
				    has_more ? SCANNER_UNKNOWN
					     : SCANNER_ACCEPTED);
		}
	scanner_free(scanner);
	free(body);
}

/* What is carried counts, and goes when the body ends or nothing more of it
 * is read. */
static void
test_budget(void **state)
{
	static const struct {
		size_t len;
		bool is_carried, is_finished;
	} cases[] = {
		{ 300000, true, true },
		{ 300000, true, false },
		{ PARSE_ENTRY_MAX - 1, true, true },
		{ PARSE_ENTRY_MAX * 2, false, true },
	};
	struct scanner_options options = feed_options(FORMAT_TEXT);
	struct scanner *scanner = scanner_new(0);
	size_t before = budget_used(), i, at;
	char piece[16384];

	(void)state;
	memset(piece, 'a', sizeof(piece));
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		scanner_begin(scanner, &options);
		for (at = 0; at + sizeof(piece) <= cases[i].len;
		     at += sizeof(piece))
			scanner_feed(scanner, piece, sizeof(piece));
		if (cases[i].is_carried)
			assert_in_range(budget_used() - before, at, 4 * at);
		else
			assert_in_range(budget_used() - before, 0, 16384);
		if (cases[i].is_finished)
			scanner_finish(scanner);
		else
			scanner_break_off(scanner);
		assert_in_range(budget_used() - before, 0, 16384);
	}
	scanner_free(scanner);
	assert_int_equal(budget_used(), before);
}

/* What the scanner may find; others read configurations or stores. */
static bool
is_of_scanner(const char *id)
{
	static const char *const families[] = { "parse_", "om_",
		"content_type_", "series_", "proto_", "limit_" };
	static const char *const others[] = { "limit_buckets",
		"limit_targets" };
	size_t i;

	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (strcmp(id, others[i]) == 0)
			return false;
	for (i = 0; i < sizeof(families) / sizeof(families[0]); i++)
		if (strncmp(id, families[i], strlen(families[i])) == 0)
			return true;
	return false;
}

/* Is there a vector for it?  `ids` holds |ID:...|ID,ID| */
static void
check_covered(const char *ids, const char *id)
{
	char pattern[96];
	const char *p;
	size_t len;

	snprintf(pattern, sizeof(pattern), "%s", id);
	len = strlen(pattern);
	for (p = ids; (p = strstr(p, pattern)) != NULL; p += len)
		if (strchr("|,", p[-1]) != NULL &&
		    strchr("|,:", p[len]) != NULL)
			return;
	fail_msg("no vector for %s", id);
}

static void
test_coverage(void **state)
{
	FILE *file = fopen(VECTORS, "r"), *out;
	struct vector vector;
	size_t room = 0, len, i;
	char *line = NULL, *ids;

	(void)state;
	assert_non_null(file);
	out = open_memstream(&ids, &len);
	while (vector_next(file, &line, &room, &vector))
		fprintf(out, "|%s|%s|%s|", vector.fields[VECTOR_3],
		    vector.fields[VECTOR_242],
		    vector.fields[VECTOR_WARNINGS] == NULL
			? ""
			: vector.fields[VECTOR_WARNINGS]);
	fclose(out);
	for (i = 0; i < REASON_COUNT; i++)
		if (is_of_scanner(reason_row((enum reason)i)->id))
			check_covered(ids, reason_row((enum reason)i)->id);
	for (i = 0; i < WARNING_COUNT; i++)
		check_covered(ids, warning_id((enum warning)i));
	free(ids);
	free(line);
	fclose(file);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_coverage),
		cmocka_unit_test(test_padded),
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_entry_max),
		cmocka_unit_test(test_many_labels),
		cmocka_unit_test(test_budget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
