#include "proxy/diagnosis/warned.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "proxy/base/log.h"
#include "proxy/diagnosis/reading.h"
#include "proxy/diagnosis/record.h"

static void
log_start(const char *target, const struct reading_warning *warning)
{
	char count[24], line[24] = "", metrics[512] = "";
	size_t i, used = 0;

	snprintf(count, sizeof(count), "%" PRIu64, warning->count);
	if (warning->first_line > 0)
		snprintf(line, sizeof(line), "%" PRIu64, warning->first_line);
	for (i = 0; i < warning->offender_count; i++)
		used += (size_t)snprintf(metrics + used, sizeof(metrics) - used,
		    "%s%s", i == 0 ? "" : ",", warning->offenders[i]);
	log_warn("scrape warning", "target", target, "warning", warning->id,
	    "words", warning->words, "count", count, "line",
	    line[0] != '\0' ? line : NULL, "metrics",
	    metrics[0] != '\0' ? metrics : NULL, NULL);
}

static const struct reading_warning *
find_warning(const struct reading *reading, const char *id)
{
	size_t i;

	for (i = 0; reading != NULL && i < reading->warning_count; i++)
		if (strcmp(reading->warnings[i].id, id) == 0)
			return &reading->warnings[i];
	return NULL;
}

static void
drop_absent(
    struct warned *warned, const char *target, const struct reading *reading)
{
	size_t i, kept = 0;

	for (i = 0; i < warned->count; i++) {
		if (find_warning(reading, warned->rows[i].id) != NULL)
			warned->rows[i].absent = 0;
		else if (++warned->rows[i].absent == WARNED_ABSENT_MAX) {
			log_info("scrape warning ended", "target", target,
			    "warning", warned->rows[i].id, NULL);
			continue;
		}
		warned->rows[kept++] = warned->rows[i];
	}
	warned->count = kept;
}

static bool
is_known(const struct warned *warned, const char *id)
{
	size_t i;

	for (i = 0; i < warned->count; i++)
		if (strcmp(warned->rows[i].id, id) == 0)
			return true;
	return false;
}

void
warned_note(struct warned *warned, const struct record *record,
    const struct reading *reading)
{
	const char *reason = reason_row(record->finding->reason)->id;
	size_t i;

	drop_absent(warned, record->target_name, reading);
	for (i = 0; reading != NULL && i < reading->warning_count; i++) {
		const struct reading_warning *warning = &reading->warnings[i];

		if (warned->count == WARNED_MAX ||
		    is_known(warned, warning->id) ||
		    strcmp(warning->id, reason) == 0)
			continue;
		warned->rows[warned->count].id = warning->id;
		warned->rows[warned->count++].absent = 0;
		log_start(record->target_name, warning);
	}
}
