/*
 * One reader's end of a stream, between two threads: pieces of the body run
 * from the fetch thread to the reader's worker, and what the reader has taken
 * is told the other way, so that nobody makes more than is read.
 *
 * Counted: each side holds a reference, and so does each message on its way.
 * What is marked with a thread below is that thread's own.
 */
#ifndef PROXY_CACHE_TAP_H
#define PROXY_CACHE_TAP_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

struct answer;
struct mailbox;
struct tap;
struct wire;

/* Why a reader wants no more. */
enum tap_close {
	TAP_CLOSE_DONE, /* has all of it */
	TAP_CLOSE_GONE, /* the connection has ended, or stands still */
	TAP_CLOSE_LATE  /* its time is up */
};

/* How the body stands for a reader who has taken all pieces so far. */
enum tap_state {
	TAP_OPEN,  /* more will come */
	TAP_WHOLE, /* that was all */
	TAP_BROKEN /* it failed: what was sent is not whole */
};

struct tap_source {
	/* `len` bytes have left for the reader; or it wants no more. */
	void (*taken)(void *arg, struct tap *tap, size_t len);
	void (*closed)(void *arg, struct tap *tap, enum tap_close why);
	void *arg;
};

/*
 * Fetch thread.  `writer` and `reader` are the threads' mailboxes.  The two
 * references are the caller's: one stays, one goes to the worker.
 */
struct tap *tap_new(
    struct mailbox *writer, struct mailbox *reader, bool is_gzip);
void tap_unref(struct tap *tap); /* any thread; NULL is fine */

/* Fetch thread. */

bool tap_is_gzip(const struct tap *tap); /* any thread */

/* Who is told of the reader; NULL: nobody any more. */
void tap_set_source(struct tap *tap, const struct tap_source *source);

/*
 * A piece, sealed: its head is the size line of a chunk (RFC 9112, 7.1), and
 * its body ends with the chunk's CRLF.  A reference is taken.
 */
void tap_send(struct tap *tap, struct wire *piece);

/* `failure` is what a reader gets who has not begun; NULL: nothing. */
void tap_end(struct tap *tap, enum tap_state state, struct answer *failure);

/* Bytes of pieces, framing included, that were sent and not taken yet. */
size_t tap_pending(const struct tap *tap);

/* Worker. */

/* Who is told that there is something new; NULL: nobody yet, it is kept. */
void tap_listen(struct tap *tap, void (*ready)(void *arg), void *arg);

/* The next piece, with a reference for the caller; NULL: none, see state. */
struct wire *tap_next(struct tap *tap);
enum tap_state tap_state(const struct tap *tap);

/* Borrowed; see tap_end(). */
struct answer *tap_failure(const struct tap *tap);

/* Bytes of pieces, framing included, that have left; told to the source now
 * and then. */
void tap_taken(struct tap *tap, size_t len);

/* Lets go of the worker's reference. */
void tap_close(struct tap *tap, enum tap_close why);

#endif
