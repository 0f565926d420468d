#include "proxy/cache/stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "proxy/base/alloc.h"
#include "proxy/base/deflate.h"
#include "proxy/cache/wire.h"
#include "proxy/exposition/count.h"
#include "proxy/fetch/attempt.h"

/* Large enough to be worth a message, and small enough that malloc keeps the
 * memory for the next one. */
#define PIECE_BYTES ((size_t)96 << 10)

/* A piece that is not full waits so long for more. */
#define FLUSH_US 20000

/* So much is compressed per turn of the loop: a millisecond or so. */
#define TURN_BYTES ((size_t)256 << 10)

enum variant { IDENTITY, GZIP, VARIANT_COUNT };

struct reader {
	TAILQ_ENTRY(reader) link;
	struct tap *tap;
};

/* A piece of text that has to be compressed. */
struct lump {
	STAILQ_ENTRY(lump) link;
	struct wire *piece;
	size_t done;
};

struct stream {
	LIST_ENTRY(stream) link;
	struct stream_options options;
	TAILQ_HEAD(, reader) readers;
	unsigned reader_count[VARIANT_COUNT];
	struct wire *filling[VARIANT_COUNT]; /* the next piece, or NULL */
	struct event *flush;
	struct deflate *deflate; /* NULL: gzip is not made here */
	STAILQ_HEAD(, lump) lumps;
	size_t backlog; /* in lumps */
	struct event *turn;
	struct exposition_count count;
	bool is_full;
	bool is_over; /* what is in lumps is all there is */
};

static void on_flush(evutil_socket_t fd, short events, void *arg);
static void on_turn(evutil_socket_t fd, short events, void *arg);

/* Life. */

struct stream *
stream_new(const struct stream_options *options)
{
	struct stream *stream = xcalloc(1, sizeof(*stream));

	stream->options = *options;
	TAILQ_INIT(&stream->readers);
	STAILQ_INIT(&stream->lumps);
	stream->flush = evtimer_new(options->base, on_flush, stream);
	stream->turn = evtimer_new(options->base, on_turn, stream);
	LIST_INSERT_HEAD(options->streams, stream, link);
	return stream;
}

static void
free_lump(struct stream *stream, struct lump *lump)
{
	STAILQ_REMOVE_HEAD(&stream->lumps, link);
	stream->backlog -= wire_body_len(lump->piece) - lump->done;
	wire_unref(lump->piece);
	free(lump);
}

static void
stop_gzip(struct stream *stream)
{
	struct lump *lump;

	while ((lump = STAILQ_FIRST(&stream->lumps)) != NULL)
		free_lump(stream, lump);
	deflate_free(stream->deflate);
	stream->deflate = NULL;
	event_del(stream->turn);
}

static void
dismiss(struct stream *stream, struct reader *reader)
{
	TAILQ_REMOVE(&stream->readers, reader, link);
	stream->reader_count[tap_is_gzip(reader->tap)]--;
	tap_set_source(reader->tap, NULL);
	tap_unref(reader->tap);
	free(reader);
}

static void
free_stream(struct stream *stream)
{
	struct reader *reader;

	while ((reader = TAILQ_FIRST(&stream->readers)) != NULL)
		dismiss(stream, reader);
	stop_gzip(stream);
	wire_unref(stream->filling[IDENTITY]);
	wire_unref(stream->filling[GZIP]);
	event_free(stream->flush);
	event_free(stream->turn);
	LIST_REMOVE(stream, link);
	free(stream);
}

void
stream_free_all(struct stream_list *streams)
{
	while (!LIST_EMPTY(streams))
		free_stream(LIST_FIRST(streams));
}

/* The window. */

static size_t
held(const struct stream *stream)
{
	const struct reader *reader;
	size_t most = 0;

	TAILQ_FOREACH (reader, &stream->readers, link)
		if (tap_pending(reader->tap) > most)
			most = tap_pending(reader->tap);
	return most + stream->backlog;
}

static void
watch_window(struct stream *stream)
{
	size_t bytes = held(stream);

	if (stream->is_over)
		return;
	if (!stream->is_full && bytes > stream->options.window) {
		stream->is_full = true;
		stream->options.pause(stream->options.arg);
	} else if (stream->is_full && bytes <= stream->options.window / 2) {
		stream->is_full = false;
		stream->options.resume(stream->options.arg);
	}
}

