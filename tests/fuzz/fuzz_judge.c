/*
 * An answer's bytes: however its body is cut into pieces, the judge must come
 * to the same verdict and hand on the same bytes; and what it calls whole must
 * have the length it claims.
 *
 * The first byte chooses the pieces and whether the peer closed.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/judge_feed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool is_so, const char *what)
{
	if (is_so)
		return;
	fprintf(stderr, "judge: %s\n", what);
	abort();
}

static void
check_whole(const struct feed *feed)
{
	const struct judge_result *result = &feed->result;
	bool is_bodyless = result->status == 101 || result->status == 204 ||
			   result->status == 304;
	bool is_gzip = strcmp(result->content_encoding, "gzip") == 0;
	uint64_t received = is_gzip ? feed->raw.bytes : feed->text.bytes;

	check(result->is_head_complete, "whole without a head");
	check(!result->has_length || !result->is_chunked, "two framings");
	check(!is_bodyless || received == 0, "a body where none may be");
	if (result->status == 200 && result->has_length)
		check(received == result->content_length, "wrong length");
	check(is_gzip || feed->raw.bytes == 0, "raw bytes of identity");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct feed whole, bytes, pieces;
	const char *answer;
	bool is_closed;

	if (size == 0)
		return 0;
	is_closed = data[0] & 1;
	answer = (const char *)data + 1;
	size--;
	feed_run(&whole, answer, size, FEED_WHOLE, is_closed, 0);
	feed_run(&bytes, answer, size, FEED_BYTES, is_closed, 0);
	feed_run(&pieces, answer, size, 2 + data[0], is_closed, 0);
	check(feed_is_same(&whole, &bytes), "another verdict byte by byte");
	check(feed_is_same(&whole, &pieces), "another verdict in pieces");
	if (whole.result.verdict == VERDICT_WHOLE)
		check_whole(&whole);
	else
		check(!whole.result.is_keep_alive, "a broken one kept alive");
	return 0;
}
