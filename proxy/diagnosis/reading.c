#include "proxy/diagnosis/reading.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "proxy/base/alloc.h"
#include "proxy/base/escape.h"
#include "proxy/diagnosis/classify.h"
#include "proxy/exposition/scanner.h"
#include "proxy/fetch/report.h"

static void
add_verdict(struct reading *reading, enum reason reason, uint64_t line,
    uint64_t column, const char *who)
{
	struct reading_warning *warning =
	    &reading->warnings[reading->warning_count++];
	const struct reason_row *row = reason_row(reason);
	char place[64] = "";

	if (line > 0)
		snprintf(place, sizeof(place),
		    " (line %" PRIu64 " column %" PRIu64 ")", line, column);
	reading->objection = reason;
	warning->id = row->id;
	snprintf(warning->words, sizeof(warning->words), "%s%s", who, place);
	warning->count = 1;
	warning->first_line = line;
}

/* At most one: who refuses what was delivered all the same. */
static void
add_verdicts(
    struct reading *reading, const struct report *report, enum reason reason)
{
	const struct scanner_verdict *verdicts = report->scan->verdicts;
	const struct scanner_verdict *three = &verdicts[PROMETHEUS_3];
	const struct scanner_verdict *old = &verdicts[PROMETHEUS_242];
	const struct scanner_verdict *parser = classify_verdict(report);

	if (reason != REASON_OK && reason != REASON_BODY_EMPTY)
		add_verdict(reading, reason, parser->line, parser->column,
		    reason_row(reason)->layer == LAYER_LIMIT
			? "over a limit of the target, and delivered"
		    : report->scan->is_refused_everywhere
			? "no Prometheus takes this, and it was delivered"
			: "Prometheus refuses this, unless a relabelling "
			  "drops the series");
	else if (report->content->reason != REASON_OK)
		add_verdict(reading, report->content->reason, 0, 0,
		    "Prometheus 3 refuses this Content-Type, Prometheus 2 "
		    "takes it for text; fallback_scrape_protocol repairs it");
	else if (three->judgement == SCANNER_REFUSED)
		add_verdict(reading, three->reason, three->line, three->column,
		    "Prometheus 3 refuses this, older ones take it");
	else if (old->judgement == SCANNER_REFUSED)
		add_verdict(reading, old->reason, old->line, old->column,
		    "Prometheus 2.42 refuses this, newer ones take it");
}

static void
add_warning(
    struct reading *reading, enum warning kind, const struct warning_row *row)
{
	struct reading_warning *warning =
	    &reading->warnings[reading->warning_count++];
	size_t i;

	reading->mask |= (uint32_t)1 << kind;
	warning->id = warning_id(kind);
	snprintf(
	    warning->words, sizeof(warning->words), "%s", warning_words(kind));
	warning->count = row->count;
	warning->first_line = row->first_line;
	for (i = 0; i < row->offender_count && i < READING_OFFENDERS; i++)
		escape_quoted(warning->offenders[i],
		    sizeof(warning->offenders[i]), row->offenders[i].name,
		    strlen(row->offenders[i].name));
	warning->offender_count = i;
}

static size_t
count_warnings(const struct warnings *warnings)
{
	size_t i, count = 0;

	for (i = 0; i < WARNING_COUNT; i++)
		count += warnings->rows[i].count > 0;
	return count;
}

struct reading *
reading_new(const struct report *report, enum reason reason)
{
	const struct warnings *warnings;
	struct reading *reading;
	size_t i;

	if (report->scan == NULL)
		return NULL;
	warnings = &report->scan->warnings;
	reading =
	    xcalloc(1, sizeof(*reading) + (count_warnings(warnings) + 1) *
					      sizeof(reading->warnings[0]));
	reading->facts = report->scan->facts;
	add_verdicts(reading, report, reason);
	for (i = 0; i < WARNING_COUNT; i++)
		if (warnings->rows[i].count > 0)
			add_warning(
			    reading, (enum warning)i, &warnings->rows[i]);
	return reading;
}
