/*
 * Incidents: consecutive failures of one target are one, from the first until
 * a scrape goes well.
 *
 * Lives on the main thread; bounded: the INCIDENTS_MAX newest, those that go on
 * before those that are over.  Goes by the targets' names.
 */
#ifndef PROXY_DIAGNOSIS_INCIDENTS_H
#define PROXY_DIAGNOSIS_INCIDENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proxy/diagnosis/reasons.h"

#define INCIDENTS_MAX 256
#define INCIDENT_REASONS 8

struct incidents;

enum incident_state {
	INCIDENT_OPEN,
	INCIDENT_RECOVERED,
	INCIDENT_TARGET_REMOVED /* from the configuration, while it went on */
};

const char *incident_state_name(enum incident_state state); /* "open", ... */

struct incident_reason {
	enum reason reason;
	uint64_t count;
};

/* Strings are the incident's own; `words` of the newest failure. */
struct incident {
	char *target;
	char *words;
	uint64_t first_wall_us;
	uint64_t last_wall_us; /* of the newest failure */
	uint64_t end_wall_us;  /* of the scrape that went well; 0: open */
	enum incident_state state;
	uint64_t count;
	enum reason reason; /* the newest */
	/* In the order they were first seen. */
	struct incident_reason reasons[INCIDENT_REASONS];
	unsigned reason_count;
	uint64_t other_count;   /* of reasons there was no room for */
	unsigned restarts;      /* of the exporter, as far as seen */
	unsigned gate_restarts; /* while it went on */
};

/* "node@2026-11-22T08:51:20.190Z": a target has one at a time. */
#define INCIDENT_ID_SIZE 320

const char *incident_id(
    const struct incident *incident, char id[INCIDENT_ID_SIZE]);

struct incidents *incidents_new(void);
void incidents_free(struct incidents *incidents); /* NULL is fine */

struct incident_failure {
	const char *target;
	enum reason reason;
	const char *words;
	uint64_t wall_us;
	bool has_restarted; /* the exporter, since the attempt before */
};

enum incident_change {
	INCIDENT_STARTED,
	INCIDENT_CHANGED, /* another reason than the failure before */
	INCIDENT_REPEATED
};

enum incident_change incidents_fail(
    struct incidents *incidents, const struct incident_failure *failure);

/* A scrape went well: the one that is over with it, or NULL. */
const struct incident *incidents_recover(struct incidents *incidents,
    const char *target, uint64_t wall_us, bool has_restarted);

/* Likewise, when the target has gone. */
const struct incident *incidents_remove(
    struct incidents *incidents, const char *target, uint64_t wall_us);

/*
 * The exporter's process is known by now, and that it began at `wall_us`: it
 * is counted in the one that is over, but was not then.  NULL: there is none.
 */
const struct incident *incidents_restarted(
    struct incidents *incidents, const char *target, uint64_t wall_us);

/* What goes on at the target, or NULL. */
const struct incident *incidents_open(
    const struct incidents *incidents, const char *target);

/*
 * One that an earlier run has told of, in place of what was told before.  If
 * it goes on, the gate has been restarted meanwhile.
 */
void incidents_restore(
    struct incidents *incidents, const struct incident *incident);

/*
 * When all has been told: two that go on at one target, because this run met
 * it before it was told of it, are one.  False if there are not two; else the
 * later one, which began at *from_wall_us, has become part of the other.
 */
bool incidents_join(struct incidents *incidents, const char *target,
    uint64_t *from_wall_us, uint64_t *to_wall_us);

/* The one that began last is 0; NULL past the end. */
const struct incident *incidents_at(
    const struct incidents *incidents, size_t i);

#endif
