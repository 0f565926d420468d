/*
 * Private to the judge: does a text look whole?  Where nothing but the end of
 * the connection ends an answer, its last bytes are all there is to tell a
 * complete one from one that was cut.  Pure.
 */
#ifndef PROXY_FETCH_TAIL_H
#define PROXY_FETCH_TAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "\n# EOF\n" is the longest end that counts. */
#define TAIL_SIZE 7

/* All zero before the first byte. */
struct tail {
	uint64_t bytes; /* of the whole text */
	size_t len;
	char end[TAIL_SIZE];
};

void tail_add(struct tail *tail, const char *bytes, size_t len);

/*
 * An empty text is; one that ends with a line feed is, and OpenMetrics when
 * it ends with its "# EOF" line.  Protobuf has no such mark, so it is too.
 */
bool tail_is_whole(const struct tail *tail, const char *content_type);

#endif
