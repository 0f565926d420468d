/*
 * Private to auth/: what the methods share.
 */
#ifndef AUTH_METHOD_H
#define AUTH_METHOD_H

#include <stdatomic.h>
#include <stdbool.h>

#include "auth/auth.h"
#include "auth/backend.h"
#include "auth/cache.h"
#include "auth/digest.h"
#include "auth/limiter.h"

struct guesses;
struct jwks;
struct refusals;
struct tokens;

struct auth_policy {
	atomic_uint refs;
	struct conf *conf;            /* a reference */
	struct tokens *tokens;        /* NULL: no bearer_tokens_file */
	struct jwks *keys;            /* of jwks_file; NULL: none */
	struct auth_identity **users; /* of conf->basic_auth_users */
	char *wanted;                 /* words for who brings nothing */
	char *challenge;              /* WWW-Authenticate */
	/* Of all that verdicts rest on which are remembered; in hex. */
	char tag[AUTH_DIGEST_TEXT_SIZE];
};

/* The process': what its members are may be used on any thread. */
struct auth {
	struct hasher *hasher;
	struct auth_cache *good;
	struct auth_cache *bad;
	struct guesses *guesses;
	struct auth_backend *backend; /* NULL: nobody there to ask */
	struct refusals *refusals;
	struct limiter limiter;
	unsigned char key[AUTH_KEY_SIZE]; /* of all booths' digests */
};

/* The keys of jwks_url, as this booth got them last. */
struct keyring {
	struct auth_policy *policy; /* for which; a reference, or NULL */
	struct jwks *keys;          /* or NULL */
	uint64_t until_us;          /* to be asked for again after */
	uint64_t asked_us;          /* when they were, last */
	bool is_asking;
};

/* How long the same bad token again is no other failed login: who scrapes with
 * it shall read what is wrong, not that he came too often. */
#define AUTH_BAD_COUNTED_US (120 * UINT64_C(1000000))

struct auth_booth {
	struct auth *auth;
	struct mailbox *mailbox;
	struct digester *digester;
	struct keyring keyring;
};

/* Words for the status line, by method: what was not accepted. */
const char *auth_method_words(enum auth_method method);

/* What outlives the question while somebody else thinks about it. */
struct auth_pending {
	struct auth_booth *booth;
	auth_settled_fn *settled; /* NULL: nobody waits */
	void *arg;
	struct auth_policy *policy; /* a reference */
	enum auth_method method;
	char peer[64];
	char path[96];
	char *user;     /* foreign bytes; NULL: unknown */
	bool is_repeat; /* of a failure that was counted: one guess */
};

void auth_pending_init(struct auth_pending *pending, struct auth_booth *booth,
    const struct auth_question *question, enum auth_method method,
    const char *user);

/* Lets go of everything but the struct; the two below do so, too, having told
 * who waits. */
void auth_pending_drop(struct auth_pending *pending);
void auth_pending_again(struct auth_pending *pending);
void auth_pending_deny(struct auth_pending *pending, enum auth_result result,
    bool is_authorization, const char *detail);

/* A question to the backend, with what it is to its asker. */
struct auth_errand {
	struct backend_ask ask; /* first */
	struct auth_pending pending;
	uint64_t end_us; /* monotonic: of a yes, whatever else is said */
};

/* The asker sets ask.digest and ask.body. */
struct auth_errand *auth_errand_new(struct auth_booth *booth,
    const struct auth_question *question, enum auth_method method,
    enum backend_kind kind);

/* `back` gets it when it is answered, and frees it once it has settled. */
void auth_errand_send(struct auth_errand *errand,
    void (*back)(struct message *message, void *owner));
void auth_errand_free(struct auth_errand *errand);

/*
 * What Kubernetes said of a token or of an access is remembered, and who waits
 * is told.  `is_authorization` as in struct auth_verdict.  Frees the errand.
 */
void auth_errand_settle(struct auth_errand *errand, bool is_authorization);

/* Sets a deny with the words of its method and result. */
void auth_deny(struct auth_verdict *verdict, enum auth_method method,
    enum auth_result result, const char *detail);
/* Sets a later, with what it is if it comes too late. */
void auth_wait(struct auth_verdict *verdict, enum auth_result result);
/* Turns an allow into a 403. */
void auth_forbid(struct auth_verdict *verdict, const char *detail);
void auth_allow(struct auth_verdict *verdict, struct auth_identity *identity,
    uint64_t until_us);

/*
 * Credentials that are not good: counts them, and denies them as such or, if
 * there were too many before, as that.  `user` may be NULL.
 */
void auth_fail(struct auth_booth *booth, const struct auth_question *question,
    enum auth_method method, const char *user, const char *detail,
    struct auth_verdict *verdict);

/*
 * Before credentials are checked that cost something: false, and a verdict, if
 * there were too many bad ones.  `user` may be NULL.
 */
bool auth_may_try(struct auth_booth *booth,
    const struct auth_question *question, enum auth_method method,
    const char *user, struct auth_verdict *verdict);

/* basic.c, bearer.c.  `rest` is what stands behind the scheme. */
void auth_basic_check(struct auth_booth *booth,
    const struct auth_question *question, const char *rest,
    struct auth_verdict *verdict);
void auth_bearer_check(struct auth_booth *booth,
    const struct auth_question *question, const char *rest,
    struct auth_verdict *verdict);

/* access.c: an allowed identity, if Kubernetes has to agree.  `verdict` is an
 * allow, and stays one or becomes something else. */
void auth_access_check(struct auth_booth *booth,
    const struct auth_question *question, struct auth_verdict *verdict);

/*
 * keyring.c: the keys of the policy's jwks_url, borrowed; NULL: the asker is
 * called back.  `wants_newer`: those at hand lack one; then they are asked for
 * again, at most every KEYRING_ASK_MS.  That spares the other thread only: how
 * often they are fetched, the backend decides.
 */
#define KEYRING_ASK_MS 1000
const struct jwks *keyring_get(struct auth_booth *booth,
    const struct auth_question *question, bool wants_newer);
void keyring_fini(struct keyring *keyring);

#endif
