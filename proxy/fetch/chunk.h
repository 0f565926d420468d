/*
 * Private to the judge: the bytes around the chunks of a chunked body.
 *
 * The packaged http-parser is built lenient: it takes any two bytes for the
 * line end behind a chunk, extensions of any length and trailers of any kind.
 * So these rules, which are those of Go's net/http plus our limits, read each
 * framing byte before the parser does, and the parser has the last word on
 * sizes and on the end.  Trailers end here: it never sees them.
 */
#ifndef PROXY_FETCH_CHUNK_H
#define PROXY_FETCH_CHUNK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proxy/fetch/judge.h"

/* Enough of a trailer line to judge it by. */
#define CHUNK_LINE_SIZE 256

enum chunk_state {
	CHUNK_SIZE,
	CHUNK_PADDING, /* white space behind the size: some servers do */
	CHUNK_EXTENSION,
	CHUNK_SIZE_LF,
	CHUNK_SIZED, /* whole size line read: call chunk_begin() */
	CHUNK_DATA,  /* `left` bytes of it to come */
	CHUNK_DATA_CR,
	CHUNK_DATA_LF,
	CHUNK_TRAILERS, /* at the start of a trailer line, or the last one */
	CHUNK_TRAILER,
	CHUNK_TRAILER_LF,
	CHUNK_LAST_LF,
	CHUNK_DONE
};

struct chunk {
	enum chunk_state state;
	unsigned digits;
	size_t extension; /* of this chunk, in bytes */
	uint64_t left;
	size_t trailer; /* bytes of all trailers */
	bool had_trailer;
	size_t line_len;
	char line[CHUNK_LINE_SIZE];
};

void chunk_init(struct chunk *chunk);

/*
 * Reads framing bytes, up to the end of a size line or of a trailer line, and
 * returns how many; `is_hidden` says that they are not the parser's.  Returns
 * 0 with verdict and detail of `result` set if they are wrong.  Not to be
 * called in CHUNK_SIZED, CHUNK_DATA or CHUNK_DONE, nor without bytes.
 */
size_t chunk_take(struct chunk *chunk, const struct judge_limits *limits,
    struct judge_result *result, const char *bytes, size_t len,
    bool *is_hidden);

/* The size that the parser read in the line; 0 is the last chunk's. */
void chunk_begin(struct chunk *chunk, uint64_t size);

/* `len` bytes of data went by. */
void chunk_pass(struct chunk *chunk, uint64_t len);

#endif
