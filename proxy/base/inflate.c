#include "proxy/base/inflate.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define ZLIB_CONST
#include <zlib.h>

#include "proxy/base/alloc.h"

#define OUTPUT_SIZE (16 * 1024)

/* 15 bits of window, 16 more for "gzip header and trailer only". */
#define GZIP_WINDOW_BITS (15 + 16)

/* Set in data_type when Z_BLOCK stopped inflate() at a block's border. */
#define AT_BORDER 128

struct inflate {
	inflate_sink_fn *sink;
	void *arg;
	enum inflate_status status;
	z_stream stream;
	gz_header header;
	bool is_header_done;
	uint64_t header_len; /* of the present member, once it is done */
	uint64_t error_offset;
	unsigned char output[OUTPUT_SIZE];
};

static voidpf
allocate(voidpf opaque, uInt count, uInt size)
{
	(void)opaque;
	return xmalloc((size_t)count * size);
}

static void
release(voidpf opaque, voidpf memory)
{
	(void)opaque;
	free(memory);
}

struct inflate *
inflate_new(inflate_sink_fn *sink, void *arg)
{
	struct inflate *z = xmalloc(sizeof(*z));

	memset(z, 0, offsetof(struct inflate, output));
	z->sink = sink;
	z->arg = arg;
	z->status = INFLATE_EMPTY;
	z->stream.zalloc = allocate;
	z->stream.zfree = release;
	/* Fails only when out of memory, which allocate() does not return. */
	if (inflateInit2(&z->stream, GZIP_WINDOW_BITS) != Z_OK)
		abort();
	return z;
}

void
inflate_free(struct inflate *z)
{
	if (z == NULL)
		return;
	inflateEnd(&z->stream);
	free(z);
}

static void
begin_member(struct inflate *z)
{
	inflateReset(&z->stream);
	memset(&z->header, 0, sizeof(z->header));
	inflateGetHeader(&z->stream, &z->header);
	z->is_header_done = false;
	z->header_len = 0;
	z->status = INFLATE_PENDING;
}

/* zlib tells its data errors apart by words only. */
static enum inflate_status
name_error(const struct inflate *z)
{
	const char *words = z->stream.msg;

	if (!z->is_header_done)
		return INFLATE_HEADER;
	if (words != NULL && (strcmp(words, "incorrect data check") == 0 ||
				 strcmp(words, "incorrect length check") == 0))
		return INFLATE_CHECKSUM;
	return INFLATE_CORRUPT;
}

/*
 * One call of zlib and one of the sink.  Until a member's header is behind us
 * zlib is asked to stop at borders: that is how an error in the header is told
 * from one in the stream.  Output made before an error was found is handed on,
 * so that the sink sees the same bytes however the input was cut.
 */
static void
step(struct inflate *z)
{
	z_stream *stream = &z->stream;
	size_t produced;
	int rc;

	stream->next_out = z->output;
	stream->avail_out = OUTPUT_SIZE;
	rc = inflate(stream, z->is_header_done ? Z_NO_FLUSH : Z_BLOCK);
	produced = OUTPUT_SIZE - stream->avail_out;
	if (!z->is_header_done && z->header.done == 1 &&
	    (stream->data_type & AT_BORDER) != 0) {
		z->is_header_done = true;
		z->header_len = stream->total_in;
	}
	if (produced > 0 &&
	    z->sink(z->arg, (const char *)z->output, produced) == -1) {
		z->status = INFLATE_REFUSED;
	} else if (rc == Z_STREAM_END) {
		z->status = INFLATE_WHOLE;
	} else if (rc != Z_OK && rc != Z_BUF_ERROR) {
		z->status = name_error(z);
		z->error_offset = stream->total_in - z->header_len;
	}
}

/* `len` fits zlib's counter. */
static void
feed_slice(struct inflate *z, const char *bytes, size_t len)
{
	z->stream.next_in = (const unsigned char *)bytes;
	z->stream.avail_in = (uInt)len;
	do {
		if (z->status == INFLATE_EMPTY || z->status == INFLATE_WHOLE)
			begin_member(z);
		step(z);
		/* A full window may have more behind it without input. */
	} while ((z->stream.avail_in > 0 && z->status <= INFLATE_WHOLE) ||
		 (z->stream.avail_out == 0 && z->status == INFLATE_PENDING));
}

int
inflate_feed(struct inflate *z, const char *bytes, size_t len)
{
	size_t n;

	while (len > 0 && z->status <= INFLATE_WHOLE) {
		n = len < UINT_MAX ? len : UINT_MAX;
		feed_slice(z, bytes, n);
		bytes += n;
		len -= n;
	}
	return z->status <= INFLATE_WHOLE ? 0 : -1;
}

enum inflate_status
inflate_end(struct inflate *z)
{
	if (z->status == INFLATE_PENDING)
		z->status = INFLATE_TRUNCATED;
	return z->status;
}

enum inflate_status
inflate_status(const struct inflate *z)
{
	return z->status;
}

uint64_t
inflate_error_offset(const struct inflate *z)
{
	return z->error_offset;
}
