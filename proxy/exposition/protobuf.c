#include "proxy/exposition/protobuf.h"

#include <stdio.h>
#include <string.h>

#include "proxy/exposition/lexer_parts.h"
#include "proxy/exposition/protobuf_metric.h"
#include "proxy/exposition/scanner_parts.h"
#include "proxy/base/utf8.h"
#include "proxy/exposition/wire_check.h"

/* More than five bytes of length are refused, whatever they say. */
#define LENGTH_BYTES_MAX 5
#define TYPE_MAX 5

void
protobuf_begin(struct protobuf *protobuf)
{
	protobuf->at = 0;
	protobuf->is_inside = false;
}

static void
refuse(struct scanner *scanner, enum prometheus version, enum reason reason,
    const char *said)
{
	struct scanner_verdict *verdict = &scanner->result.verdicts[version];

	if (!scanner->is_reading[version])
		return;
	scanner_refuse(scanner, (int)version, reason, 0, 0);
	if (version == PROMETHEUS_3)
		snprintf(verdict->said, sizeof(verdict->said), "%s", said);
	if (!scanner_has_reader(scanner))
		scanner->is_over = true;
}

static void
refuse_both(struct scanner *scanner, const char *said)
{
	refuse(scanner, PROMETHEUS_3, REASON_PROTO_MALFORMED, said);
	refuse(scanner, PROMETHEUS_242, REASON_PROTO_MALFORMED, said);
}

void
protobuf_complain(struct protobuf *protobuf, enum prometheus version,
    enum protobuf_grade grade, enum reason reason, const char *said)
{
	struct protobuf_complaint *complaint = &protobuf->complaints[version];
	struct words words;

	if (complaint->grade >= grade)
		return;
	complaint->grade = grade;
	complaint->reason = reason;
	words_init(&words, complaint->said, sizeof(complaint->said));
	words_add(&words, said);
}

static void
begin_family(struct protobuf *protobuf, size_t varint_len, uint64_t len)
{
	int i;

	protobuf->is_inside = true;
	protobuf->family_at = protobuf->at;
	protobuf->family_size = varint_len + len;
	protobuf->left = len;
	protobuf->name_len = 0;
	protobuf->is_name_long = protobuf->is_help_bad = false;
	protobuf->type = 0;
	protobuf->metrics = 0;
	for (i = 0; i < PROMETHEUS_COUNT; i++)
		protobuf->complaints[i].grade = GRADE_NONE;
}

/* Returns the bytes of the length, 0 for more, or refuses. */
static size_t
take_length(struct scanner *scanner, struct slice window, bool is_last)
{
	uint64_t len;
	size_t n = wire_varint(window, &len);

	if (n == 0 && window.len < 10 && !is_last)
		return 0;
	if (n == 0 || n > LENGTH_BYTES_MAX) {
		refuse_both(scanner, "clientpb: invalid varint encountered");
		return 0;
	}
	begin_family(&scanner->protobuf, n, len);
	return n;
}

static void
check_name(struct protobuf *protobuf, struct slice name)
{
	char said[PROTOBUF_SAID_MAX];
	struct words words;

	words_init(&words, said, sizeof(said));
	words_add(&words, "invalid metric name: ");
	words_add_bytes(&words, name.bytes, name.len);
	if (name.len == 0 || !utf8_is_valid(name.bytes, name.len))
		protobuf_complain(protobuf, PROMETHEUS_3, GRADE_METRIC,
		    REASON_SERIES_NAME_INVALID, said);
	if (!lex_is_name(name.bytes, name.len, true))
		protobuf_complain(protobuf, PROMETHEUS_242, GRADE_METRIC,
		    REASON_SERIES_NAME_INVALID, said);
}

static void
complain_both(
    struct protobuf *protobuf, enum protobuf_grade grade, const char *said)
{
	int i;

	for (i = 0; i < PROMETHEUS_COUNT; i++)
		protobuf_complain(protobuf, (enum prometheus)i, grade,
		    REASON_PROTO_MALFORMED, said);
}

static void
say_family(struct protobuf *protobuf, const char *before, const char *after,
    struct slice last)
{
	char said[PROTOBUF_SAID_MAX];
	struct words words;

	words_init(&words, said, sizeof(said));
	words_add(&words, before);
	words_quote(&words, protobuf->name, protobuf->name_len);
	words_add(&words, after);
	words_add_bytes(&words, last.bytes, last.len);
	complain_both(protobuf, GRADE_METRIC, said);
}

/*
 * The family's own fields are judged before its metrics, if it has any; a
 * complaint about a metric that was first here gives way.
 */
static void
check_family(struct protobuf *protobuf)
{
	struct slice name = { protobuf->name, protobuf->name_len };
	struct slice help = { protobuf->bad_help, protobuf->bad_help_len };
	char number[16];
	struct slice type = { (unsigned char *)number, 0 };
	struct protobuf_complaint metric[PROMETHEUS_COUNT];
	size_t i;

	memcpy(metric, protobuf->complaints, sizeof(metric));
	for (i = 0; i < PROMETHEUS_COUNT; i++)
		if (protobuf->complaints[i].grade == GRADE_METRIC)
			protobuf->complaints[i].grade = GRADE_NONE;
	if (!protobuf->is_name_long)
		check_name(protobuf, name);
	if (protobuf->is_help_bad)
		say_family(protobuf, "invalid help for metric ", ": ", help);
	if ((uint32_t)protobuf->type > TYPE_MAX) {
		type.len = (size_t)snprintf(number, sizeof(number), "%d",
		    (int32_t)(uint32_t)protobuf->type);
		say_family(
		    protobuf, "unknown metric type for metric ", ": ", type);
	}
	for (i = 0; i < PROMETHEUS_COUNT; i++)
		if (protobuf->complaints[i].grade == GRADE_NONE)
			protobuf->complaints[i] = metric[i];
}

