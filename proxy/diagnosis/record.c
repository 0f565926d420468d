#include "proxy/diagnosis/record.h"

#include "proxy/base/alloc.h"
#include "proxy/diagnosis/reading.h"
#include "proxy/exposition/warnings.h"

struct record *
record_new(const struct finding *finding)
{
	static const struct finding fine = { .reason = REASON_OK,
		.is_delivered = true };
	struct record *record;

	if (finding->reason == REASON_OK) {
		record = xcalloc(1, sizeof(*record));
		record->finding = &fine;
		record->is_delivered = true;
		return record;
	}
	record = xcalloc(1, sizeof(*record) + sizeof(*finding));
	record->own[0] = *finding;
	record->finding = record->own;
	record->is_delivered = finding->is_delivered;
	return record;
}

struct record *
record_room_new(void)
{
	struct record *record =
	    xcalloc(1, sizeof(*record) + sizeof(struct finding));

	record->finding = record->own;
	return record;
}

struct record *
record_copy(const struct record *record)
{
	struct record *copy = record_new(record->finding);
	const struct finding *finding = copy->finding;

	*copy = *record;
	copy->finding = finding;
	copy->bad_answer = NULL; /* it goes with the first one */
	copy->reading = NULL;
	return copy;
}

void
record_set_reading(struct record *record, struct reading *reading)
{
	record->reading = reading;
	if (reading == NULL)
		return;
	record->warnings = reading->mask;
	record->objection = reading->objection;
}

void
record_warnings(const struct record *record,
    void (*take)(const char *id, void *arg), void *arg)
{
	int i;

	if (record->objection != REASON_OK)
		take(reason_row(record->objection)->id, arg);
	for (i = 0; i < WARNING_COUNT; i++)
		if ((record->warnings & (uint32_t)1 << i) != 0)
			take(warning_id((enum warning)i), arg);
}
