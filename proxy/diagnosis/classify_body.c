/* From a scan of the body to a reason, and whether the body goes out. */
#include <string.h>

#include "conf/conf.h"
#include "proxy/diagnosis/classify.h"
#include "proxy/exposition/scanner.h"
#include "proxy/fetch/report.h"

static bool
is_refused(const struct scanner_verdict *verdict)
{
	return verdict->judgement == SCANNER_REFUSED;
}

const struct scanner_verdict *
classify_verdict(const struct report *report)
{
	const struct scanner_verdict *verdicts = report->scan->verdicts;

	return report->content->reason != REASON_OK ? &verdicts[PROMETHEUS_242]
						    : &verdicts[PROMETHEUS_3];
}

/* A limit is the user's own, whatever else there is to say. */
enum reason
classify_body(const struct report *report)
{
	const struct scanner_verdict *verdicts;
	enum reason reason;

	if (report->scan == NULL)
		return REASON_OK;
	verdicts = report->scan->verdicts;
	if (!is_refused(&verdicts[PROMETHEUS_3]) ||
	    !is_refused(&verdicts[PROMETHEUS_242]))
		return REASON_OK;
	reason = classify_verdict(report)->reason;
	if (report->content->reason == REASON_OK ||
	    (reason_row(reason)->layer == LAYER_LIMIT &&
		report->scan->is_refused_everywhere))
		return reason;
	return report->scan->is_refused_everywhere ? report->content->reason
						   : REASON_OK;
}

bool
classify_is_no_metrics(const struct report *report)
{
	enum reason reason = classify_body(report);
	enum layer layer = reason_row(reason)->layer;

	if (layer != LAYER_EXPOSITION)
		return false;
	return report->content->reason != REASON_OK ||
	       (reason == REASON_PARSE_START_TOKEN &&
		   report->scan->facts.samples == 0);
}

bool
classify_is_delivered(const struct report *report,
    const struct conf_target *target, enum reason reason)
{
	if (reason_row(reason)->status == 200)
		return true;
	if (report->scan == NULL || classify_body(report) != reason)
		return false;
	return report->is_streamed ||
	       target->validate != CONF_VALIDATE_REFUSE ||
	       !report->scan->is_refused_everywhere;
}
