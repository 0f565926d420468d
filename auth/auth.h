/*
 * Who may ask the gate: the policy (the configuration) and the facts of one
 * request in, a verdict out.
 *
 * First who it is (authentication), by exactly one method: an Authorization
 * header of a configured kind decides alone, whatever else there is; without
 * one the verified client certificate does.  A bearer token is looked for in
 * bearer_tokens_file, then read as a JWT if its issuer is the configured one,
 * then shown to Kubernetes.  Then whether that identity may (authorization):
 * the rules, then Kubernetes' SubjectAccessReview; both have to agree.
 *
 * A verdict is at hand (allow, deny), or takes longer than a loop may wait
 * (later): then the asker is called back.  The policy comes with each question,
 * so a user that a reload removes or changes fails with the next request.
 *
 * struct auth is the process': the hash thread, the buckets of limits, what is
 * remembered of logins and the recent refusals, so a scraper whom one worker
 * let in is known to all.  Each worker has a booth of its own, used on its
 * thread.
 */
#ifndef AUTH_AUTH_H
#define AUTH_AUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/types.h>

#include "auth/hasher.h"

struct auth;
struct auth_backend;
struct auth_booth;
struct auth_identity;
struct auth_policy;
struct conf;
struct err;
struct mailbox;
struct refusals;

enum auth_method {
	AUTH_METHOD_NONE, /* the configuration wants no credentials */
	AUTH_METHOD_BASIC,
	AUTH_METHOD_BEARER, /* bearer_tokens_file; and a bearer token of which
			     * nobody can say more */
	AUTH_METHOD_JWT,
	AUTH_METHOD_TOKEN_REVIEW,
	AUTH_METHOD_CERTIFICATE,
	AUTH_METHOD_COUNT
};

/* scrapegate_auth_total{result}. */
enum auth_result {
	AUTH_ALLOWED,
	AUTH_DENIED,      /* 401: credentials that are not good */
	AUTH_MISSING,     /* 401: none, or of no configured kind: no failed
			   * login */
	AUTH_FORBIDDEN,   /* 403: no rule, or Kubernetes says no */
	AUTH_LIMITED,     /* 429: too many failed logins before */
	AUTH_OVERLOADED,  /* 429: too many to check at once */
	AUTH_UNAVAILABLE, /* 503: who knows does not answer */
	AUTH_RESULT_COUNT
};

enum auth_answer {
	AUTH_ALLOW,
	AUTH_DENY,
	AUTH_LATER, /* the asker is called back */
	AUTH_AGAIN /* only in that call: ask again, it is at hand now, unless it
		    * has made room for others meanwhile */
};

#define AUTH_DETAIL_SIZE 256

struct auth_verdict {
	enum auth_answer answer;
	enum auth_method method;
	/* Of an allow or deny; of a later, what it becomes if nothing is known
	 * by the deadline: that is the asker's to see to. */
	enum auth_result result;
	/* Of a deny: words for the status line, static.  They name the method
	 * and never say whether a user exists. */
	const char *words;
	/* Of a deny: what the operator wants to know; foreign bytes are escaped
	 * in it.  For the log and the admin listener, never for the scraper.
	 */
	char detail[AUTH_DETAIL_SIZE];
	/* Of a deny or later: it is about authorization, not authentication. */
	bool is_authorization;
	unsigned retry_after_s; /* 0: the reason's own */
	/* Of an allow: who it is, a reference for the asker; NULL if nobody had
	 * to say. */
	struct auth_identity *identity;
	/* Of an allow: has to be asked again after, monotonic. */
	uint64_t valid_until_us;
};

typedef void auth_settled_fn(const struct auth_verdict *verdict, void *arg);

/* What is known of one request; all of it valid until the verdict. */
struct auth_question {
	const struct auth_policy *policy;
	const char *authorization; /* the header's value, or NULL */
	SSL *ssl;                  /* whose client certificate; NULL: none */
	const char *peer;          /* its address, or "unix" */
	const char *listener;      /* as in conf's `listen`; NULL: unknown */
	const char *path;          /* plain, as it is routed; terminated */
	const char *other_path;    /* what is served there has this, too; NULL:
				    * it has not */
	/* The value of a header or of a parameter of the query, decoded:
	 * malloc'd, or NULL, of a parameter also if it is there more than once:
	 * the exporter would get them all.  Only asked where a rewrite is
	 * configured. */
	char *(*header)(const char *name, void *arg);
	char *(*parameter)(const char *name, void *arg);
	uint64_t deadline_us; /* nobody listens after it, monotonic */
	/* Called exactly once after AUTH_LATER, on the booth's thread from its
	 * mailbox, with AUTH_DENY or AUTH_AGAIN: what was found out may have
	 * been asked under a policy that is no more in force, so the one that
	 * is must say so too. */
	auth_settled_fn *settled;
	void *arg; /* of these functions */
};

const char *auth_method_name(enum auth_method method); /* "basic" */
const char *auth_result_name(enum auth_result result); /* "allowed" */

/* `match` is bcrypt_matches(), or a test's. */
struct auth *auth_new(hasher_match_fn *match, struct err *err);

/* The recent ones, for the admin listener. */
struct refusals *auth_refusals(struct auth *auth);

/* Where Kubernetes and key sets are asked; before the first booth.  NULL, as
 * in tests: nobody there to ask. */
void auth_set_backend(struct auth *auth, struct auth_backend *backend);

/* What waits goes back to the booths' mailboxes as overloaded, and they are
 * emptied after.  The hash thread ends, or is left to the check it is in. */
void auth_stop(struct auth *auth);
void auth_free(struct auth *auth);

/* What is remembered of logins takes, in bytes: the promise is 256 KB. */
size_t auth_size(const struct auth *auth);

/*
 * exporter-toolkit's rate limit, to be asked first, for every request; any
 * thread.  False: refused, with the seconds until it may fit.
 */
bool auth_admits(struct auth *auth, const struct conf *conf, uint64_t now_us,
    unsigned *retry_after_s);

/* `mailbox` is that of the worker's thread. */
struct auth_booth *auth_booth_new(
    struct auth *auth, struct mailbox *mailbox, struct err *err);

/* When nothing is awaited any more. */
void auth_booth_free(struct auth_booth *booth);

/* A verdict's identity is the asker's to unref.  Logs and keeps refusals. */
void auth_check(struct auth_booth *booth, const struct auth_question *question,
    struct auth_verdict *verdict);

#endif
