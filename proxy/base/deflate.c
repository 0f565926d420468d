#include "proxy/base/deflate.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define ZLIB_CONST
#include <zlib.h>

#include "proxy/base/alloc.h"

#define OUTPUT_SIZE (16 * 1024)
#define LEVEL 1
#define MEMORY_LEVEL 8

/* 15 bits of window, 16 more for a gzip header and trailer. */
#define GZIP_WINDOW_BITS (15 + 16)

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

/* Compresses what `stream` was given; with Z_FINISH also ends the member. */
static int
drain(z_stream *stream, int flush, deflate_append_fn *append, void *arg)
{
	unsigned char output[OUTPUT_SIZE];

	do {
		stream->next_out = output;
		stream->avail_out = OUTPUT_SIZE;
		deflate(stream, flush);
		if (append(arg, (const char *)output,
			OUTPUT_SIZE - stream->avail_out) == -1)
			return -1;
	} while (stream->avail_out == 0);
	return 0;
}

int
deflate_gzip(
    const char *bytes, size_t len, deflate_append_fn *append, void *arg)
{
	z_stream stream;
	size_t n;
	int rc;

	memset(&stream, 0, sizeof(stream));
	stream.zalloc = allocate;
	stream.zfree = release;
	/* Fails only when out of memory, which allocate() does not return. */
	if (deflateInit2(&stream, LEVEL, Z_DEFLATED, GZIP_WINDOW_BITS,
		MEMORY_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK)
		abort();
	do {
		n = len < UINT_MAX ? len : UINT_MAX;
		stream.next_in = (const unsigned char *)bytes;
		stream.avail_in = (uInt)n;
		len -= n;
		bytes = n > 0 ? bytes + n : bytes;
		rc = drain(
		    &stream, len > 0 ? Z_NO_FLUSH : Z_FINISH, append, arg);
	} while (len > 0 && rc == 0);
	deflateEnd(&stream);
	return rc;
}
