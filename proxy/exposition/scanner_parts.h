/* Private to the scanner: its state, and the steps of its files. */
#ifndef PROXY_EXPOSITION_SCANNER_PARTS_H
#define PROXY_EXPOSITION_SCANNER_PARTS_H

#include "proxy/exposition/fast.h"
#include "proxy/exposition/learn.h"
#include "proxy/exposition/protobuf.h"
#include "proxy/exposition/scanner.h"

struct scanner {
	struct scanner_options options;
	enum exposition_format format; /* what is read */
	struct scanner_result result;
	struct learn learn;
	struct fast fast;
	struct protobuf protobuf;
	struct parse parses[PROMETHEUS_COUNT];
	bool is_reading[PROMETHEUS_COUNT]; /* of that version: not refused */
	bool is_over;                      /* nothing more is read */
	bool is_finished;
	uint64_t bytes;
	unsigned char last_byte;
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

void scanner_refuse(struct scanner *scanner, enum prometheus version,
    enum reason reason, uint64_t line, uint64_t column);

/* Nobody knows what comes of it: a bound of ours was met. */
void scanner_give_up(struct scanner *scanner);

bool scanner_has_reader(const struct scanner *scanner);

/* After the end: limits, warnings that take the whole body. */
void scanner_conclude(struct scanner *scanner);

#endif
