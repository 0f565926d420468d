/*
 * Asks those who know: Kubernetes (TokenReview, SubjectAccessReview) and the
 * URL of a key set.  Lives on the fetch thread; workers ask by mailbox.
 *
 * Questions that are the same share one call.  A bucket limits the calls, a
 * back-off with jitter follows failures, and peers take turns, so one that
 * guesses cannot use up the others' calls.  Nothing is remembered here but
 * that: answers are the asker's to keep.  No timer runs while nobody asks.
 */
#ifndef AUTH_BACKEND_H
#define AUTH_BACKEND_H

#include <stdint.h>

#include "auth/digest.h"
#include "proxy/base/mailbox.h"

struct auth_backend;
struct auth_identity;
struct auth_policy;
struct auth_transport;
struct err;
struct event_base;
struct jwks;

enum backend_kind {
	BACKEND_TOKEN,  /* whose token is this? TokenReview */
	BACKEND_ACCESS, /* may this identity? SubjectAccessReview */
	BACKEND_KEYS,   /* the keys of jwks_url, as they are now */
	BACKEND_KIND_COUNT
};

enum backend_outcome {
	BACKEND_UNAVAILABLE, /* nobody could say; words say why */
	BACKEND_LIMITED,     /* too much is asked: not asked at all */
	BACKEND_NO,
	BACKEND_YES,
	BACKEND_OUTCOME_COUNT
};

#define BACKEND_WORDS_SIZE 192

/*
 * One question on its way there and back; the asker's, embedded in what it
 * keeps.  Posted back exactly once.
 */
struct backend_ask {
	struct message message; /* deliver is set by backend_ask() and then to
				 * `back` */
	void (*back)(struct message *message, void *owner);
	struct mailbox *reply_to;
	enum backend_kind kind;
	struct auth_policy *policy; /* a reference, the asker's */
	/* Stands for the whole question: equal ones share a call. */
	unsigned char digest[AUTH_DIGEST_SIZE];
	char *body;           /* the review's JSON, malloc'd, wiped when free */
	const char *peer;     /* who takes turns; valid until it is back */
	uint64_t deadline_us; /* monotonic; nobody listens after it */
	struct backend_ask *next; /* these two are the backend's */
	struct auth_backend *backend;

	enum backend_outcome outcome;
	struct auth_identity *identity; /* of a YES to a token; a reference */
	struct jwks *keys;              /* of a YES to keys; a reference */
	uint64_t keys_until_us;         /* when to ask for them again */
	/* Why, escaped: the API's own reason for a no. */
	char words[BACKEND_WORDS_SIZE];
};

/* `base` and `mailbox` are the fetch thread's. */
struct auth_backend *auth_backend_new(struct event_base *base,
    struct mailbox *mailbox, const struct auth_transport *transport,
    struct err *err);

/* What still waits is posted back as unavailable.  On its thread, or after
 * it has ended, when its mailbox has been delivered and nobody asks any more.
 */
void auth_backend_free(struct auth_backend *backend);

/* From any thread. */
void auth_backend_ask(struct auth_backend *backend, struct backend_ask *ask);

/*
 * Calls by what became of them since the start, and questions that were limited
 * and caused none; from any thread.
 */
uint64_t auth_backend_count(const struct auth_backend *backend,
    enum backend_kind kind, enum backend_outcome outcome);

const char *backend_kind_name(enum backend_kind kind); /* "token_review" */
const char *backend_outcome_name(enum backend_outcome outcome); /* "denied" */

#endif
