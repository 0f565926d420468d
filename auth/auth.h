/*
 * Who may ask the gate: the policy (the configuration) and the facts of one
 * request in, a verdict out.
 *
 * A verdict is at hand (allow, deny), or takes longer than a loop may wait
 * (later): then the asker is called back.  The policy comes with each
 * question and nothing of it is kept, so a user that a reload removes or
 * changes fails with the next request.
 *
 * struct auth is the process': the hash thread, the rate limit's bucket, the
 * log of failures.  Each worker has a booth of its own, used on its thread.
 */
#ifndef AUTH_AUTH_H
#define AUTH_AUTH_H

#include <stdbool.h>
#include <stdint.h>

#include "auth/hasher.h"

struct auth;
struct auth_booth;
struct conf;
struct err;
struct mailbox;

enum auth_method {
	AUTH_METHOD_NONE, /* the configuration wants no credentials */
	AUTH_METHOD_BASIC,
	AUTH_METHOD_COUNT
};

/* scrapegate_auth_total{result}. */
enum auth_result {
	AUTH_ALLOWED,
	AUTH_DENIED,     /* credentials that are not good */
	AUTH_MISSING,    /* none, or of no configured kind: no failed login */
	AUTH_OVERLOADED, /* too many to check at once */
	AUTH_RESULT_COUNT
};

enum auth_answer {
	AUTH_ALLOW,
	AUTH_DENY,
	AUTH_LATER, /* the asker is called back */
	AUTH_AGAIN  /* only in that call: ask again, it is at hand now */
};

struct auth_verdict {
	enum auth_answer answer;
	enum auth_method method;
	enum auth_result result; /* of an allow or deny */
	/* Of a deny: words for the status line.  They name the method and
	 * never say whether a user exists. */
	const char *detail;
	/* Of an allow: who it is, borrowed from the configuration; NULL if
	 * nobody had to say. */
	const char *user;
};

typedef void auth_settled_fn(const struct auth_verdict *verdict, void *arg);

struct auth_question {
	const struct conf *conf;
	const char *authorization; /* the header's value, or NULL */
	const char *peer;          /* address: who takes turns, and the log */
	uint64_t deadline_us;      /* nobody listens after it, monotonic */
	/* Called exactly once after AUTH_LATER, on the booth's thread from its
	 * mailbox, with AUTH_DENY or AUTH_AGAIN: the password was right by
	 * the configuration of then, so the one in force must say so too. */
	auth_settled_fn *settled;
	void *arg;
};

const char *auth_method_name(enum auth_method method); /* "basic" */
const char *auth_result_name(enum auth_result result); /* "allowed" */

/* Does this configuration want credentials at all? */
bool auth_is_required(const struct conf *conf);

/* `match` is bcrypt_matches(), or a test's. */
struct auth *auth_new(hasher_match_fn *match, struct err *err);

/* What waits goes back to the booths' mailboxes as overloaded, and they are
 * emptied after.  The hash thread ends, or is left to the check it is in. */
void auth_stop(struct auth *auth);
void auth_free(struct auth *auth);

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

void auth_check(struct auth_booth *booth, const struct auth_question *question,
    struct auth_verdict *verdict);

#endif
