/*
 * Streaming gunzip with an end that is judged: as Go's compress/gzip reads it
 * for Prometheus, several members may follow each other, anything else behind
 * a member is an error, and a stream that just stops is not whole.
 *
 * Bounded by its sink: it holds one 16 KiB window of output and hands it on;
 * the sink decides how much is too much.  Pure but for zlib's allocations;
 * one thread at a time.  Feed it in any chunks, the outcome is the same.
 */
#ifndef PROXY_BASE_INFLATE_H
#define PROXY_BASE_INFLATE_H

#include <stddef.h>
#include <stdint.h>

enum inflate_status {
	INFLATE_EMPTY,     /* not one byte came */
	INFLATE_PENDING,   /* in the middle of a member */
	INFLATE_WHOLE,     /* behind a member: whole, if nothing more comes */
	INFLATE_HEADER,    /* not gzip, or junk behind a member */
	INFLATE_CHECKSUM,  /* CRC or length do not fit the bytes */
	INFLATE_CORRUPT,   /* the deflate stream is broken */
	INFLATE_TRUNCATED, /* inflate_end() in the middle of a member */
	INFLATE_REFUSED    /* the sink said no */
};

/* Returns -1 to refuse more. */
typedef int inflate_sink_fn(void *arg, const char *bytes, size_t len);

struct inflate;

struct inflate *inflate_new(inflate_sink_fn *sink, void *arg);
void inflate_free(struct inflate *z);

/* Returns 0, or -1 once the stream is condemned; later bytes are ignored. */
int inflate_feed(struct inflate *z, const char *bytes, size_t len);

/* No more bytes will come: the final status. */
enum inflate_status inflate_end(struct inflate *z);

enum inflate_status inflate_status(const struct inflate *z);

/*
 * Of INFLATE_CORRUPT: bytes of the member's deflate stream read before the
 * fault was found, its gzip header not counted.  What Go prints as `flate:
 * corrupt input before offset N`; the two may differ by a few bytes, because
 * they do not read ahead alike.
 */
uint64_t inflate_error_offset(const struct inflate *z);

#endif
