/*
 * Private to the description of a finding: where a row's texts would not be
 * the whole truth, the first variant of the reason that applies replaces those
 * it has.
 */
#ifndef PROXY_DIAGNOSIS_VARIANTS_H
#define PROXY_DIAGNOSIS_VARIANTS_H

#include <stdbool.h>
#include <stddef.h>

#include "proxy/diagnosis/reasons.h"

struct sketch;

struct variant {
	enum reason reason;
	bool (*applies)(const struct sketch *sketch);
	const char *words;
	const char *lasterror;
	const char *cause;
	const char *fix;
};

/* Of what the body says. */
extern const struct variant variants_body[];
extern const size_t variants_body_count;

#endif
