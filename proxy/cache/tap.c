#include "proxy/cache/tap.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "proxy/base/alloc.h"
#include "proxy/base/mailbox.h"
#include "proxy/cache/answer.h"
#include "proxy/cache/stream.h"
#include "proxy/cache/wire.h"

/* So much is taken before the fetch thread is woken to hear of it; less than
 * half of the smallest window, or both would wait. */
#define TELL_BYTES (STREAM_WINDOW_MIN / 4)

struct tap {
	atomic_uint refs;
	struct mailbox *writer;
	struct mailbox *reader;
	bool is_gzip;

	/* The fetch thread's: */
	struct tap_source source;
	size_t pending;

	/* The worker's: */
	STAILQ_HEAD(, portion) inbox;
	enum tap_state state; /* behind the inbox */
	struct answer *failure;
	bool is_closed;
	size_t untold;
	void (*ready)(void *arg);
	void *arg;
};

/* To the worker: a piece, or the end. */
struct portion {
	struct message message;
	STAILQ_ENTRY(portion) link;
	struct tap *tap;
	struct wire *piece;   /* NULL: the end */
	enum tap_state state; /* then */
	struct answer *failure;
};

/* To the fetch thread. */
struct word {
	struct message message;
	struct tap *tap;
	size_t taken;
	bool is_close;
	enum tap_close why;
};

struct tap *
tap_new(struct mailbox *writer, struct mailbox *reader, bool is_gzip)
{
	struct tap *tap = xcalloc(1, sizeof(*tap));

	atomic_init(&tap->refs, 2);
	tap->writer = writer;
	tap->reader = reader;
	tap->is_gzip = is_gzip;
	STAILQ_INIT(&tap->inbox);
	return tap;
}

static struct tap *
ref(struct tap *tap)
{
	atomic_fetch_add_explicit(&tap->refs, 1, memory_order_relaxed);
	return tap;
}

static void
free_portion(struct portion *portion)
{
	wire_unref(portion->piece);
	answer_unref(portion->failure);
	free(portion);
}

static void
empty_inbox(struct tap *tap)
{
	struct portion *portion;

	while ((portion = STAILQ_FIRST(&tap->inbox)) != NULL) {
		STAILQ_REMOVE_HEAD(&tap->inbox, link);
		free_portion(portion);
	}
}

void
tap_unref(struct tap *tap)
{
	if (tap == NULL || atomic_fetch_sub(&tap->refs, 1) > 1)
		return;
	empty_inbox(tap);
	answer_unref(tap->failure);
	free(tap);
}

bool
tap_is_gzip(const struct tap *tap)
{
	return tap->is_gzip;
}

/* The fetch thread's side. */

void
tap_set_source(struct tap *tap, const struct tap_source *source)
{
	static const struct tap_source none;

	tap->source = source == NULL ? none : *source;
}

static void
take_portion(struct message *message, void *owner)
{
	struct portion *portion = (struct portion *)message;
	struct tap *tap = portion->tap;

	(void)owner;
	if (tap->is_closed) {
		free_portion(portion);
	} else if (portion->piece == NULL) {
		tap->state = portion->state;
		tap->failure = portion->failure;
		portion->failure = NULL;
		free_portion(portion);
		if (tap->ready != NULL)
			tap->ready(tap->arg);
	} else {
		STAILQ_INSERT_TAIL(&tap->inbox, portion, link);
		if (tap->ready != NULL)
			tap->ready(tap->arg);
	}
	tap_unref(tap);
}

static void
post_portion(struct tap *tap, struct wire *piece, enum tap_state state,
    struct answer *failure)
{
	struct portion *portion = xcalloc(1, sizeof(*portion));

	portion->message.deliver = take_portion;
	portion->tap = ref(tap);
	portion->piece = piece;
	portion->state = state;
	portion->failure = failure;
	mailbox_post(tap->reader, &portion->message);
}

void
tap_send(struct tap *tap, struct wire *piece)
{
	tap->pending += wire_len(piece);
	post_portion(tap, wire_ref(piece), TAP_OPEN, NULL);
}

void
tap_end(struct tap *tap, enum tap_state state, struct answer *failure)
{
	post_portion(
	    tap, NULL, state, failure == NULL ? NULL : answer_ref(failure));
}

size_t
tap_pending(const struct tap *tap)
{
	return tap->pending;
}

/* The worker's side. */

static void
take_word(struct message *message, void *owner)
{
	struct word *word = (struct word *)message;
	struct tap *tap = word->tap;
	const struct tap_source source = tap->source;

	(void)owner;
	tap->pending -= word->taken;
	if (word->taken > 0 && source.taken != NULL)
		source.taken(source.arg, tap, word->taken);
	if (word->is_close && source.closed != NULL)
		source.closed(source.arg, tap, word->why);
	free(word);
	tap_unref(tap);
}

static void
post_word(struct tap *tap, bool is_close, enum tap_close why)
{
	struct word *word = xcalloc(1, sizeof(*word));

	word->message.deliver = take_word;
	word->tap = ref(tap);
	word->taken = tap->untold;
	word->is_close = is_close;
	word->why = why;
	tap->untold = 0;
	mailbox_post(tap->writer, &word->message);
}

void
tap_listen(struct tap *tap, void (*ready)(void *arg), void *arg)
{
	tap->ready = ready;
	tap->arg = arg;
}

struct wire *
tap_next(struct tap *tap)
{
	struct portion *portion = STAILQ_FIRST(&tap->inbox);
	struct wire *piece;

	if (portion == NULL)
		return NULL;
	STAILQ_REMOVE_HEAD(&tap->inbox, link);
	piece = portion->piece;
	free(portion);
	return piece;
}

enum tap_state
tap_state(const struct tap *tap)
{
	return tap->state;
}

struct answer *
tap_failure(const struct tap *tap)
{
	return tap->failure;
}

void
tap_taken(struct tap *tap, size_t len)
{
	tap->untold += len;
	if (tap->untold >= TELL_BYTES)
		post_word(tap, false, TAP_CLOSE_DONE);
}

void
tap_close(struct tap *tap, enum tap_close why)
{
	tap->is_closed = true;
	tap->ready = NULL;
	empty_inbox(tap);
	post_word(tap, true, why);
	tap_unref(tap);
}
