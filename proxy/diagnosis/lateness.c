#include "proxy/diagnosis/lateness.h"

#include <stdio.h>
#include <string.h>

#include "proxy/base/log.h"
#include "proxy/diagnosis/baseline.h"
#include "proxy/diagnosis/classify.h"
#include "proxy/diagnosis/evidence.h"
#include "proxy/diagnosis/record.h"
#include "proxy/diagnosis/sketch.h"

const char *
late_end_name(enum late_end end)
{
	static const char *const names[] = { "not", "whole", "failed", "cut" };

	return names[end];
}

/* ID, ": " and words share the 200 bytes of a status line. */
static void
add_words(struct finding *finding, const char *text)
{
	size_t head = strlen(reason_row(finding->reason)->id) + strlen(": ");
	size_t used = strlen(finding->words);

	if (head + used + strlen(text) <= sizeof(finding->words))
		sketch_print(finding->words + used,
		    sizeof(finding->words) - used, "%s", text);
}

/* The timeout that would have done. */
static void
add_fix(struct finding *finding, uint64_t needed_us)
{
	size_t used = strlen(finding->fix);
	char text[SKETCH_DURATION_SIZE];

	sketch_duration(
	    text, (uint64_t)baseline_sufficient_ms(needed_us) * 1000, "");
	sketch_print(finding->fix + used, sizeof(finding->fix) - used,
	    "%sscrape_timeout %s would have sufficed.", used > 0 ? " " : "",
	    text);
}

static struct evidence
evidence_of(struct finding *finding)
{
	return (struct evidence){ .out = finding->seen,
		.size = sizeof(finding->seen),
		.len = strlen(finding->seen) };
}

struct spans {
	char needed[SKETCH_DURATION_SIZE];
	char timeout[SKETCH_DURATION_SIZE];
};

static void
measure(struct spans *spans, const struct lateness *lateness, const char *gap)
{
	sketch_duration(spans->needed, lateness->needed_us, gap);
	sketch_duration(
	    spans->timeout, (uint64_t)lateness->timeout_ms * 1000, gap);
}

void
finding_amend(struct finding *finding, const struct lateness *lateness)
{
	struct evidence whole = evidence_of(finding), *evidence = &whole;
	char words[96];
	struct spans spans;

	measure(&spans, lateness, " ");
	switch (lateness->end) {
	case LATE_NOT:
		break;
	case LATE_WHOLE:
		MEASURED("finished late: needs %s, scrape_timeout is %s",
		    spans.needed, spans.timeout);
		measure(&spans, lateness, "");
		sketch_print(words, sizeof(words),
		    " [needs %s, scrape_timeout is %s]", spans.needed,
		    spans.timeout);
		add_words(finding, words);
		add_fix(finding, lateness->needed_us);
		break;
	case LATE_FAILED:
		MEASURED("went on and failed after %s: %s", spans.needed,
		    reason_row(lateness->reason)->id);
		break;
	case LATE_CUT:
		MEASURED("went on: needs more than %s, scrape_timeout is %s",
		    spans.needed, spans.timeout);
		break;
	}
}

void
finding_recall(struct finding *finding, const struct lateness *last)
{
	struct evidence whole = evidence_of(finding), *evidence = &whole;
	struct spans spans;

	measure(&spans, last, " ");
	switch (last->end) {
	case LATE_NOT:
	case LATE_FAILED:
		break;
	case LATE_WHOLE:
		MEASURED("last time it needed %s, finished late", spans.needed);
		add_fix(finding, last->needed_us);
		break;
	case LATE_CUT:
		MEASURED("last time it needed more than %s", spans.needed);
		break;
	}
}

const char *
lateness_message(const struct lateness *lateness)
{
	static const char *const messages[] = {
		[LATE_NOT] = "",
		[LATE_WHOLE] = "scrape finished late",
		[LATE_FAILED] = "scrape failed late",
		[LATE_CUT] = "scrape not finished late either",
	};

	return messages[lateness->end];
}

void
log_lateness(const struct record *record)
{
	const struct lateness *lateness = &record->lateness;
	struct spans spans;

	measure(&spans, lateness, "");
	log_info(lateness_message(lateness), "target", record->target_name,
	    lateness->end == LATE_CUT ? "needs_more_than" : "after",
	    spans.needed, "scrape_timeout", spans.timeout, "reason",
	    lateness->end == LATE_FAILED ? reason_row(lateness->reason)->id
					 : NULL,
	    NULL);
}
