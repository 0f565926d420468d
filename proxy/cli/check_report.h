/* What check-metrics prints: verdicts, warnings, hints and what there is. */
#ifndef PROXY_CLI_CHECK_REPORT_H
#define PROXY_CLI_CHECK_REPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "proxy/exposition/scanner.h"

struct check_report {
	const struct scanner_result *result;
	const unsigned char *body;
	size_t len;
	enum exposition_format format; /* of `version`; FORMAT_NONE refused */
	enum prometheus version;       /* whose verdict counts */
	bool is_json;
	int result_code; /* out: 0 that version takes it, 1 it does not */
};

void check_report_print(struct check_report *report, FILE *out);

#endif