/* Returns true if nobody reads on. */
static void
end_family(struct scanner *scanner)
{
	struct protobuf *protobuf = &scanner->protobuf;
	int i;

	protobuf->is_inside = false;
	if (protobuf->metrics > 0)
		check_family(protobuf);
	for (i = 0; i < PROMETHEUS_COUNT; i++) {
		const struct protobuf_complaint *complaint =
		    &protobuf->complaints[i];

		if (complaint->grade != GRADE_NONE)
			refuse(scanner, (enum prometheus)i,
			    (enum reason)complaint->reason, complaint->said);
	}
	scanner->learn.line++;
}

static void
take_name(struct protobuf *protobuf, struct slice name)
{
	protobuf->is_name_long = name.len > PROTOBUF_NAME_MAX;
	if (protobuf->is_name_long)
		name.len = PROTOBUF_NAME_MAX;
	memcpy(protobuf->name, name.bytes, name.len);
	protobuf->name_len = name.len;
}

static void
take_help(struct protobuf *protobuf, struct slice help)
{
	protobuf->is_help_bad = !utf8_is_valid(help.bytes, help.len);
	if (!protobuf->is_help_bad)
		return;
	if (help.len > sizeof(protobuf->bad_help))
		help.len = sizeof(protobuf->bad_help);
	memcpy(protobuf->bad_help, help.bytes, help.len);
	protobuf->bad_help_len = help.len;
}

static void
take_field(struct scanner *scanner, const struct wire_field *field, size_t size)
{
	struct protobuf *protobuf = &scanner->protobuf;

	switch (field->number) {
	case 1:
		take_name(protobuf, field->bytes);
		break;
	case 2:
		take_help(protobuf, field->bytes);
		break;
	case 3:
		protobuf->type = field->number_at;
		break;
	case 4:
		protobuf_take_metric(scanner, field->bytes, size);
		protobuf->metrics++;
		break;
	default:
		break;
	}
}

/* A field of the family; returns its bytes, 0 for more. */
static size_t
read_field(struct scanner *scanner, struct slice window)
{
	struct protobuf *protobuf = &scanner->protobuf;
	char said[PROTOBUF_SAID_MAX];
	bool is_whole = window.len >= protobuf->left;
	struct wire_field field = { .tag = 0 };
	struct words words;
	size_t at = 0;

	if (is_whole)
		window.len = (size_t)protobuf->left;
	words_init(&words, said, sizeof(said));
	switch (
	    wire_next(&wire_family, window, &at, is_whole, &field, &words)) {
	case WIRE_SHORT:
		if (window.len > PARSE_ENTRY_MAX)
			scanner_give_up(scanner);
		return 0;
	case WIRE_FINE:
		if (at > PARSE_ENTRY_MAX) {
			scanner_give_up(scanner);
			return 0;
		}
		take_field(scanner, &field, at);
		return at;
	default:
		/* What is wrong here spoils the rest of the family. */
		complain_both(protobuf, GRADE_FAMILY, said);
		return 0;
	}
}

static void
refuse_cut(struct scanner *scanner, uint64_t len)
{
	const struct protobuf *protobuf = &scanner->protobuf;
	char said[PROTOBUF_SAID_MAX];
	struct words words;

	words_init(&words, said, sizeof(said));
	words_add(&words,
	    "clientpb: insufficient length of buffer, expected at least ");
	words_add_number(&words, (long long)protobuf->family_size);
	words_add(&words, " bytes, got ");
	words_add_number(
	    &words, (long long)(protobuf->at + len - protobuf->family_at));
	words_add(&words, " bytes");
	refuse_both(scanner, said);
}

static bool
is_spoilt(const struct protobuf *protobuf)
{
	return protobuf->complaints[PROMETHEUS_3].grade == GRADE_FAMILY;
}

/* Inside a family: the bytes that were taken, 0 for more. */
static size_t
read_family(struct scanner *scanner, struct slice window)
{
	struct protobuf *protobuf = &scanner->protobuf;
	size_t taken = 0;

	if (!is_spoilt(protobuf))
		taken = read_field(scanner, window);
	if (taken == 0 && is_spoilt(protobuf))
		taken = window.len < protobuf->left ? window.len
						    : (size_t)protobuf->left;
	protobuf->left -= taken;
	return taken;
}

size_t
scanner_read_protobuf(struct scanner *scanner, const unsigned char *bytes,
    size_t len, bool is_last)
{
	struct protobuf *protobuf = &scanner->protobuf;
	size_t at = 0, taken;

	while (!scanner->is_over) {
		struct slice window = { bytes + at, len - at };

		if (protobuf->is_inside && protobuf->left == 0)
			end_family(scanner);
		if (scanner->is_over || at == len)
			break;
		taken = protobuf->is_inside
			    ? read_family(scanner, window)
			    : take_length(scanner, window, is_last);
		if (taken == 0)
			break;
		at += taken;
		protobuf->at += taken;
	}
	if (is_last && !scanner->is_over && protobuf->is_inside)
		refuse_cut(scanner, len - at);
	if (is_last)
		scanner->is_over = true;
	return at;
}
