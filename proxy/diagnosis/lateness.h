/*
 * How long an exporter needs that did not answer in time: what an attempt
 * found that went on after its scrapers had their 504, in words.
 *
 * Pure, but for log_lateness().
 */
#ifndef PROXY_DIAGNOSIS_LATENESS_H
#define PROXY_DIAGNOSIS_LATENESS_H

#include <stdint.h>

#include "proxy/diagnosis/reasons.h"

struct finding;
struct record;

enum late_end {
	LATE_NOT,    /* no attempt has gone on */
	LATE_WHOLE,  /* a good answer, too late */
	LATE_FAILED, /* `reason` says how */
	LATE_CUT     /* given up before it ended */
};

const char *late_end_name(enum late_end end); /* "whole", ... */

struct lateness {
	enum late_end end;
	enum reason reason; /* of LATE_FAILED */
	uint64_t needed_us; /* from the first scrape's arrival to the end */
	int64_t timeout_ms; /* that scraper's own */
};

/* Into the finding of the attempt that went on. */
void finding_amend(struct finding *finding, const struct lateness *lateness);

/* Into that of a later one that ran out of time, too. */
void finding_recall(struct finding *finding, const struct lateness *last);

/* What the log calls it. */
const char *lateness_message(const struct lateness *lateness);

/* One line for an amended record. */
void log_lateness(const struct record *record);

#endif
