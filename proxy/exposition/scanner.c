#include "proxy/exposition/scanner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/base/alloc.h"
#include "proxy/base/budget.h"
#include "proxy/exposition/scanner_parts.h"

#define CARRY_MIN ((size_t)4096)
/* Kept between scrapes; more is given back. */
#define CARRY_KEPT ((size_t)16384)

struct scanner *
scanner_new(size_t series_max)
{
	struct scanner *scanner = xcalloc(1, sizeof(*scanner));
	struct scanner_options nothing = { .now_ms = 0 };

	scanner->is_finished = true; /* nothing to break off */
	learn_init(&scanner->learn,
	    series_max > 0 ? series_max : SERIES_SLOTS_DEFAULT,
	    &scanner->result.warnings);
	scanner_begin(scanner, &nothing);
	return scanner;
}

void
scanner_free(struct scanner *scanner)
{
	int i;

	if (scanner == NULL)
		return;
	for (i = 0; i < READER_COUNT; i++)
		parse_fini(&scanner->parses[i]);
	learn_fini(&scanner->learn);
	warnings_fini(&scanner->result.warnings);
	budget_give(scanner->carry_room);
	free(scanner->carry);
	free(scanner);
}

static void
drop_carry(struct scanner *scanner)
{
	scanner->carry_len = 0;
	if (scanner->carry_room <= CARRY_KEPT)
		return;
	free(scanner->carry);
	budget_give(scanner->carry_room);
	scanner->carry = NULL;
	scanner->carry_room = 0;
}

void
scanner_forget(struct scanner *scanner)
{
	series_memory_reset(&scanner->learn.own);
}

void
scanner_break_off(struct scanner *scanner)
{
	if (scanner->is_finished)
		return;
	scanner->is_finished = scanner->is_over = true;
	learn_end(&scanner->learn, false);
	drop_carry(scanner);
}

bool
scanner_has_reader(const struct scanner *scanner)
{
	int i;

	for (i = 0; i < READER_COUNT; i++)
		if (scanner->is_reading[i])
			return true;
	return false;
}

struct scanner_verdict *
scanner_verdict_of(struct scanner *scanner, int reader)
{
	return reader == READER_FALLBACK ? &scanner->fallback
					 : &scanner->result.verdicts[reader];
}

void
scanner_refuse(struct scanner *scanner, int reader, enum reason reason,
    uint64_t line, uint64_t column)
{
	struct scanner_verdict *verdict = scanner_verdict_of(scanner, reader);

	verdict->judgement = SCANNER_REFUSED;
	verdict->reason = reason;
	verdict->line = line;
	verdict->column = column;
	verdict->offending[0] = '\0';
	verdict->said[0] = '\0';
	scanner->is_reading[reader] = false;
}

void
scanner_give_up(struct scanner *scanner)
{
	int i;

	for (i = 0; i < READER_COUNT; i++) {
		if (!scanner->is_reading[i])
			continue;
		scanner_verdict_of(scanner, i)->judgement = SCANNER_UNKNOWN;
		scanner->is_reading[i] = false;
	}
	scanner->is_over = true;
}

static void
begin_version(struct scanner *scanner, enum prometheus version)
{
	const struct content_verdict *content = &scanner->options.content;
	enum exposition_format format = content->formats[version];
	struct scanner_verdict *verdict = &scanner->result.verdicts[version];

	memset(verdict, 0, offsetof(struct scanner_verdict, offending));
	verdict->offending[0] = verdict->said[0] = '\0';
	scanner->is_reading[version] =
	    format == scanner->format && format != FORMAT_NONE;
	if (!scanner->is_reading[version])
		verdict->judgement = SCANNER_UNKNOWN;
	if (format == FORMAT_NONE && content->reason != REASON_OK) {
		scanner_refuse(scanner, (int)version, content->reason, 0, 0);
		snprintf(verdict->offending, sizeof(verdict->offending), "%s",
		    content->value);
		if (version == PROMETHEUS_3)
			snprintf(verdict->said, sizeof(verdict->said), "%s",
			    content->said);
	}
	parse_init(
	    &scanner->parses[version], version, format == FORMAT_OPENMETRICS);
}

static void
begin_fallback(struct scanner *scanner)
{
	const struct content_verdict *content = &scanner->options.content;
	bool is_mended = content->formats[PROMETHEUS_3] == FORMAT_NONE &&
			 content->reason != REASON_OK &&
			 scanner->format == FORMAT_TEXT;

	memset(
	    &scanner->fallback, 0, offsetof(struct scanner_verdict, offending));
	scanner->is_reading[READER_FALLBACK] = is_mended;
	if (is_mended)
		parse_init(
		    &scanner->parses[READER_FALLBACK], PROMETHEUS_3, false);
}

void
scanner_begin(struct scanner *scanner, const struct scanner_options *options)
{
	const enum exposition_format *formats;
	int i;

	scanner_break_off(scanner);
	scanner->options = *options;
	formats = scanner->options.content.formats;
	scanner->format = formats[PROMETHEUS_3] != FORMAT_NONE
			      ? formats[PROMETHEUS_3]
			      : formats[PROMETHEUS_242];
	learn_begin(&scanner->learn, options->now_ms, options->keeps_series,
	    options->stops_when_full && options->limits.samples == 0,
	    options->memory);
	for (i = 0; i < PROMETHEUS_COUNT; i++)
		begin_version(scanner, (enum prometheus)i);
	begin_fallback(scanner);
	fast_begin(&scanner->fast, &scanner->learn, &scanner->options.limits,
	    scanner->format == FORMAT_OPENMETRICS);
	protobuf_begin(&scanner->protobuf);
	scanner->is_over = !scanner_has_reader(scanner);
	scanner->is_finished = scanner->is_disputed = false;
	scanner->has_eof_comment = scanner->has_read_all = false;
	scanner->bytes = 0;
	scanner->last_byte = '\n';
	memset(scanner->head, 0, sizeof(scanner->head));
	memset(scanner->tail, 0, sizeof(scanner->tail));
	scanner->carry_len = scanner->carry_wanted = 0;
}

