/*
 * The judge behind libcurl: sees every raw header line and raw body byte of
 * an answer and alone decides whether it was whole and well framed.  libcurl
 * is too lenient for that (it calls an answer cut inside its head a success).
 *
 * Pure: no loop, no clock, no allocation beyond zlib's; feed it in any
 * chunks, the verdict is the same.  One judge per answer, one thread at a time.
 *
 * Rules: RFC 9112 framing, with the packaged http-parser (lenient build) plus
 * own byte rules where it accepts too much; what Go's net/http refuses is
 * refused, what it accepts passes.
 */
#ifndef PROXY_FETCH_JUDGE_H
#define PROXY_FETCH_JUDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In the order in which a verdict beats the later ones. */
enum verdict {
	VERDICT_PENDING, /* not whole yet */
	VERDICT_WHOLE,
	VERDICT_NOT_HTTP, /* first line is no HTTP/1.x status line */
	VERDICT_HEADER_MALFORMED,
	VERDICT_HEADER_TOO_LARGE, /* head_max, line count, or interim answers */
	VERDICT_BAD_FRAMING,      /* Content-Length or Transfer-Encoding */
	VERDICT_CLOSED_IN_HEADERS, /* also if libcurl kept a line back */
	VERDICT_CHUNK_MALFORMED,
	VERDICT_BODY_TRUNCATED, /* short of Content-Length, no last chunk, or
				   close-delimited text without final newline */
	VERDICT_GZIP_EMPTY,
	VERDICT_GZIP_HEADER, /* not gzip at all, or junk behind it */
	VERDICT_GZIP_CHECKSUM,
	VERDICT_GZIP_CORRUPT,
	VERDICT_GZIP_TRUNCATED,
	VERDICT_ENCODING_UNSUPPORTED,
	VERDICT_SINK_REFUSED /* the sink said no: a limit */
};

struct judge_limits {
	size_t head_max;            /* bytes of one head, 64 KiB */
	unsigned headers_max;       /* lines of one head, 1000 */
	unsigned interim_max;       /* 1xx answers before the final one, 8 */
	size_t chunk_extension_max; /* 256 */
	size_t trailer_max;         /* 4096 */
	/*
	 * An answer that nothing but the connection's end ends need not look
	 * like a whole text of metrics: who reads it can tell.
	 */
	bool may_break_off;
};

extern const struct judge_limits judge_default_limits;

#define JUDGE_TEXT_SIZE 128

struct judge_result {
	enum verdict verdict;
	/*
	 * What exactly, escaped; in Go's words where it has some: `bad
	 * Content-Length "abc"`.  Of BODY_TRUNCATED `got 3 of 30 bytes`, of
	 * GZIP_CORRUPT the offset alone.
	 */
	char detail[160];
	bool is_stricter;      /* condemned by a rule that Go has not: what
				  Prometheus would say is nobody's guess */
	int status;            /* of the final answer; 0 none yet */
	char reason[64];       /* its reason phrase, escaped */
	bool is_head_complete; /* the final answer's blank line was seen */
	bool has_any_byte;
	unsigned interim_count;
	char content_type[256]; /* first Content-Type, raw; "" if none */
	bool has_content_type;
	char content_encoding[32];
	char www_authenticate[64]; /* scheme words only, escaped */
	char location[256];        /* escaped */
	unsigned retry_after_s;    /* if told in seconds; at most an hour */
	bool has_length;
	uint64_t content_length;
	bool is_chunked;
	bool is_keep_alive;   /* the connection may be used again; never
				 behind an empty body */
	char first_bytes[64]; /* of the head, escaped, for NOT_HTTP */
};

/*
 * Takes body bytes: chunk framing removed, still in their Content-Encoding
 * (`raw`), and again inflated (`text`).  For identity only text is called.
 * Returns -1 to refuse more (a limit): the verdict is SINK_REFUSED.
 */
struct judge_sink {
	int (*raw)(void *arg, const char *bytes, size_t len);
	int (*text)(void *arg, const char *bytes, size_t len);
	void *arg;
};

struct judge;

/* `limits` and `sink` are copied. */
struct judge *judge_new(
    const struct judge_limits *limits, const struct judge_sink *sink);
void judge_free(struct judge *judge);

/* Forgets everything: the next answer (a redirect, a retry). */
void judge_reset(struct judge *judge);

/*
 * A header line as libcurl hands it over, line end included; also the blank
 * one.  Returns -1 once the answer is condemned; more input is ignored then.
 */
int judge_head_line(struct judge *judge, const char *line, size_t len);

/* Raw body bytes, chunk framing included. */
int judge_body(struct judge *judge, const char *bytes, size_t len);

/*
 * No more bytes will come.  `is_closed` says that the peer closed (ends a
 * close-delimited body); false if libcurl ended the transfer by itself.
 */
void judge_end(struct judge *judge, bool is_closed);

/* Valid until the next call. */
const struct judge_result *judge_result(const struct judge *judge);

#endif
