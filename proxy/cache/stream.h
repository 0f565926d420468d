/*
 * A long answer on its way: from the attempt that brings it to the readers
 * who were there when it became too long to be kept.
 *
 * Its body is cut into immutable pieces, which all readers of a variant
 * share.  A variant is only made if somebody reads it: identity is the text;
 * gzip is what the exporter sent, or else made here, a little per turn of the
 * loop.  When the slowest reader is a window behind, the attempt pauses.
 *
 * Lives on the fetch thread; the readers' ends are taps.
 */
#ifndef PROXY_CACHE_STREAM_H
#define PROXY_CACHE_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "proxy/cache/tap.h"

struct answer;
struct event_base;
struct payload;
struct stream;

/* Bounds of a window. */
#define STREAM_WINDOW_MAX ((size_t)4 << 20)
#define STREAM_WINDOW_MIN ((size_t)512 << 10)

LIST_HEAD(stream_list, stream);

struct stream_options {
	struct event_base *base;
	struct stream_list *streams; /* it is in there as long as it lives */
	/* Bytes that were made and not read yet, when it pauses; it goes on
	 * at half of that.  A piece or two may come on top. */
	size_t window;
	bool is_counting; /* samples: nobody else does */
	void (*pause)(void *arg);
	void (*resume)(void *arg);
	/* The last reader has left, for this reason, and was it the readers
	 * who were waited for?  Not from within any call to the stream. */
	void (*deserted)(void *arg, enum tap_close why, bool was_full);
	void *arg;
};

struct stream *stream_new(const struct stream_options *options);

/* Before it begins; takes one of the tap's references over. */
void stream_join(struct stream *stream, struct tap *tap);

/*
 * Takes over what came so far, its gzip too if that is what comes.  More of it
 * follows by stream_text(), and of gzip by stream_raw() before its text.
 */
void stream_begin(struct stream *stream, struct payload *so_far);
void stream_text(struct stream *stream, const char *bytes, size_t len);
void stream_raw(struct stream *stream, const char *bytes, size_t len);

/*
 * The attempt is over, and no callback comes any more.  If all was well the
 * readers get what is left, and then the stream frees itself.
 */
void stream_end(struct stream *stream);

/*
 * Likewise, but what the readers have is not whole.  `failure` is for those
 * who have not begun; NULL if there is nobody left to be told.
 */
void stream_break(struct stream *stream, struct answer *failure);

bool stream_has_readers(const struct stream *stream);
uint64_t stream_samples(const struct stream *stream);

/* What all of them may still come to hold, windows being windows. */
size_t stream_reserved(const struct stream_list *streams);

/* No reader is there any more to be told. */
void stream_free_all(struct stream_list *streams);

#endif