static size_t
read_entries(struct scanner *scanner, const unsigned char *bytes, size_t len,
    size_t slack, bool is_last)
{
	if (scanner->format == FORMAT_PROTOBUF)
		return scanner_read_protobuf(scanner, bytes, len, is_last);
	return scanner_read_text(scanner, bytes, len, slack, is_last);
}

static void
reserve(struct scanner *scanner, size_t len)
{
	size_t room = scanner->carry_room;

	if (len + FAST_SLACK <= room)
		return;
	if (room < CARRY_MIN)
		room = CARRY_MIN;
	while (room < len + FAST_SLACK)
		room *= 2;
	scanner->carry = xrealloc(scanner->carry, room);
	budget_take(room - scanner->carry_room);
	scanner->carry_room = room;
}

static void
carry(struct scanner *scanner, const unsigned char *bytes, size_t len)
{
	reserve(scanner, scanner->carry_len + len);
	memcpy(scanner->carry + scanner->carry_len, bytes, len);
	scanner->carry_len += len;
	memset(scanner->carry + scanner->carry_len, 0, FAST_SLACK);
}

/* What was read goes; the rest is tried again once it has doubled. */
static void
read_carry(struct scanner *scanner, bool is_last)
{
	size_t taken = read_entries(
	    scanner, scanner->carry, scanner->carry_len, FAST_SLACK, is_last);

	if (taken > scanner->carry_len)
		taken = scanner->carry_len;
	scanner->carry_len -= taken;
	memmove(scanner->carry, scanner->carry + taken,
	    scanner->carry_len + FAST_SLACK);
	scanner->carry_wanted = scanner->carry_len * 2;
	/* Then it is known to be too long. */
	if (scanner->carry_len <= PARSE_ENTRY_MAX &&
	    scanner->carry_wanted > PARSE_ENTRY_MAX + 1)
		scanner->carry_wanted = PARSE_ENTRY_MAX + 1;
}

/*
 * Completes the entry that is carried, line by line; returns how many bytes
 * that took.  An entry that spans many pieces is tried again at doubled sizes
 * only, so all the tries together cost no more than twice its length.
 */
static size_t
feed_carry(struct scanner *scanner, const unsigned char *bytes, size_t len)
{
	size_t used = 0, step;
	const unsigned char *newline;

	while (scanner->carry_len > 0 && used < len && !scanner->is_over) {
		newline = scanner->format == FORMAT_PROTOBUF
			      ? NULL
			      : memchr(bytes + used, '\n', len - used);
		step = newline == NULL ? len - used
				       : (size_t)(newline - bytes) + 1 - used;
		if (scanner->format == FORMAT_PROTOBUF &&
		    step > scanner->carry_len + CARRY_MIN)
			step = scanner->carry_len + CARRY_MIN;
		carry(scanner, bytes + used, step);
		used += step;
		if (scanner->carry_len >= scanner->carry_wanted)
			read_carry(scanner, false);
	}
	return used;
}

/* The first bytes and the last ones, however they come. */
static void
keep_ends(struct scanner *scanner, const unsigned char *bytes, size_t len)
{
	size_t i, kept = len < SCANNER_TAIL ? SCANNER_TAIL - len : 0;

	for (i = 0; i < len && scanner->bytes + i < SCANNER_HEAD; i++)
		scanner->head[scanner->bytes + i] = bytes[i];
	memmove(scanner->tail, scanner->tail + SCANNER_TAIL - kept, kept);
	memcpy(scanner->tail + kept, bytes + len - (SCANNER_TAIL - kept),
	    SCANNER_TAIL - kept);
}

static void
feed(struct scanner *scanner, const unsigned char *p, size_t len)
{
	size_t used = feed_carry(scanner, p, len);

	if (scanner->is_over || used == len)
		return;
	used += read_entries(scanner, p + used, len - used, 0, false);
	if (!scanner->is_over && used < len) {
		carry(scanner, p + used, len - used);
		scanner->carry_wanted = 0;
	}
}

void
scanner_feed(struct scanner *scanner, const void *bytes, size_t len)
{
	const unsigned char *p = bytes;

	if (len > 0) {
		scanner->last_byte = p[len - 1];
		keep_ends(scanner, p, len);
	}
	scanner->bytes += len;
	if (scanner->is_over || len == 0)
		return;
	feed(scanner, p, len);
	/* The rest of the body may be long in coming. */
	if (scanner->is_over)
		drop_carry(scanner);
}

static void
read_last(struct scanner *scanner)
{
	static const unsigned char newline = '\n';

	if (scanner->is_over)
		return;
	reserve(scanner, scanner->carry_len + 1);
	if (scanner->format == FORMAT_TEXT)
		carry(scanner, &newline, 1);
	read_carry(scanner, true);
}

const struct scanner_result *
scanner_finish(struct scanner *scanner)
{
	if (scanner->is_finished)
		return &scanner->result;
	scanner->is_finished = true;
	read_last(scanner);
	scanner_conclude(scanner);
	drop_carry(scanner);
	return &scanner->result;
}
