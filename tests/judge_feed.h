/*
 * Feeds raw bytes of an answer to the judge the way libcurl does: whole header
 * lines one by one (a line without an end never comes), then the body in any
 * pieces.  Shared by the unit test and the fuzzer.
 */
#ifndef TESTS_JUDGE_FEED_H
#define TESTS_JUDGE_FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "proxy/fetch/judge.h"

#define FEED_WHOLE 0
#define FEED_BYTES 1
/* Any greater number seeds random pieces. */

struct feed_stream {
	uint64_t bytes;
	uint64_t hash; /* FNV-1a */
	char begin[256];
};

struct feed {
	struct feed_stream raw;
	struct feed_stream text;
	uint64_t text_max; /* the sink refuses more; 0 for none */
	struct judge_result result;
};

static inline void
feed_add(struct feed_stream *stream, const char *bytes, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (stream->bytes < sizeof(stream->begin) - 1)
			stream->begin[stream->bytes] = bytes[i];
		stream->bytes++;
		stream->hash ^= (unsigned char)bytes[i];
		stream->hash *= 1099511628211u;
	}
}

static inline int
feed_raw(void *arg, const char *bytes, size_t len)
{
	struct feed *feed = arg;

	feed_add(&feed->raw, bytes, len);
	return 0;
}

static inline int
feed_text(void *arg, const char *bytes, size_t len)
{
	struct feed *feed = arg;

	if (feed->text_max > 0 && feed->text.bytes + len > feed->text_max)
		return -1;
	feed_add(&feed->text, bytes, len);
	return 0;
}

static inline size_t
feed_piece(uint32_t *split, size_t len)
{
	if (*split == FEED_WHOLE || len == 0)
		return len;
	if (*split == FEED_BYTES)
		return 1;
	*split = *split * 1103515245u + 12345u;
	*split |= 2;
	return 1 + (*split >> 16) % (len < 40 ? len : 40);
}

/* Head lines, then body; the verdict and what the sinks got is in `feed`. */
static inline void
feed_judge(struct judge *judge, struct feed *feed, const char *bytes,
    size_t len, uint32_t split, bool is_closed)
{
	const struct judge_result *result = judge_result(judge);
	const char *end = bytes + len, *lf;
	size_t n;

	while (
	    !result->is_head_complete && result->verdict == VERDICT_PENDING) {
		lf = memchr(bytes, '\n', (size_t)(end - bytes));
		if (lf == NULL)
			break;
		judge_head_line(judge, bytes, (size_t)(lf + 1 - bytes));
		bytes = lf + 1;
	}
	while (bytes < end && result->is_head_complete) {
		n = feed_piece(&split, (size_t)(end - bytes));
		if (judge_body(judge, bytes, n) == -1)
			break;
		bytes += n;
	}
	judge_end(judge, is_closed);
	feed->result = *result;
}

static inline void
feed_run(struct feed *feed, const char *bytes, size_t len, uint32_t split,
    bool is_closed, uint64_t text_max)
{
	struct judge_sink sink = { feed_raw, feed_text, feed };
	struct judge *judge = judge_new(&judge_default_limits, &sink);

	memset(feed, 0, sizeof(*feed));
	feed->text_max = text_max;
	feed_judge(judge, feed, bytes, len, split, is_closed);
	judge_free(judge);
}

/* A condemned gzip body may have given its raw sink a longer last piece. */
static inline bool
feed_is_same(const struct feed *one, const struct feed *other)
{
	return memcmp(&one->result, &other->result, sizeof(one->result)) == 0 &&
	       memcmp(&one->text, &other->text, sizeof(one->text)) == 0 &&
	       (one->result.verdict != VERDICT_WHOLE ||
		   memcmp(&one->raw, &other->raw, sizeof(one->raw)) == 0);
}

#endif
