/*
 * Private to the judge: the rules for an answer's head, line by line, as Go's
 * net/textproto and net/http apply them for Prometheus, in their words.
 *
 * Where the project decided to be stricter than Go, head.c says so.  Folded
 * lines and bare line feeds pass, as they do there.  Pure, no allocation.
 */
#ifndef PROXY_FETCH_HEAD_H
#define PROXY_FETCH_HEAD_H

#include <stdbool.h>
#include <stddef.h>

#include "proxy/fetch/judge.h"

#define HEAD_VALUE_SIZE 512
#define HEAD_FRAMING_SIZE 32

/* The headers somebody here reads. */
enum head_name {
	HEAD_OTHER,
	HEAD_CONTENT_ENCODING,
	HEAD_CONTENT_LENGTH,
	HEAD_CONTENT_TYPE,
	HEAD_LOCATION,
	HEAD_RETRY_AFTER,
	HEAD_TRANSFER_ENCODING,
	HEAD_WWW_AUTHENTICATE,
	HEAD_NAME_COUNT
};

enum head_coding { HEAD_IDENTITY, HEAD_GZIP, HEAD_FOREIGN };

/* One framing header, seen any number of times; the first two are kept. */
struct head_framing {
	unsigned count;
	char value[2][HEAD_FRAMING_SIZE];
};

struct head {
	size_t bytes;
	unsigned lines; /* the status line included */
	bool is_torn;   /* the last line had no end */
	unsigned minor; /* of HTTP/1.minor */
	/*
	 * The header whose line came last.  A folded line may still add to it,
	 * so it is only read when the next one begins.
	 */
	enum head_name name;
	size_t value_len;
	char value[HEAD_VALUE_SIZE];
	struct head_framing length;
	struct head_framing transfer;
	bool has_coding;
	enum head_coding coding;
};

enum head_step { HEAD_MORE, HEAD_COMPLETE, HEAD_CONDEMNED };

void head_init(struct head *head);

/*
 * Takes one line, line end included.  HEAD_COMPLETE at the blank one;
 * HEAD_CONDEMNED with verdict and detail of `result` set.
 */
enum head_step head_line(struct head *head, const struct judge_limits *limits,
    struct judge_result *result, const char *line, size_t len);

/* A line of trailers: -1 with `result` set, as above. */
int head_trailer(
    struct judge_result *result, bool is_first, const char *line, size_t len);

/* Sets verdict and detail; `words` and then `bytes` quoted, if not NULL. */
void head_condemn(struct judge_result *result, enum verdict verdict,
    const char *words, const char *bytes, size_t len);

#endif
