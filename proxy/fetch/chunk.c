#include "proxy/fetch/chunk.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/fetch/head.h"

/* What Go reads; more would not fit 64 bits. */
#define DIGITS_MAX 16

void
chunk_init(struct chunk *chunk)
{
	memset(chunk, 0, sizeof(*chunk));
}

static bool
is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') ||
	       (c >= 'A' && c <= 'F');
}

/* Returns what is wrong, in Go's words, or NULL. */
static const char *
end_size(struct chunk *chunk, char c)
{
	if (chunk->digits == 0)
		return "empty hex number for chunk length";
	chunk->extension = 0;
	chunk->state = c == '\r'  ? CHUNK_SIZE_LF
		       : c == ';' ? CHUNK_EXTENSION
				  : CHUNK_PADDING;
	return NULL;
}

static const char *
take_size(struct chunk *chunk, char c)
{
	if (is_hex(c))
		return ++chunk->digits > DIGITS_MAX
			   ? "http chunk length too large"
			   : NULL;
	if (c == '\n')
		return "chunked line ends with bare LF";
	/* A tab would do for Go; the parser has no word for it. */
	if (c == '\r' || c == ';' || (c == ' ' && chunk->digits > 0))
		return end_size(chunk, c);
	return "invalid byte in chunk length";
}

static const char *
take_extension(struct chunk *chunk, const struct judge_limits *limits, char c)
{
	if (c == '\n')
		return "chunked line ends with bare LF";
	if (c == '\r')
		chunk->state = CHUNK_SIZE_LF;
	else if (chunk->state == CHUNK_PADDING && c != ' ' && c != '\t')
		return "invalid byte in chunk length";
	else if (++chunk->extension > limits->chunk_extension_max)
		return "header line too long";
	return NULL;
}

static const char *
expect(struct chunk *chunk, char c, char wanted, enum chunk_state next,
    const char *words)
{
	if (c != wanted)
		return words;
	chunk->state = next;
	return NULL;
}

static const char *
take_trailer(struct chunk *chunk, char c)
{
	if (c == '\n')
		return "malformed chunked encoding: trailer ends with bare LF";
	if (c == '\r')
		chunk->state = CHUNK_TRAILER_LF;
	else if (chunk->line_len < sizeof(chunk->line))
		chunk->line[chunk->line_len++] = c;
	return NULL;
}

static const char *
start_trailer(struct chunk *chunk, char c)
{
	if (c == '\r') {
		chunk->state = CHUNK_LAST_LF;
		return NULL;
	}
	chunk->state = CHUNK_TRAILER;
	chunk->line_len = 0;
	return take_trailer(chunk, c);
}

static const char *
take_byte(struct chunk *chunk, const struct judge_limits *limits, char c)
{
	static const char malformed[] = "malformed chunked encoding";
	static const char lone_cr[] = "invalid CR in chunked line";

	if (chunk->state >= CHUNK_TRAILERS &&
	    ++chunk->trailer > limits->trailer_max)
		return "http: suspiciously long trailer after chunked body";
	switch (chunk->state) {
	case CHUNK_SIZE:
		return take_size(chunk, c);
	case CHUNK_PADDING:
	case CHUNK_EXTENSION:
		return take_extension(chunk, limits, c);
	case CHUNK_SIZE_LF:
		return expect(chunk, c, '\n', CHUNK_SIZED, lone_cr);
	case CHUNK_DATA_CR:
		return expect(chunk, c, '\r', CHUNK_DATA_LF, malformed);
	case CHUNK_DATA_LF:
		chunk->digits = 0;
		return expect(chunk, c, '\n', CHUNK_SIZE, malformed);
	case CHUNK_TRAILERS:
		return start_trailer(chunk, c);
	case CHUNK_TRAILER:
		return take_trailer(chunk, c);
	case CHUNK_TRAILER_LF:
		return expect(chunk, c, '\n', CHUNK_TRAILERS, malformed);
	case CHUNK_LAST_LF:
		return expect(chunk, c, '\n', CHUNK_DONE, malformed);
	case CHUNK_SIZED:
	case CHUNK_DATA:
	case CHUNK_DONE:
		break;
	}
	abort(); /* no framing bytes are due: a bug of the caller */
}

/* A whole trailer line was read: is it a header? */
static int
end_trailer(struct chunk *chunk, struct judge_result *result)
{
	if (head_trailer(result, !chunk->had_trailer, chunk->line,
		chunk->line_len) == -1) {
		result->verdict = VERDICT_CHUNK_MALFORMED;
		return -1;
	}
	chunk->had_trailer = true;
	return 0;
}

size_t
chunk_take(struct chunk *chunk, const struct judge_limits *limits,
    struct judge_result *result, const char *bytes, size_t len, bool *is_hidden)
{
	enum chunk_state before;
	const char *wrong;
	size_t i = 0;

	do {
		before = chunk->state;
		wrong = take_byte(chunk, limits, bytes[i]);
		if (wrong != NULL) {
			head_condemn(
			    result, VERDICT_CHUNK_MALFORMED, wrong, NULL, 0);
			return 0;
		}
		i++;
	} while (i < len && chunk->state != CHUNK_SIZED &&
		 chunk->state != CHUNK_DONE && before != CHUNK_TRAILER_LF);
	*is_hidden = chunk->state == CHUNK_TRAILER ||
		     chunk->state == CHUNK_TRAILER_LF ||
		     before == CHUNK_TRAILER_LF;
	if (before == CHUNK_TRAILER_LF && end_trailer(chunk, result) == -1)
		return 0;
	return i;
}

void
chunk_begin(struct chunk *chunk, uint64_t size)
{
	assert(chunk->state == CHUNK_SIZED);
	chunk->left = size;
	chunk->state = size == 0 ? CHUNK_TRAILERS : CHUNK_DATA;
}

void
chunk_pass(struct chunk *chunk, uint64_t len)
{
	assert(chunk->state == CHUNK_DATA && len <= chunk->left);
	chunk->left -= len;
	if (chunk->left == 0)
		chunk->state = CHUNK_DATA_CR;
}
