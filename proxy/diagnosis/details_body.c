/* {detail} and {said} of what the body says. */
#include "proxy/diagnosis/sketch.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "conf/conf.h"
#include "proxy/diagnosis/classify.h"
#include "proxy/exposition/scanner.h"
#include "proxy/fetch/report.h"

#define SAY(sketch, ...)                                                       \
	sketch_print((sketch)->detail, sizeof((sketch)->detail), __VA_ARGS__)

/* Its place; only an end that is missing has none. */
static void
detail_place(struct sketch *sketch)
{
	const struct scanner_verdict *verdict =
	    classify_verdict(sketch->report);

	if (verdict->line > 0)
		SAY(sketch, "line %" PRIu64 " column %" PRIu64, verdict->line,
		    verdict->column);
	else
		SAY(sketch, "the answer as a whole");
}

static void
detail_samples(struct sketch *sketch)
{
	const struct exposition_facts *facts = &sketch->report->scan->facts;

	SAY(sketch, "%" PRIu64 " samples, sample_limit of target %s is %u",
	    facts->samples - facts->repeats, sketch->target->name,
	    sketch->target->sample_limit);
}

static void
detail_label_limit(struct sketch *sketch)
{
	const struct scanner_verdict *verdict =
	    classify_verdict(sketch->report);
	const struct conf_target *target = sketch->target;
	unsigned limit = target->label_limit;

	if (sketch->reason == REASON_LIMIT_LABEL_NAME_LENGTH)
		limit = target->label_name_length_limit;
	else if (sketch->reason == REASON_LIMIT_LABEL_VALUE_LENGTH)
		limit = target->label_value_length_limit;
	SAY(sketch,
	    "line %" PRIu64 " column %" PRIu64 ", the limit of target %s is %u",
	    verdict->line, verdict->column, target->name, limit);
}

/* By name only where it is one of these: no words of the exporter's. */
static void
detail_content_type(struct sketch *sketch)
{
	static const char *const known[] = { "text/html", "application/json",
		"application/xhtml+xml", "application/xml", "text/xml",
		"application/octet-stream", "text/csv",
		"application/problem+json", "application/gzip",
		"application/x-protobuf", "text/event-stream" };
	const char *value = sketch->report->judge.content_type;
	size_t i, len = strcspn(value, "; \t");

	SAY(sketch, "%s",
	    sketch->reason == REASON_CONTENT_TYPE_UNPARSABLE
		? "no media type can be read from it"
		: "a foreign Content-Type");
	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strlen(known[i]) == len &&
		    strncasecmp(known[i], value, len) == 0)
			SAY(sketch, "%s", known[i]);
}

void
sketch_detail_body(struct sketch *sketch)
{
	if (sketch->report->scan == NULL)
		return;
	sketch->raw.said = sketch->report->scan->verdicts[PROMETHEUS_3].said;
	switch (sketch->reason) {
	case REASON_LIMIT_SAMPLES:
		detail_samples(sketch);
		break;
	case REASON_LIMIT_LABELS:
	case REASON_LIMIT_LABEL_NAME_LENGTH:
	case REASON_LIMIT_LABEL_VALUE_LENGTH:
		detail_label_limit(sketch);
		break;
	case REASON_CONTENT_TYPE_MISSING:
	case REASON_CONTENT_TYPE_UNPARSABLE:
	case REASON_CONTENT_TYPE_UNSUPPORTED:
		detail_content_type(sketch);
		break;
	default:
		if (reason_row(sketch->reason)->layer == LAYER_EXPOSITION)
			detail_place(sketch);
	}
}
