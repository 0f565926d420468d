/*
 * What an attempt is made of.  Private: attempt.c has its course, _parts.c what
 * needs no loop (set-up, reset, what is told of it), _file.c file: targets.
 */
#ifndef PROXY_FETCH_ATTEMPT_PARTS_H
#define PROXY_FETCH_ATTEMPT_PARTS_H

#include <stdbool.h>
#include <stdint.h>

#include "proxy/base/http_client.h"
#include "proxy/fetch/attempt.h"
#include "proxy/fetch/file_source.h"
#include "proxy/fetch/intake.h"
#include "proxy/fetch/report.h"
#include "proxy/fetch/resolver.h"
#include "proxy/fetch/timeline.h"

struct event;
struct inspection;
struct tls_facts;

struct attempt {
	struct fetcher *fetcher;
	const struct conf_target *target;
	char *accept;
	char *identity; /* header lines, or "" */
	char *pool;     /* of connections: see http_client.h */
	uint64_t deadline_us;
	const struct attempt_call *own_call; /* NULL: a scrape */
	struct attempt_flow flow;
	attempt_done_fn *done;
	void *arg;

	struct timeline line;
	struct intake intake;
	struct inspection *inspection; /* of a scrape; or NULL */
	struct report report;          /* what attempt_view() cannot work out */
	enum attempt_end end;
	uint64_t last_byte_us; /* 0: none yet */
	bool is_file;

	/* The present hop: */
	struct http_url own;  /* the target's URL */
	struct http_url here; /* the same until it redirects */
	char dial_host[256];
	unsigned dial_port;
	bool has_sent;           /* the request went out at least once */
	bool has_received;       /* before that: half a line, in plain text */
	bool is_fresh;           /* a kept-alive connection has died already */
	unsigned resolves;       /* how often a call has asked for the name */
	bool is_address_kept;    /* dialled is what the name had earlier */
	struct tls_facts *facts; /* of the newest connection, or NULL */

	/* At most one of these is under way: */
	struct resolver_query *query;
	struct http_call *call;
	struct file_source *file;
	struct event *later; /* a failure that waits to be told */
};

struct attempt *attempt_new(
    struct fetcher *fetcher, const struct attempt_request *request);

/* Before the first hop and each redirect. */
void attempt_reset_hop(struct attempt *a);

/* A kept-alive connection died before the first byte. */
void attempt_begin_retry(struct attempt *a);

/* What libcurl says of a call that failed. */
void attempt_note_failure(struct attempt *a, const struct http_result *result);

/* OpenSSL noted when it began and ended; the timeline learns it here. */
void attempt_catch_up_tls(struct timeline *line, const struct tls_facts *facts);

/* Bytes that came: timed, and handed to one of intake.h's functions. */
int attempt_take(struct attempt *a,
    int (*intake)(struct intake *intake, const char *bytes, size_t len),
    const char *bytes, size_t len);

/* The one end: calls done() and frees the attempt. */
void attempt_finish(struct attempt *a, enum attempt_end end);

/* A file: target. */
void attempt_begin_file(struct attempt *a);

/* What the judge would say so far, had the file come with a head. */
void attempt_judge_file(struct attempt *a, enum verdict verdict);

#endif
