#include "proxy/fetch/judge.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <http_parser.h>

#include "proxy/base/alloc.h"
#include "proxy/base/escape.h"
#include "proxy/base/inflate.h"
#include "proxy/fetch/chunk.h"
#include "proxy/fetch/head.h"
#include "proxy/fetch/tail.h"

const struct judge_limits judge_default_limits = {
	.head_max = 64 * 1024,
	.headers_max = 1000,
	.interim_max = 8,
	.chunk_extension_max = 256,
	.trailer_max = 4096,
};

enum judge_phase {
	PHASE_HEAD,
	PHASE_BODY,
	PHASE_DONE /* judged: whole or condemned */
};

/*
 * Two pairs of eyes: our own rules (head.h, chunk.h) and the http_parser each
 * read every framing byte.  Ours come first because they have the words; an
 * answer that only one of them likes is refused.
 */
struct judge {
	struct judge_limits limits;
	struct judge_sink sink;
	struct judge_result result;
	enum judge_phase phase;
	struct head head;
	struct chunk chunk;
	http_parser parser;
	enum http_errno head_errno; /* the parser's objection to the head */
	bool is_message_complete;
	bool is_until_close;
	bool is_body_dropped;    /* nobody could read it */
	struct inflate *inflate; /* not NULL: the body is gzip */
	uint64_t raw_bytes;
	struct tail tail;
};

static void
condemn(struct judge *judge, enum verdict verdict, const char *words)
{
	head_condemn(&judge->result, verdict, words, NULL, 0);
	judge->phase = PHASE_DONE;
}

static int
pass_text(void *arg, const char *bytes, size_t len)
{
	struct judge *judge = arg;

	tail_add(&judge->tail, bytes, len);
	return judge->sink.text(judge->sink.arg, bytes, len);
}

static void
condemn_gzip(struct judge *judge, enum inflate_status status)
{
	static const struct {
		enum verdict verdict;
		const char *words;
	} rows[] = {
		[INFLATE_EMPTY] = { VERDICT_GZIP_EMPTY, "EOF" },
		[INFLATE_HEADER] = { VERDICT_GZIP_HEADER,
		    "gzip: invalid header" },
		[INFLATE_CHECKSUM] = { VERDICT_GZIP_CHECKSUM,
		    "gzip: invalid checksum" },
		[INFLATE_CORRUPT] = { VERDICT_GZIP_CORRUPT, "" },
		[INFLATE_TRUNCATED] = { VERDICT_GZIP_TRUNCATED,
		    "gzip stream without its end" },
		[INFLATE_REFUSED] = { VERDICT_SINK_REFUSED, "" },
	};

	condemn(judge, rows[status].verdict, rows[status].words);
	if (status == INFLATE_CORRUPT)
		snprintf(judge->result.detail, sizeof(judge->result.detail),
		    "%" PRIu64, inflate_error_offset(judge->inflate));
}

/* Body bytes, chunk framing removed.  Returns -1 once condemned. */
static int
deliver(struct judge *judge, const char *bytes, size_t len)
{
	judge->raw_bytes += len;
	if (judge->is_body_dropped)
		return 0;
	if (judge->inflate == NULL) {
		if (pass_text(judge, bytes, len) == 0)
			return 0;
		condemn(judge, VERDICT_SINK_REFUSED, "");
		return -1;
	}
	if (judge->sink.raw(judge->sink.arg, bytes, len) == -1) {
		condemn(judge, VERDICT_SINK_REFUSED, "");
		return -1;
	}
	if (inflate_feed(judge->inflate, bytes, len) == 0)
		return 0;
	condemn_gzip(judge, inflate_status(judge->inflate));
	return -1;
}

static int
on_headers_complete(http_parser *parser)
{
	unsigned status = parser->status_code;

	/* 1: no body follows, whatever the headers say of one. */
	return status / 100 == 1 || status == 204 || status == 304;
}

static int
on_body(http_parser *parser, const char *bytes, size_t len)
{
	return deliver(parser->data, bytes, len);
}

static int
on_message_complete(http_parser *parser)
{
	struct judge *judge = parser->data;

	judge->is_message_complete = true;
	/* Or it would read what follows as the next answer. */
	http_parser_pause(parser, 1);
	return 0;
}

static const http_parser_settings settings = {
	.on_headers_complete = on_headers_complete,
	.on_body = on_body,
	.on_message_complete = on_message_complete,
};

static size_t
run_parser(struct judge *judge, const char *bytes, size_t len)
{
	return http_parser_execute(&judge->parser, &settings, bytes, len);
}

static bool
has_parser_failed(const struct judge *judge)
{
	enum http_errno code = HTTP_PARSER_ERRNO(&judge->parser);

	return code != HPE_OK && code != HPE_PAUSED;
}

