/*
 * A record as it is kept: a hundred bytes, and for one that has something to
 * say its words, at their exact length and the same ones only once.
 *
 * Main thread.  A plain value: what packed_new() or packed_ref() gave is given
 * back by packed_drop() once.
 */
#ifndef PROXY_DIAGNOSIS_PACKED_H
#define PROXY_DIAGNOSIS_PACKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proxy/diagnosis/reasons.h"
#include "proxy/fetch/phases.h"

struct record;
struct story;
struct texts;

struct packed {
	uint64_t id;
	uint64_t wall_us;
	uint64_t wire_bytes;
	uint64_t body_bytes;
	uint64_t samples;
	const char *target;   /* of texts */
	const char *scraper;  /* likewise */
	struct story *story;  /* NULL: nothing to say */
	uint32_t duration_us; /* an hour at most, as the phases */
	uint32_t phases_us[PHASE_COUNT];
	uint32_t timeout_ms;
	uint32_t waiters;
	uint16_t status;
	uint16_t reason; /* enum reason */
	bool is_reused : 1;
	bool is_delivered : 1;
	bool has_restarted : 1;
	bool is_starting_up : 1;
	uint8_t slow_phase;
	uint16_t objection; /* enum reason */
	uint32_t warnings;
};

struct packed packed_new(struct texts *texts, const struct record *record);
struct packed packed_ref(const struct packed *packed);
void packed_drop(struct texts *texts, struct packed *packed);

/* What it takes beside itself and `texts`; shared by its references. */
size_t packed_bytes(const struct packed *packed);

/* Only its words stay, unless others share its story. */
void packed_thin(struct texts *texts, struct packed *packed);

/* Into a record that record_room_new() has made. */
void packed_unpack(const struct packed *packed, struct record *record);

#endif
