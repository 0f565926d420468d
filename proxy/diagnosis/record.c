#include "proxy/diagnosis/record.h"

#include "proxy/base/alloc.h"

struct record *
record_new(const struct finding *finding)
{
	static const struct finding fine = { .reason = REASON_OK };
	struct record *record;

	if (finding->reason == REASON_OK) {
		record = xcalloc(1, sizeof(*record));
		record->finding = &fine;
		return record;
	}
	record = xcalloc(1, sizeof(*record) + sizeof(*finding));
	record->own[0] = *finding;
	record->finding = record->own;
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
	return copy;
}
