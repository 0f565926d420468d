/*
 * Private to the backend: what its files share.
 */
#ifndef AUTH_BACKEND_PARTS_H
#define AUTH_BACKEND_PARTS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "auth/backend.h"
#include "auth/endpoint.h"
#include "auth/limiter.h"
#include "auth/turns.h"

struct event;

/* One call, and all who wait for its answer. */
struct backend_job {
	struct turn turn; /* first: a turn is its job.  Keys need none */
	TAILQ_ENTRY(backend_job) link;
	struct auth_backend *backend;
	struct endpoint *endpoint;
	struct backend_ask *asks; /* at least one, all equal */
	uint64_t deadline_us;     /* of the last of them */
	void *call;               /* the transport's; NULL: not asked yet */
	uint64_t began_us;
	unsigned timeout_ms; /* of the call that began then */
	bool has_retried;
};

TAILQ_HEAD(backend_job_list, backend_job);

struct auth_backend {
	struct mailbox *mailbox;
	const struct auth_transport *transport;
	char *in_cluster; /* or NULL */
	struct endpoint_list endpoints;
	struct backend_job_list jobs;
	struct turns turns;
	struct limiter limiter;
	unsigned calls; /* of reviews, on their way */
	struct event *tick;
	atomic_uint_fast64_t counts[BACKEND_KIND_COUNT][BACKEND_OUTCOME_COUNT];
};

/* backend.c */

void backend_count(struct auth_backend *backend, enum backend_kind kind,
    enum backend_outcome outcome);

/* All who wait are posted back with what `result` says (identity and keys are
 * the caller's still); the job is gone. */
void backend_settle(struct backend_job *job, const struct backend_ask *result);

/* A yes with the keys that `endpoint` has; borrowed. */
void backend_give_keys(
    const struct endpoint *endpoint, struct backend_ask *result);

/* A call has ended: who is next? */
void backend_go_on(struct auth_backend *backend);

/* backend_call.c */

void backend_call(struct backend_job *job);
void backend_cancel(struct backend_job *job);

#endif
