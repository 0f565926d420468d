/*
 * Private to the description of a finding: the facts of one report, worked out
 * once, in the three voices that a finding has.
 *
 *   words  the status line: nothing that the exporter sent
 *   raw    lastError: may quote the exporter, escaped
 *   fix    commands: URLs as a shell and curl take them
 *
 * Storage of all borrowed strings is the sketch itself.
 */
#ifndef PROXY_DIAGNOSIS_SKETCH_H
#define PROXY_DIAGNOSIS_SKETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proxy/diagnosis/classify.h"
#include "proxy/diagnosis/reasons.h"
#include "proxy/fetch/phases.h"

struct conf_place;
struct conf_target;
struct report;

struct sketch {
	enum reason reason;
	const struct report *report;
	const struct conf_target *target;
	uint64_t elapsed_us;
	int64_t timeout_ms;
	uint64_t step_us; /* what {elapsed} stands for */
	struct circumstances circumstances;
	const struct baseline_verdict *baseline; /* never NULL */

	struct facts words;
	struct facts raw;
	struct facts fix;

	char host[256];
	char port[8];
	char address[256];
	char elapsed[24];
	char timeout[24];
	char normal[48];
	char enough[24];
	char bytes[48];
	char code[8];
	char status[80];
	char place[128];
	char listener[160];
	char shell_url[320];
	char detail[200];
	char raw_detail[400];
};

void sketch_init(struct sketch *sketch, enum reason reason,
    const struct report *report, const struct conf_target *target,
    uint64_t elapsed_us, int64_t timeout_ms,
    const struct circumstances *circumstances);

/* How long the step that `phase` measures has taken. */
uint64_t sketch_step_us(const struct sketch *sketch, enum phase phase);

/* What the step of {elapsed} usually takes; 0 unknown. */
uint64_t sketch_normal_us(const struct sketch *sketch);

/* {detail} of words and raw, for the reasons that have one. */
void sketch_detail(struct sketch *sketch);

/* Likewise, of what the body says; {said} too. */
void sketch_detail_body(struct sketch *sketch);

/* The evidence, each piece marked (measured), (inferred) or (unknown). */
void sketch_seen(const struct sketch *sketch, char *out, size_t size);

/* snprintf() that cuts without complaint. */
void sketch_print(char *out, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#define SKETCH_DURATION_SIZE 24

/* "9.5s", "0.2ms", or with a `gap` of " " "9.5 s". */
const char *sketch_duration(
    char out[SKETCH_DURATION_SIZE], uint64_t us, const char *gap);

/* " (scrapegate.yml:14)", or "" for flags and defaults. */
void sketch_place(char *out, size_t size, const struct conf_place *place);

/* Is the target's upstream this kind of thing? */
bool sketch_is_unix(const struct sketch *sketch);
bool sketch_is_file(const struct sketch *sketch);

/* Only the look of its text says that the body was cut. */
bool sketch_may_be_cut(const struct sketch *sketch);

/* The name that the exporter's certificate has to be for. */
const char *sketch_wanted_name(const struct sketch *sketch);

#endif
