/* Private to the scanner: its state, and the steps of its files. */
#ifndef PROXY_EXPOSITION_SCANNER_PARTS_H
#define PROXY_EXPOSITION_SCANNER_PARTS_H

#include "proxy/exposition/fast.h"
#include "proxy/exposition/learn.h"
#include "proxy/exposition/protobuf.h"
#include "proxy/exposition/scanner.h"

/* Bytes of a body's beginning and end that are looked at; see is_other(). */
#define SCANNER_HEAD 12
#define SCANNER_TAIL 6

/*
 * Who reads: each version, and where Prometheus 3 does not for the
 * Content-Type, it once more as if its fallback_scrape_protocol said text.
 */
enum { READER_FALLBACK = PROMETHEUS_COUNT, READER_COUNT };

struct scanner {
	struct scanner_options options;
	enum exposition_format format; /* what is read */
	struct scanner_result result;
	struct learn learn;
	struct fast fast;
	struct protobuf protobuf;
	struct parse parses[READER_COUNT];
	bool is_reading[READER_COUNT];   /* not refused */
	struct scanner_verdict fallback; /* of READER_FALLBACK */
	bool is_disputed;                /* a refusal, between releases */
	bool is_over;                    /* nothing more is read */
	bool is_finished;
	uint64_t bytes;
	unsigned char last_byte;
	unsigned char head[SCANNER_HEAD]; /* the first bytes */
	unsigned char tail[SCANNER_TAIL]; /* the last ones, newest last */
	bool has_read_all;    /* of a text, and the newline added to it */
	bool has_eof_comment; /* "# EOF" in the text format */

	/* The beginning of an entry whose end has not come yet. */
	unsigned char *carry;
	size_t carry_len, carry_room;
	size_t carry_wanted; /* do not try again with less */
};

/* Reads whole entries; returns how many bytes they take. */
size_t scanner_read_text(struct scanner *scanner, const unsigned char *bytes,
    size_t len, size_t slack, bool is_last);

struct scanner_verdict *scanner_verdict_of(struct scanner *scanner, int reader);

/* Is the series in `parse` dropped before its labels are minded? */
bool scanner_drops(
    const struct scanner *scanner, int reader, const struct parse *parse);

void scanner_refuse(struct scanner *scanner, int reader, enum reason reason,
    uint64_t line, uint64_t column);

/* Nobody knows what comes of it: a bound of ours was met. */
void scanner_give_up(struct scanner *scanner);

bool scanner_has_reader(const struct scanner *scanner);

/* After the end: limits, warnings that take the whole body. */
void scanner_conclude(struct scanner *scanner);

#endif