static void
finish_body(struct judge *judge)
{
	enum inflate_status status;

	judge->phase = PHASE_DONE;
	if (judge->inflate != NULL) {
		status = inflate_end(judge->inflate);
		if (status != INFLATE_WHOLE) {
			condemn_gzip(judge, status);
			return;
		}
	}
	/* Of other answers than a 200 nobody reads more than the status. */
	if (!judge->is_until_close || judge->result.status != 200 ||
	    judge->limits.may_break_off ||
	    tail_is_whole(&judge->tail, judge->result.content_type)) {
		judge->result.verdict = VERDICT_WHOLE;
		return;
	}
	judge->result.is_stricter = true;
	condemn(judge, VERDICT_BODY_TRUNCATED,
	    "no Content-Length, and the "
	    "text breaks off in mid line or before # EOF");
}

/* The parser's view of the head must be ours. */
static bool
is_agreed(const struct judge *judge)
{
	const struct judge_result *result = &judge->result;
	const http_parser *parser = &judge->parser;
	bool is_chunked = (parser->flags & F_CHUNKED) != 0;
	bool has_length = (parser->flags & F_CONTENTLENGTH) != 0;

	return judge->head_errno == HPE_OK &&
	       is_chunked == result->is_chunked &&
	       has_length == result->has_length &&
	       (judge->is_message_complete || !has_length ||
		   parser->content_length == result->content_length) &&
	       parser->status_code == (unsigned)result->status;
}

static void
choose_coding(struct judge *judge)
{
	if (judge->head.coding == HEAD_GZIP)
		judge->inflate = inflate_new(pass_text, judge);
	else if (judge->head.coding == HEAD_FOREIGN &&
		 judge->result.status != 200)
		judge->is_body_dropped = true;
}

static void
begin_body(struct judge *judge)
{
	struct judge_result *result = &judge->result;
	bool is_bodyless = result->status == 204 || result->status == 304 ||
			   result->status == 101;

	result->is_head_complete = true;
	if (judge->head.coding == HEAD_FOREIGN && result->status == 200) {
		head_condemn(result, VERDICT_ENCODING_UNSUPPORTED,
		    "Content-Encoding:", result->content_encoding,
		    strlen(result->content_encoding));
		judge->phase = PHASE_DONE;
		return;
	}
	judge->phase = PHASE_BODY;
	judge->is_until_close =
	    !is_bodyless && !result->has_length && !result->is_chunked;
	/*
	 * libcurl throws away what it reads behind an empty body and keeps the
	 * connection, so nobody can say that nothing more is on its way.
	 */
	result->is_keep_alive = !judge->is_message_complete &&
				!judge->is_until_close &&
				http_should_keep_alive(&judge->parser);
	if (!is_bodyless)
		choose_coding(judge);
	if (judge->is_message_complete)
		finish_body(judge);
}

/* An interim answer's headers say nothing of the final one. */
static void
forget_head(struct judge *judge)
{
	struct judge_result *result = &judge->result;
	unsigned interim_count = result->interim_count;

	memset(result, 0, sizeof(*result));
	result->has_any_byte = true;
	result->interim_count = interim_count;
	head_init(&judge->head);
}

static void
end_head(struct judge *judge)
{
	struct judge_result *result = &judge->result;
	char words[64];

	if (!is_agreed(judge)) {
		result->is_stricter = true;
		head_condemn(result, VERDICT_BAD_FRAMING,
		    "ambiguous head:", http_errno_name(judge->head_errno),
		    strlen(http_errno_name(judge->head_errno)));
		judge->phase = PHASE_DONE;
		return;
	}
	if (result->status / 100 != 1 || result->status == 101) {
		begin_body(judge);
		return;
	}
	if (++result->interim_count <= judge->limits.interim_max) {
		forget_head(judge);
		return;
	}
	snprintf(words, sizeof(words), "more than %u interim answers",
	    judge->limits.interim_max);
	condemn(judge, VERDICT_HEADER_TOO_LARGE, words);
}

static void
feed_head(struct judge *judge, const char *line, size_t len)
{
	if (judge->head.lines == 1) {
		http_parser_init(&judge->parser, HTTP_RESPONSE);
		judge->parser.data = judge;
		judge->head_errno = HPE_OK;
		judge->is_message_complete = false;
	}
	if (judge->head_errno != HPE_OK)
		return;
	run_parser(judge, line, len);
	if (has_parser_failed(judge))
		judge->head_errno = HTTP_PARSER_ERRNO(&judge->parser);
}

static int
answer(const struct judge *judge)
{
	return judge->result.verdict <= VERDICT_WHOLE ? 0 : -1;
}

int
judge_head_line(struct judge *judge, const char *line, size_t len)
{
	enum head_step step;

	judge->result.has_any_byte |= len > 0;
	if (judge->phase != PHASE_HEAD)
		return answer(judge);
	step =
	    head_line(&judge->head, &judge->limits, &judge->result, line, len);
	if (step == HEAD_CONDEMNED) {
		judge->phase = PHASE_DONE;
		return -1;
	}
	if (!judge->head.is_torn)
		feed_head(judge, line, len);
	if (step == HEAD_COMPLETE)
		end_head(judge);
	return answer(judge);
}

/* Returns how many bytes were the answer's. */
static size_t
take_plain(struct judge *judge, const char *bytes, size_t len)
{
	size_t taken = run_parser(judge, bytes, len);

	if (judge->is_message_complete && judge->phase == PHASE_BODY)
		finish_body(judge);
	return taken;
}

