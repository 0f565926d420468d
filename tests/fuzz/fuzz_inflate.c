/*
 * A gzip stream: however it is cut into pieces the outcome and the output are
 * the same; and anything at all, compressed by us, comes back as it was.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/base/deflate.h"
#include "proxy/base/inflate.h"

/* The sink's limit: a bomb must stop here. */
#define TEXT_MAX (1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct text {
	size_t len;
	char bytes[TEXT_MAX];
};

static int
append(void *arg, const char *bytes, size_t len)
{
	struct text *text = arg;

	if (len > TEXT_MAX - text->len)
		return -1;
	memcpy(text->bytes + text->len, bytes, len);
	text->len += len;
	return 0;
}

static enum inflate_status
run(struct text *text, const char *bytes, size_t len, size_t piece)
{
	struct inflate *z = inflate_new(append, text);
	enum inflate_status status;
	size_t n;

	text->len = 0;
	for (; len > 0; bytes += n, len -= n) {
		n = len < piece ? len : piece;
		if (inflate_feed(z, bytes, n) == -1)
			break;
	}
	status = inflate_end(z);
	inflate_free(z);
	return status;
}

static void
check(int is_so, const char *what)
{
	if (is_so)
		return;
	fprintf(stderr, "inflate: %s\n", what);
	abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct text whole, pieces, packed;
	const char *bytes = (const char *)data;
	enum inflate_status status = run(&whole, bytes, size, size + 1);

	check(run(&pieces, bytes, size, 1) == status, "status byte by byte");
	/* After a refusal the sinks may have stopped at different places. */
	check(status == INFLATE_REFUSED ||
		  (whole.len == pieces.len &&
		      memcmp(whole.bytes, pieces.bytes, whole.len) == 0),
	    "output byte by byte");
	check(status != INFLATE_PENDING, "pending at the end");

	packed.len = 0;
	check(deflate_gzip(bytes, size, append, &packed) == 0, "refused");
	check(run(&whole, packed.bytes, packed.len, 7) == INFLATE_WHOLE &&
		  whole.len == size && memcmp(whole.bytes, bytes, size) == 0,
	    "our own gzip");
	return 0;
}
