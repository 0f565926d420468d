/*
 * What comes in: feeds the judge, collects the payload, keeps the limits.
 * Knows neither where the bytes come from nor what the time is; used for one
 * attempt, reset for its redirects and its retry.
 */
#ifndef PROXY_FETCH_INTAKE_H
#define PROXY_FETCH_INTAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proxy/fetch/attempt.h"
#include "proxy/fetch/judge.h"
#include "proxy/fetch/said.h"

struct inspection;
struct report;

#define INTAKE_ERROR_TEXT 1024
#define INTAKE_LOCATION 4096

enum intake_kind {
	INTAKE_METRICS, /* of a 200; any other body only explains a failure */
	INTAKE_ANY      /* of a call of our own: whatever the status */
};

/* What struct attempt_flow says, for the intake's user. */
struct intake_flow {
	uint64_t above; /* 0: never */
	void (*begin)(void *arg, struct payload *so_far);
	void (*text)(void *arg, const char *bytes, size_t len);
	void (*raw)(void *arg, const char *bytes, size_t len);
	void *arg;
};

struct intake {
	struct judge *judge;
	enum intake_kind kind;
	struct payload payload;
	struct inspection *inspection; /* of its text; borrowed, or NULL */
	struct intake_flow flow;
	bool is_flowing;     /* the payload has gone there */
	uint64_t body_limit; /* body_size_limit; 0 none */
	uint64_t body_max;   /* of all answers together: see budget_used() */
	uint64_t wire_bytes;
	uint64_t body_bytes;
	bool is_over_limit;
	bool is_over_budget;
	bool is_coded;  /* gzip: the text is longer than what came */
	bool is_enough; /* of a body that is not wanted */
	char error_text[INTAKE_ERROR_TEXT]; /* raw */
	size_t error_len;
	char location[INTAKE_LOCATION]; /* raw; "" if none */
	struct said said; /* of a scrape, for who has to explain it */
	bool has_location;
	bool is_location_cut;
};

void intake_init(struct intake *intake, enum intake_kind kind,
    uint64_t body_limit, uint64_t body_max);
void intake_fini(struct intake *intake);
void intake_reset(struct intake *intake);

/* -1: no more, please. */
int intake_head_line(struct intake *intake, const char *bytes, size_t len);
int intake_body(struct intake *intake, const char *bytes, size_t len);

/* The body of a file: no judge, no head. */
int intake_text(struct intake *intake, const char *bytes, size_t len);

void intake_report(const struct intake *intake, struct report *report);

/* Of a whole answer: what the inspection has found. */
void intake_report_scan(const struct intake *intake, struct report *report);

/* Gives the payload of a whole answer away. */
void intake_take_payload(struct intake *intake, struct payload *payload);

#endif
