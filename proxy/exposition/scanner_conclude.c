/* What only the end of the body can tell. */
#include <stdio.h>
#include <string.h>

#include "proxy/exposition/scanner_parts.h"

/* An empty body never reaches a parser of Prometheus 3. */
static void
conclude_empty(struct scanner *scanner)
{
	struct scanner_verdict *verdict =
	    &scanner->result.verdicts[PROMETHEUS_3];

	memset(verdict, 0, offsetof(struct scanner_verdict, offending));
	verdict->offending[0] = verdict->said[0] = '\0';
	warnings_add(scanner->learn.warnings, WARNING_EMPTY_BODY, 0, NULL, 0);
}

static void
refuse_all(struct scanner *scanner, enum reason reason, const char *said)
{
	int i;

	for (i = 0; i < PROMETHEUS_COUNT; i++)
		scanner_refuse(scanner, i, reason, 0, 0);
	snprintf(scanner->result.verdicts[PROMETHEUS_3].said, PARSE_SAID_MAX,
	    "%s", said);
}

/*
 * As many samples count at the least.  Since 2.52 a series that repeats
 * another byte for byte is dropped before it is counted, and one that says the
 * same in other bytes is counted; we cannot tell these apart.  Where series
 * repeat, those that the table had no room for may do so, too.
 */
static uint64_t
least_samples(const struct exposition_facts *facts)
{
	if (facts->repeats == 0)
		return facts->samples;
	return facts->samples - facts->repeats - facts->untracked;
}

/*
 * Prometheus tells of a parse error before it tells of too many samples.  A
 * limit between what may count and what does is not judged.
 */
static void
conclude_samples(struct scanner *scanner)
{
	const struct exposition_facts *facts = &scanner->learn.facts;
	uint64_t limit = scanner->options.limits.samples;
	int i;

	for (i = 0; limit > 0 && i < READER_COUNT; i++) {
		struct scanner_verdict *verdict =
		    scanner_verdict_of(scanner, i);

		if (verdict->judgement != SCANNER_ACCEPTED ||
		    facts->samples <= limit)
			continue;
		if (i != PROMETHEUS_242 && least_samples(facts) <= limit) {
			verdict->judgement = SCANNER_UNKNOWN;
			continue;
		}
		scanner_refuse(scanner, i, REASON_LIMIT_SAMPLES, 0, 0);
		if (i == PROMETHEUS_3)
			snprintf(verdict->said, sizeof(verdict->said),
			    "sample limit exceeded");
	}
}

/* Out of bounds, or one more than sample_limit. */
bool
scanner_drops(
    const struct scanner *scanner, int reader, const struct parse *parse)
{
	const struct exposition_facts *facts = &scanner->learn.facts;
	uint64_t limit = scanner->options.limits.samples;
	uint64_t samples = facts->samples;
	int64_t now_ms = scanner->options.now_ms;

	if (reader != PROMETHEUS_242)
		samples -= facts->repeats;
	if (limit > 0 && samples >= limit)
		return true;
	return parse->has_timestamp && now_ms > 0 &&
	       (parse->timestamp_ms > now_ms + LEARN_AHEAD_MAX_MS ||
		   parse->timestamp_ms < now_ms - LEARN_BEHIND_MAX_MS);
}

static void
warn_near(
    struct scanner *scanner, uint64_t value, uint64_t limit, const char *name)
{
	/* In two steps: five times a large number would wrap. */
	if (limit == 0 || value <= limit / 5 * 4 + limit % 5 * 4 / 5)
		return;
	warnings_add(scanner->learn.warnings, WARNING_LIMIT_NEAR, 0,
	    (const unsigned char *)name, strlen(name));
}

static void
warn_whole(struct scanner *scanner)
{
	const struct exposition_facts *facts = &scanner->learn.facts;
	const struct exposition_limits *limits = &scanner->options.limits;
	const enum exposition_format *formats =
	    scanner->options.content.formats;

	warn_near(scanner, facts->bytes, limits->body_size, "body_size_limit");
	warn_near(scanner, facts->samples, limits->samples, "sample_limit");
	if (facts->samples == 0 && facts->bytes > 0)
		warnings_add(
		    scanner->learn.warnings, WARNING_NO_SAMPLES, 0, NULL, 0);
	if (scanner->has_eof_comment && scanner->format == FORMAT_TEXT &&
	    formats[PROMETHEUS_3] == FORMAT_NONE && facts->timestamps > 0)
		warnings_add(scanner->learn.warnings,
		    WARNING_OPENMETRICS_AS_TEXT, 0, NULL, 0);
}

static bool
is_accepted(const struct scanner *scanner)
{
	const struct scanner_verdict *verdicts = scanner->result.verdicts;

	return verdicts[PROMETHEUS_3].judgement == SCANNER_ACCEPTED ||
	       verdicts[PROMETHEUS_242].judgement == SCANNER_ACCEPTED;
}

/* A varint and a message's first field, as a delimited protobuf begins. */
static bool
is_like_protobuf(const unsigned char *head)
{
	size_t i = 0;

	while (i < 9 && (head[i] & 0x80) != 0)
		i++;
	return head[i + 1] == 0x0a;
}

/*
 * May it be for a format that nobody named, and that a user's
 * fallback_scrape_protocol does name?
 */
static bool
is_other(const struct scanner *scanner)
{
	const unsigned char *tail = scanner->tail;

	return memcmp(tail, "# EOF\n", 6) == 0 ||
	       memcmp(tail + 1, "# EOF", 5) == 0 ||
	       is_like_protobuf(scanner->head);
}

static bool
is_certain(const struct scanner *scanner, const struct scanner_verdict *verdict)
{
	if (verdict->judgement != SCANNER_REFUSED)
		return false;
	switch (verdict->reason) {
	case REASON_SERIES_NAME_MISSING:
	case REASON_SERIES_NAME_INVALID:
	case REASON_SERIES_LABEL_DUPLICATE:
		return false;
	case REASON_CONTENT_TYPE_MISSING:
	case REASON_CONTENT_TYPE_UNPARSABLE:
	case REASON_CONTENT_TYPE_UNSUPPORTED:
		return is_certain(scanner, &scanner->fallback) &&
		       !is_other(scanner);
	default:
		return true;
	}
}

static bool
is_refused_everywhere(const struct scanner *scanner)
{
	int i;

	if (scanner->is_disputed)
		return false;
	for (i = 0; i < PROMETHEUS_COUNT; i++)
		if (!is_certain(scanner, &scanner->result.verdicts[i]))
			return false;
	return true;
}

void
scanner_conclude(struct scanner *scanner)
{
	struct learn *learn = &scanner->learn;
	uint64_t limit = scanner->options.limits.body_size;

	learn->facts.bytes = scanner->bytes;
	learn->facts.lines = learn->line - 1;
	/* The newline that was added is a line only if it ended one. */
	if (scanner->has_read_all && scanner->last_byte == '\n')
		learn->facts.lines--;
	if (scanner->bytes == 0)
		conclude_empty(scanner);
	conclude_samples(scanner);
	if (limit > 0 && scanner->bytes >= limit)
		refuse_all(scanner, REASON_LIMIT_BODY_SIZE,
		    "body size limit exceeded");
	scanner->result.is_refused_everywhere = is_refused_everywhere(scanner);
	if (is_accepted(scanner))
		warn_whole(scanner);
	learn_end(learn, is_accepted(scanner));
	scanner->result.facts = learn->facts;
}
