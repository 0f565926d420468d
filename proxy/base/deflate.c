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

/*
 * Where lines resemble the line before, the last place that looks alike is
 * the best one: level 1 would try four.  A tenth faster with
 * kube-state-metrics' text, which comes out 1.4 % larger, and 2 % smaller with
 * node_exporter's.
 */
#define GOOD_LENGTH 4
#define INSERT_MAX 16
#define NICE_LENGTH 64
#define CHAIN 1

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

struct deflate {
	z_stream stream;
	deflate_append_fn *append;
	void *arg;
};

static void
begin(struct deflate *z, deflate_append_fn *append, void *arg)
{
	memset(z, 0, sizeof(*z));
	z->append = append;
	z->arg = arg;
	z->stream.zalloc = allocate;
	z->stream.zfree = release;
	/* Fails only when out of memory, which allocate() does not return. */
	if (deflateInit2(&z->stream, LEVEL, Z_DEFLATED, GZIP_WINDOW_BITS,
		MEMORY_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK)
		abort();
	deflateTune(&z->stream, GOOD_LENGTH, INSERT_MAX, NICE_LENGTH, CHAIN);
}

/* Compresses what the stream was given; with Z_FINISH also ends the member. */
static int
drain(struct deflate *z, int flush)
{
	unsigned char output[OUTPUT_SIZE];
	size_t len;

	do {
		z->stream.next_out = output;
		z->stream.avail_out = OUTPUT_SIZE;
		deflate(&z->stream, flush);
		len = OUTPUT_SIZE - z->stream.avail_out;
		if (len > 0 &&
		    z->append(z->arg, (const char *)output, len) == -1)
			return -1;
	} while (z->stream.avail_out == 0);
	return 0;
}

struct deflate *
deflate_new(deflate_append_fn *append, void *arg)
{
	struct deflate *z = xmalloc(sizeof(*z));

	begin(z, append, arg);
	return z;
}

void
deflate_free(struct deflate *z)
{
	if (z == NULL)
		return;
	deflateEnd(&z->stream);
	free(z);
}

int
deflate_feed(struct deflate *z, const char *bytes, size_t len)
{
	int rc = 0;
	size_t n;

	while (len > 0 && rc == 0) {
		n = len < UINT_MAX ? len : UINT_MAX;
		z->stream.next_in = (const unsigned char *)bytes;
		z->stream.avail_in = (uInt)n;
		rc = drain(z, Z_NO_FLUSH);
		bytes += n;
		len -= n;
	}
	return rc;
}

int
deflate_end(struct deflate *z)
{
	return drain(z, Z_FINISH);
}

int
deflate_gzip(
    const char *bytes, size_t len, deflate_append_fn *append, void *arg)
{
	struct deflate z;
	int rc;

	begin(&z, append, arg);
	rc = deflate_feed(&z, bytes, len);
	if (rc == 0)
		rc = deflate_end(&z);
	deflateEnd(&z.stream);
	return rc;
}
