#include "proxy/diagnosis/packed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/base/alloc.h"
#include "proxy/diagnosis/record.h"
#include "proxy/diagnosis/texts.h"

#define PIECE_BYTES 16 /* of malloc(3)'s own */

struct story {
	unsigned refs;
	uint16_t seen_at; /* in `bytes` */
	uint16_t len;     /* of both, with their ends */
	const char *lasterror;
	const char *cause;
	const char *fix;
	struct lateness lateness;
	char bytes[]; /* words, then what was seen */
};

/* With none of the texts that it shares. */
static struct story *
story_begin(const char *words, const char *seen)
{
	size_t words_len = strlen(words) + 1, seen_len = strlen(seen) + 1;
	struct story *story = xmalloc(sizeof(*story) + words_len + seen_len);

	story->refs = 1;
	story->seen_at = (uint16_t)words_len;
	story->len = (uint16_t)(words_len + seen_len);
	memcpy(story->bytes, words, words_len);
	memcpy(story->bytes + words_len, seen, seen_len);
	return story;
}

static struct story *
story_new(struct texts *texts, const struct record *record)
{
	const struct finding *finding = record->finding;
	struct story *story = story_begin(finding->words, finding->seen);

	story->lasterror = texts_take(texts, finding->lasterror);
	story->cause = texts_take(texts, finding->cause);
	story->fix = texts_take(texts, finding->fix);
	story->lateness = record->lateness;
	return story;
}

static void
story_drop(struct texts *texts, struct story *story)
{
	if (story == NULL || --story->refs > 0)
		return;
	texts_drop(texts, story->lasterror);
	texts_drop(texts, story->cause);
	texts_drop(texts, story->fix);
	free(story);
}

static uint32_t
saturate(uint64_t value)
{
	return value < UINT32_MAX ? (uint32_t)value : UINT32_MAX;
}

struct packed
packed_new(struct texts *texts, const struct record *record)
{
	struct packed packed = {
		.id = record->id,
		.wall_us = record->wall_us,
		.wire_bytes = record->wire_bytes,
		.body_bytes = record->body_bytes,
		.samples = record->samples,
		.target = texts_take(texts, record->target_name),
		.scraper = texts_take(texts, record->scraper),
		.duration_us = saturate(record->duration_us),
		.timeout_ms = record->timeout_ms > 0
				  ? saturate((uint64_t)record->timeout_ms)
				  : 0,
		.waiters = record->waiters,
		.status = (uint16_t)record->status,
		.reason = (uint16_t)record->finding->reason,
		.is_reused = record->is_reused,
		.is_delivered = record->is_delivered,
		.has_restarted = record->has_restarted,
		.is_starting_up = record->finding->is_starting_up,
		.slow_phase = (uint8_t)record->finding->slow_phase,
		.objection = (uint16_t)record->objection,
		.warnings = record->warnings,
	};
	int i;

	for (i = 0; i < PHASE_COUNT; i++)
		packed.phases_us[i] = saturate(record->phases.us[i]);
	if (record->finding->reason != REASON_OK)
		packed.story = story_new(texts, record);
	return packed;
}

struct packed
packed_ref(const struct packed *packed)
{
	texts_ref(packed->target);
	texts_ref(packed->scraper);
	if (packed->story != NULL)
		packed->story->refs++;
	return *packed;
}

void
packed_drop(struct texts *texts, struct packed *packed)
{
	texts_drop(texts, packed->target);
	texts_drop(texts, packed->scraper);
	story_drop(texts, packed->story);
	packed->target = packed->scraper = NULL;
	packed->story = NULL;
}

size_t
packed_bytes(const struct packed *packed)
{
	if (packed->story == NULL)
		return 0;
	return sizeof(*packed->story) + packed->story->len + PIECE_BYTES;
}

void
packed_thin(struct texts *texts, struct packed *packed)
{
	struct story *story = packed->story, *thin;

	if (story == NULL || story->refs > 1)
		return;
	thin = story_begin(story->bytes, "");
	thin->lasterror = texts_take(texts, "");
	thin->cause = texts_take(texts, "");
	thin->fix = texts_take(texts, "");
	thin->lateness = story->lateness;
	story_drop(texts, story);
	packed->story = thin;
}

static void
unpack_story(const struct packed *packed, struct record *record)
{
	const struct story *story = packed->story;
	struct finding *finding = record->own;

	memset(finding, 0, sizeof(*finding));
	finding->reason = (enum reason)packed->reason;
	finding->slow_phase = packed->slow_phase;
	finding->is_starting_up = packed->is_starting_up;
	if (story == NULL)
		return;
	snprintf(finding->words, sizeof(finding->words), "%s", story->bytes);
	snprintf(finding->seen, sizeof(finding->seen), "%s",
	    story->bytes + story->seen_at);
	snprintf(finding->lasterror, sizeof(finding->lasterror), "%s",
	    story->lasterror);
	snprintf(finding->cause, sizeof(finding->cause), "%s", story->cause);
	snprintf(finding->fix, sizeof(finding->fix), "%s", story->fix);
	record->lateness = story->lateness;
}

void
packed_unpack(const struct packed *packed, struct record *record)
{
	int i;

	memset(record, 0, sizeof(*record));
	record->finding = record->own;
	snprintf(record->target_name, sizeof(record->target_name), "%s",
	    packed->target);
	snprintf(
	    record->scraper, sizeof(record->scraper), "%s", packed->scraper);
	record->id = packed->id;
	record->wall_us = packed->wall_us;
	record->duration_us = packed->duration_us;
	record->timeout_ms = packed->timeout_ms;
	record->waiters = packed->waiters;
	record->status = packed->status;
	record->wire_bytes = packed->wire_bytes;
	record->body_bytes = packed->body_bytes;
	record->samples = packed->samples;
	record->is_reused = packed->is_reused;
	record->is_delivered = packed->is_delivered;
	record->objection = (enum reason)packed->objection;
	record->warnings = packed->warnings;
	record->has_restarted = packed->has_restarted;
	for (i = 0; i < PHASE_COUNT; i++)
		record->phases.us[i] = packed->phases_us[i];
	unpack_story(packed, record);
}
