/*
 * From what was measured to a reason.  Pure; the order of the rules matters
 * and is that of the table in classify.c: resolver, timeout, connect, TLS,
 * HTTP, status, body.
 */
#ifndef PROXY_DIAGNOSIS_CLASSIFY_H
#define PROXY_DIAGNOSIS_CLASSIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proxy/diagnosis/reasons.h"

struct baseline_verdict;
struct conf_target;
struct pod_status;
struct report;
struct resources_verdict;
struct scanner_verdict;

/* REASON_OK for a whole 200 with a body that some Prometheus takes. */
enum reason classify(const struct report *report);

/* What all releases refuse the body for, as a rule, or which limit of the
 * user's it breaks; REASON_OK if neither, or if nobody looked. */
enum reason classify_body(const struct report *report);

/* The parser's verdict, whatever the Content-Type: with its place.  Of a report
 * that has a scan. */
const struct scanner_verdict *classify_verdict(const struct report *report);

/* So refused, and for looking like something else than metrics. */
bool classify_is_no_metrics(const struct report *report);

/* The scraper has got it, or gets it, although `reason` may not be ok. */
bool classify_is_delivered(const struct report *report,
    const struct conf_target *target, enum reason reason);

/*
 * The words of a finding, ready to print.  Everything is printable ASCII;
 * `words` is at most 200 bytes less the id, `seen` and `fix` may hold line
 * feeds.
 */
struct finding {
	enum reason reason;
	bool is_delivered;   /* as a 200: a failure of no scrape */
	char words[200];     /* without "ID: " */
	char lasterror[512]; /* what Prometheus 3 would print, scraping direct;
			      * where it quotes the body, UTF-8 and lines */
	char cause[512];
	char seen[1024]; /* evidence, each piece marked (measured) ... */
	char fix[512];
	unsigned slow_phase;    /* enum phase + 1: that made it slow; 0 none */
	bool is_starting_up;    /* within startup_grace: see finding_status() */
	unsigned retry_after_s; /* 0: the status' default */
	const char *challenge;  /* of a 401; borrowed; NULL: none */
};

/*
 * `elapsed_us` since the scrape arrived, `timeout_ms` the scraper's own.
 * Deterministic: same input, same words.
 */
void finding_describe(struct finding *finding, enum reason reason,
    const struct report *report, const struct conf_target *target,
    uint64_t elapsed_us, int64_t timeout_ms);

/*
 * What was so besides the attempt itself; NULL or 0 where nothing is known.
 */
struct circumstances {
	const struct baseline_verdict *baseline;
	uint64_t now_wall_us;
	uint64_t last_good_wall_us;
};

/* With that in words and evidence; NULL: nothing of it is known. */
void finding_describe_in(struct finding *finding, enum reason reason,
    const struct report *report, const struct conf_target *target,
    uint64_t elapsed_us, int64_t timeout_ms,
    const struct circumstances *circumstances);

/* Ok, or what a good scrape is called that was slow. */
enum reason classify_slowness(const struct baseline_verdict *verdict);
bool reason_is_slow(enum reason reason);

/* Of the answer that tells it: the reason's own, or 503 in startup_grace. */
int finding_status(const struct finding *finding);

/*
 * Adds what the kernel says: a measured second cause replaces the first one's
 * texts and stands in the words, in brackets; an inferred one is added.
 */
void finding_explain(
    struct finding *finding, const struct resources_verdict *verdict);

/* Adds what Kubernetes says of the exporter's container. */
void finding_explain_pod(struct finding *finding,
    const struct conf_target *target, const struct pod_status *status,
    const struct circumstances *circumstances);

/* The same for a refusal of the gate's own: only what `facts` says. */
void finding_refuse(
    struct finding *finding, enum reason reason, const struct facts *facts);

#endif