size_t
stream_reserved(const struct stream_list *streams)
{
	const struct stream *stream;
	size_t sum = 0, bytes;

	LIST_FOREACH (stream, streams, link) {
		bytes = held(stream);
		if (!stream->is_over && bytes < stream->options.window)
			sum += stream->options.window - bytes;
	}
	return sum;
}

/* Readers. */

static struct reader *
find_reader(const struct stream *stream, const struct tap *tap)
{
	struct reader *reader;

	TAILQ_FOREACH (reader, &stream->readers, link)
		if (reader->tap == tap)
			break;
	return reader;
}

static void
on_taken(void *arg, struct tap *tap, size_t len)
{
	(void)tap;
	(void)len;
	watch_window(arg);
}

static void
on_closed(void *arg, struct tap *tap, enum tap_close why)
{
	struct stream *stream = arg;
	bool was_full = stream->is_full;

	dismiss(stream, find_reader(stream, tap));
	if (stream->reader_count[GZIP] == 0)
		stop_gzip(stream);
	watch_window(stream);
	if (stream_has_readers(stream))
		return;
	if (stream->is_over)
		free_stream(stream);
	else
		stream->options.deserted(stream->options.arg, why, was_full);
}

void
stream_join(struct stream *stream, struct tap *tap)
{
	const struct tap_source source = {
		.taken = on_taken, .closed = on_closed, .arg = stream
	};
	struct reader *reader = xcalloc(1, sizeof(*reader));

	reader->tap = tap;
	tap_set_source(tap, &source);
	TAILQ_INSERT_TAIL(&stream->readers, reader, link);
	stream->reader_count[tap_is_gzip(tap)]++;
}

bool
stream_has_readers(const struct stream *stream)
{
	return !TAILQ_EMPTY(&stream->readers);
}

static void
end_readers(struct stream *stream, enum variant variant)
{
	struct reader *reader, *next;

	for (reader = TAILQ_FIRST(&stream->readers); reader != NULL;
	     reader = next) {
		next = TAILQ_NEXT(reader, link);
		if (tap_is_gzip(reader->tap) != (variant == GZIP))
			continue;
		tap_end(reader->tap, TAP_WHOLE, NULL);
		dismiss(stream, reader);
	}
}

/* Pieces. */

static void
compress_later(struct stream *stream, struct wire *piece)
{
	static const struct timeval now = { 0, 0 };
	struct lump *lump = xcalloc(1, sizeof(*lump));

	lump->piece = wire_ref(piece);
	stream->backlog += wire_body_len(piece);
	STAILQ_INSERT_TAIL(&stream->lumps, lump, link);
	evtimer_add(stream->turn, &now);
}

/* Takes the wire over.  As it is in a chunked body, so that it goes out as it
 * stands; who wants it without takes its body less the last two bytes. */
static void
send_piece(struct stream *stream, enum variant variant, struct wire *piece)
{
	struct reader *reader;
	char size_line[24];
	int len =
	    snprintf(size_line, sizeof(size_line), "%zx", wire_body_len(piece));

	wire_append(piece, "\r\n", 2);
	wire_seal(piece, size_line, (size_t)len);
	TAILQ_FOREACH (reader, &stream->readers, link)
		if (tap_is_gzip(reader->tap) == (variant == GZIP))
			tap_send(reader->tap, piece);
	if (variant == IDENTITY && stream->deflate != NULL)
		compress_later(stream, piece);
	wire_unref(piece);
	watch_window(stream);
}

static void
send_filling(struct stream *stream, enum variant variant)
{
	struct wire *piece = stream->filling[variant];

	if (piece == NULL)
		return;
	stream->filling[variant] = NULL;
	send_piece(stream, variant, piece);
}

static void
on_flush(evutil_socket_t fd, short events, void *arg)
{
	struct stream *stream = arg;

	(void)fd;
	(void)events;
	send_filling(stream, IDENTITY);
	send_filling(stream, GZIP);
}

