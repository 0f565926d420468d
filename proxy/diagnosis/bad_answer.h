/*
 * What an exporter really said when its answer was bad: made on the fetch
 * thread with the record of it, kept by the board until the next one, and
 * shown by the admin listener alone.
 */
#ifndef PROXY_DIAGNOSIS_BAD_ANSWER_H
#define PROXY_DIAGNOSIS_BAD_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proxy/diagnosis/reasons.h"

struct finding;
struct report;

/* Freed by free(); the bytes are raw, but for what said.h masks. */
struct bad_answer {
	uint64_t wall_us; /* when the attempt started */
	enum reason reason;
	char words[200]; /* of the finding */
	size_t head_len;
	size_t len; /* head and body */
	bool is_cut;
	bool is_inflated;
	char bytes[];
};

/* NULL if nothing came, or if what came was delivered or not judged. */
struct bad_answer *bad_answer_new(const struct finding *finding,
    const struct report *report, uint64_t wall_us);

#endif
