/* What was seen of a body that is not taken. */
#include "proxy/diagnosis/evidence.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "proxy/base/escape.h"
#include "proxy/diagnosis/classify.h"
#include "proxy/diagnosis/sketch.h"
#include "proxy/exposition/scanner.h"
#include "proxy/fetch/report.h"

#define TOP_SHOWN 3
#define SAID_SHOWN 240

static void
see_head(struct evidence *evidence)
{
	const struct report *report = evidence->sketch->report;
	const struct content_verdict *content = report->content;
	char begin[EVIDENCE_EXCERPT_SIZE];

	if (report->judge.has_content_type)
		MEASURED("%d, %" PRIu64 " bytes, Content-Type \"%s\"",
		    report->judge.status, report->body_bytes, content->value);
	else
		MEASURED("%d, %" PRIu64 " bytes, no Content-Type",
		    report->judge.status, report->body_bytes);
	if (report->error_text[0] != '\0')
		MEASURED("begins \"%s\"",
		    evidence_excerpt(begin, report->error_text));
	if (report->links_to_metrics)
		MEASURED("links to /metrics");
}

static void
see_words(struct evidence *evidence, const struct scanner_verdict *verdict)
{
	char said[SAID_SHOWN];

	if (verdict->said[0] == '\0')
		return;
	escape_words(said, sizeof(said), verdict->said, strlen(verdict->said));
	INFERRED("Prometheus 3 says of it: %s", said);
}

/* "1 sample", "2 samples". */
#define COUNTED(count, one) (count), (count) == 1 ? one : one "s"

void
evidence_exposition(struct evidence *evidence)
{
	const struct report *report = evidence->sketch->report;
	const struct scanner_verdict *verdict;
	const struct exposition_facts *facts;

	if (report->scan == NULL)
		return;
	verdict = classify_verdict(report);
	facts = &report->scan->facts;
	see_head(evidence);
	if (verdict->line > 0 && verdict->offending[0] != '\0')
		MEASURED("line %" PRIu64 " column %" PRIu64 " reads \"%s\"",
		    verdict->line, verdict->column, verdict->offending);
	if (facts->samples > 0)
		MEASURED("%" PRIu64 " %s before it",
		    COUNTED(facts->samples, "sample"));
	if (report->content->reason != REASON_OK)
		INFERRED("Prometheus 2 takes it for text, and refuses it too: "
			 "%s",
		    reason_row(verdict->reason)->id);
	else if (!classify_is_no_metrics(report))
		see_words(evidence, verdict);
}

static void
see_families(struct evidence *evidence, const struct exposition_facts *facts)
{
	char name[FACTS_NAME_MAX * 4], list[512] = "";
	size_t i, used = 0;

	for (i = 0; i < facts->top_count && i < TOP_SHOWN; i++) {
		escape_quoted(name, sizeof(name), facts->top[i].name,
		    strlen(facts->top[i].name));
		sketch_print(list + used, sizeof(list) - used,
		    "%s%.100s %" PRIu64, i == 0 ? "" : ", ", name,
		    facts->top[i].samples);
		used += strlen(list + used);
	}
	MEASURED("%" PRIu64 " %s, most bytes in %s",
	    COUNTED(facts->samples, "sample"), list);
}

void
evidence_limit(struct evidence *evidence)
{
	const struct report *report = evidence->sketch->report;
	const struct scanner_result *scan = report->scan;

	if (scan == NULL) {
		MEASURED(
		    "%s bytes received until then", evidence->sketch->bytes);
		return;
	}
	MEASURED(
	    "%d, %" PRIu64 " bytes", report->judge.status, report->body_bytes);
	if (scan->verdicts[PROMETHEUS_3].line > 0)
		see_words(evidence, &scan->verdicts[PROMETHEUS_3]);
	else if (scan->facts.top_count > 0)
		see_families(evidence, &scan->facts);
}