static size_t
take_data(struct judge *judge, const char *bytes, size_t len)
{
	if (len > judge->chunk.left)
		len = (size_t)judge->chunk.left;
	run_parser(judge, bytes, len);
	chunk_pass(&judge->chunk, len);
	return len;
}

static size_t
take_framing(struct judge *judge, const char *bytes, size_t len)
{
	struct chunk *chunk = &judge->chunk;
	bool is_hidden;

	len = chunk_take(
	    chunk, &judge->limits, &judge->result, bytes, len, &is_hidden);
	if (len == 0) {
		judge->phase = PHASE_DONE;
		return 0;
	}
	if (!is_hidden)
		run_parser(judge, bytes, len);
	if (chunk->state == CHUNK_SIZED)
		chunk_begin(chunk, judge->parser.content_length);
	return len;
}

/*
 * In the middle of a size line the parser's objection waits for the end of the
 * line: ours may come before it.
 */
static bool
is_chunk_disputed(const struct judge *judge)
{
	if (judge->chunk.state < CHUNK_SIZED)
		return false;
	return has_parser_failed(judge) ||
	       judge->is_message_complete != (judge->chunk.state == CHUNK_DONE);
}

static size_t
take_chunked(struct judge *judge, const char *bytes, size_t len)
{
	const char *p = bytes, *end = bytes + len;

	while (p < end && judge->phase == PHASE_BODY) {
		if (judge->chunk.state == CHUNK_DATA)
			p += take_data(judge, p, (size_t)(end - p));
		else
			p += take_framing(judge, p, (size_t)(end - p));
		if (judge->phase != PHASE_BODY)
			break;
		if (is_chunk_disputed(judge))
			condemn(judge, VERDICT_CHUNK_MALFORMED,
			    "malformed chunked encoding");
		else if (judge->is_message_complete)
			finish_body(judge);
	}
	return (size_t)(p - bytes);
}

static void
condemn_headless(struct judge *judge, const char *bytes, size_t len)
{
	escape_quoted(judge->result.first_bytes,
	    sizeof(judge->result.first_bytes), bytes, len);
	head_condemn(&judge->result, VERDICT_NOT_HTTP,
	    "malformed HTTP response", bytes, len);
	judge->phase = PHASE_DONE;
}

int
judge_body(struct judge *judge, const char *bytes, size_t len)
{
	size_t taken = 0;

	if (len == 0)
		return answer(judge);
	judge->result.has_any_byte = true;
	if (judge->phase == PHASE_HEAD)
		condemn_headless(judge, bytes, len);
	else if (judge->phase == PHASE_BODY && judge->result.is_chunked)
		taken = take_chunked(judge, bytes, len);
	else if (judge->phase == PHASE_BODY)
		taken = take_plain(judge, bytes, len);
	/* Bytes behind the end must not reach the next answer. */
	if (taken < len)
		judge->result.is_keep_alive = false;
	return answer(judge);
}

static void
condemn_truncated(struct judge *judge)
{
	const struct judge_result *result = &judge->result;
	char words[96];

	if (result->is_chunked && judge->chunk.state >= CHUNK_TRAILERS) {
		condemn(judge, VERDICT_CHUNK_MALFORMED,
		    "http: unexpected EOF reading trailer");
		return;
	}
	if (result->has_length)
		snprintf(words, sizeof(words),
		    "got %" PRIu64 " of %" PRIu64 " bytes", judge->raw_bytes,
		    result->content_length);
	else
		snprintf(words, sizeof(words), "%s after %" PRIu64 " bytes",
		    result->is_chunked ? "no last chunk" : "broken off",
		    judge->raw_bytes);
	condemn(judge, VERDICT_BODY_TRUNCATED, words);
}

void
judge_end(struct judge *judge, bool is_closed)
{
	if (judge->phase == PHASE_HEAD && judge->result.has_any_byte)
		condemn(judge, VERDICT_CLOSED_IN_HEADERS, "unexpected EOF");
	if (judge->phase != PHASE_BODY)
		return;
	if (judge->is_until_close && is_closed)
		run_parser(judge, NULL, 0);
	if (judge->is_message_complete)
		finish_body(judge);
	else
		condemn_truncated(judge);
}

const struct judge_result *
judge_result(const struct judge *judge)
{
	return &judge->result;
}

struct judge *
judge_new(const struct judge_limits *limits, const struct judge_sink *sink)
{
	struct judge *judge = xcalloc(1, sizeof(*judge));

	assert(sink->raw != NULL && sink->text != NULL);
	judge->limits = *limits;
	judge->sink = *sink;
	return judge;
}

void
judge_free(struct judge *judge)
{
	if (judge == NULL)
		return;
	inflate_free(judge->inflate);
	free(judge);
}

void
judge_reset(struct judge *judge)
{
	struct judge_limits limits = judge->limits;
	struct judge_sink sink = judge->sink;

	inflate_free(judge->inflate);
	memset(judge, 0, sizeof(*judge));
	judge->limits = limits;
	judge->sink = sink;
}