static void
fill(struct stream *stream, enum variant variant, const char *bytes, size_t len)
{
	static const struct timeval soon = { .tv_usec = FLUSH_US };
	struct wire **piece = &stream->filling[variant];
	size_t room;

	while (len > 0) {
		if (*piece == NULL) {
			*piece = wire_new(PIECE_BYTES + 2);
			if (!evtimer_pending(stream->flush, NULL))
				evtimer_add(stream->flush, &soon);
		}
		room = PIECE_BYTES - wire_body_len(*piece);
		if (room > len)
			room = len;
		wire_append(*piece, bytes, room);
		bytes += room;
		len -= room;
		if (wire_body_len(*piece) == PIECE_BYTES)
			send_filling(stream, variant);
	}
}

/* Does anybody read this variant, or is it what another is made of? */
static bool
is_read(const struct stream *stream, enum variant variant)
{
	return stream->reader_count[variant] > 0 ||
	       (variant == IDENTITY && stream->deflate != NULL);
}

/* Gzip that is made here. */

static int
take_gzip(void *arg, const char *bytes, size_t len)
{
	fill(arg, GZIP, bytes, len);
	return 0;
}

static void
finish_gzip(struct stream *stream)
{
	deflate_end(stream->deflate);
	send_filling(stream, GZIP);
	end_readers(stream, GZIP);
	free_stream(stream);
}

static void
on_turn(evutil_socket_t fd, short events, void *arg)
{
	static const struct timeval now = { 0, 0 };
	struct stream *stream = arg;
	size_t left = TURN_BYTES, len;
	struct lump *lump;

	(void)fd;
	(void)events;
	while (left > 0 && (lump = STAILQ_FIRST(&stream->lumps)) != NULL) {
		/* The chunk's CRLF is not the text's. */
		len = wire_body_len(lump->piece) - 2 - lump->done;
		if (len > left)
			len = left;
		deflate_feed(
		    stream->deflate, wire_body(lump->piece) + lump->done, len);
		left -= len;
		lump->done += len;
		stream->backlog -= len;
		if (lump->done == wire_body_len(lump->piece) - 2)
			free_lump(stream, lump);
	}
	if (!STAILQ_EMPTY(&stream->lumps))
		evtimer_add(stream->turn, &now);
	else if (stream->is_over)
		finish_gzip(stream);
	else
		watch_window(stream);
}

/* What comes in. */

static void
count(struct stream *stream, const char *bytes, size_t len)
{
	if (stream->options.is_counting)
		exposition_count(&stream->count, bytes, len);
}

void
stream_begin(struct stream *stream, struct payload *so_far)
{
	count(stream, wire_body(so_far->text), wire_body_len(so_far->text));
	if (so_far->gzip == NULL && stream->reader_count[GZIP] > 0)
		stream->deflate = deflate_new(take_gzip, stream);
	if (is_read(stream, IDENTITY))
		send_piece(stream, IDENTITY, so_far->text);
	else
		wire_unref(so_far->text);
	if (so_far->gzip != NULL && is_read(stream, GZIP))
		send_piece(stream, GZIP, so_far->gzip);
	else
		wire_unref(so_far->gzip);
	so_far->text = so_far->gzip = NULL;
}

void
stream_text(struct stream *stream, const char *bytes, size_t len)
{
	count(stream, bytes, len);
	if (is_read(stream, IDENTITY))
		fill(stream, IDENTITY, bytes, len);
}

void
stream_raw(struct stream *stream, const char *bytes, size_t len)
{
	if (is_read(stream, GZIP))
		fill(stream, GZIP, bytes, len);
}

uint64_t
stream_samples(const struct stream *stream)
{
	return stream->count.samples;
}

void
stream_end(struct stream *stream)
{
	static const struct timeval now = { 0, 0 };

	stream->is_over = true;
	send_filling(stream, IDENTITY);
	end_readers(stream, IDENTITY);
	if (stream->deflate != NULL) {
		evtimer_add(stream->turn, &now);
		return;
	}
	send_filling(stream, GZIP);
	end_readers(stream, GZIP);
	free_stream(stream);
}

void
stream_break(struct stream *stream, struct answer *failure)
{
	struct reader *reader;

	TAILQ_FOREACH (reader, &stream->readers, link)
		tap_end(reader->tap, TAP_BROKEN, failure);
	free_stream(stream);
}
