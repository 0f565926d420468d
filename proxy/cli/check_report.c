#include "proxy/cli/check_report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/base/escape.h"
#include "proxy/base/json.h"
#include "proxy/diagnosis/reading_json.h"
#include "proxy/exposition/lint.h"

#define HINTS_MAX 100
#define NAME_SIZE 512

static const char *const versions[] = {
	[PROMETHEUS_3] = "Prometheus 3",
	[PROMETHEUS_242] = "Prometheus 2.42",
};

static const char *const version_keys[] = {
	[PROMETHEUS_3] = "3",
	[PROMETHEUS_242] = "2.42",
};

static const char *const judgements[] = {
	[SCANNER_ACCEPTED] = "accepted",
	[SCANNER_REFUSED] = "refused",
	[SCANNER_UNKNOWN] = "unknown",
};

struct hints {
	FILE *out;
	struct cJSON *list;
	size_t count;
};

/* "line 3 column 5", or what else there is: a Content-Type. */
static const char *
place(const struct scanner_verdict *verdict, char *out, size_t size)
{
	if (verdict->line > 0)
		snprintf(out, size, "line %" PRIu64 " column %" PRIu64,
		    verdict->line, verdict->column);
	else
		snprintf(out, size, "%s",
		    verdict->offending[0] != '\0' ? verdict->offending
						  : "the answer as a whole");
	return out;
}

static void
words(const struct scanner_verdict *verdict, char *out, size_t size)
{
	struct facts facts = { .said = verdict->said };
	char at[SCANNER_OFFENDING_MAX];

	facts.detail = place(verdict, at, sizeof(at));
	facts_expand(
	    out, size, reason_row(verdict->reason)->words, &facts, false);
}

/* What Go quoted is plain; names it printed as they are may be anything. */
static void
print_said(const char *said, FILE *out)
{
	fputs("  lastError: ", out);
	for (; *said != '\0'; said++) {
		unsigned char c = (unsigned char)*said;

		fputc(c < 0x20 || c == 0x7f ? ' ' : c, out);
	}
	fputc('\n', out);
}

static void
print_verdict(
    const struct check_report *report, enum prometheus version, FILE *out)
{
	const struct scanner_verdict *verdict =
	    &report->result->verdicts[version];
	const struct reason_row *row = reason_row(verdict->reason);
	char text[512];

	fprintf(
	    out, "%s: %s", versions[version], judgements[verdict->judgement]);
	if (verdict->judgement != SCANNER_REFUSED) {
		fputs(verdict->judgement == SCANNER_UNKNOWN
			  ? ": not judged: OpenMetrics 2, which depends on "
			    "the version and its features, or an entry of more "
			    "than 1 MiB\n"
			  : "\n",
		    out);
		return;
	}
	words(verdict, text, sizeof(text));
	fprintf(out, ": %s: %s\n", row->id, text);
	if (verdict->line > 0 && verdict->offending[0] != '\0')
		fprintf(out, "  there:     %s\n", verdict->offending);
	if (verdict->said[0] != '\0')
		print_said(verdict->said, out);
	fprintf(out, "  cause:     %s\n", row->cause);
}

static void
print_warnings(const struct warnings *warnings, FILE *out)
{
	char name[NAME_SIZE];
	size_t i, k;

	for (i = 0; i < WARNING_COUNT; i++) {
		const struct warning_row *row = &warnings->rows[i];

		if (row->count == 0)
			continue;
		fprintf(out, "warning: %s: %s", warning_id((enum warning)i),
		    warning_words((enum warning)i));
		if (row->first_line > 0)
			fprintf(out, " (%" PRIu64 ", first in line %" PRIu64,
			    row->count, row->first_line);
		else
			fprintf(out, " (%" PRIu64, row->count);
		for (k = 0; k < row->offender_count && k < WARNING_TOP; k++) {
			escape_quoted(name, sizeof(name),
			    row->offenders[k].name,
			    strlen(row->offenders[k].name));
			fprintf(out, "%s %s", k == 0 ? ":" : ",", name);
		}
		fputs(")\n", out);
	}
}

static void
take_hint(const struct lint_hint *hint, void *arg)
{
	struct hints *hints = arg;
	char name[NAME_SIZE];
	struct cJSON *object;

	if (hints->count++ >= HINTS_MAX)
		return;
	escape_quoted(
	    name, sizeof(name), (const char *)hint->name, hint->name_len);
	if (hints->list == NULL) {
		fprintf(hints->out, "hint: %s: line %" PRIu64 ": %s: %s\n",
		    hint->id, hint->line, name, hint->words);
		return;
	}
	object = json_add_object(hints->list, NULL);
	json_add_string(object, "id", hint->id);
	json_add_number(object, "line", (double)hint->line);
	json_add_string(object, "metric", name);
	json_add_string(object, "words", hint->words);
}

static void
run_lint(const struct check_report *report, struct hints *hints)
{
	if (report->format == FORMAT_TEXT ||
	    report->format == FORMAT_OPENMETRICS)
		lint_run(report->body, report->len,
		    report->format == FORMAT_OPENMETRICS, take_hint, hints);
}

static void
print_facts(const struct exposition_facts *facts, FILE *out)
{
	char name[NAME_SIZE];
	size_t i;

	fprintf(out,
	    "%" PRIu64 " samples in %" PRIu64 " families, %" PRIu64
	    " bytes, %" PRIu64 " exemplars\n",
	    facts->samples, facts->families, facts->bytes, facts->exemplars);
	for (i = 0; i < facts->top_count; i++) {
		escape_quoted(name, sizeof(name), facts->top[i].name,
		    strlen(facts->top[i].name));
		fprintf(out, "  %10" PRIu64 " bytes %8" PRIu64 " samples  %s\n",
		    facts->top[i].bytes, facts->top[i].samples, name);
	}
}

static void
add_verdicts(const struct scanner_result *result, struct cJSON *root)
{
	struct cJSON *list = json_add_object(root, "verdicts"), *object;
	char text[512];
	int i;

	for (i = 0; i < PROMETHEUS_COUNT; i++) {
		const struct scanner_verdict *verdict = &result->verdicts[i];

		object = json_add_object(list, version_keys[i]);
		json_add_string(
		    object, "verdict", judgements[verdict->judgement]);
		if (verdict->judgement != SCANNER_REFUSED)
			continue;
		words(verdict, text, sizeof(text));
		json_add_string(
		    object, "reason", reason_row(verdict->reason)->id);
		json_add_string(object, "words", text);
		json_add_number(object, "line", (double)verdict->line);
		json_add_number(object, "column", (double)verdict->column);
		json_add_string(object, "offending", verdict->offending);
		json_add_string(object, "lastError", verdict->said);
	}
}

static void
add_warnings(const struct warnings *warnings, struct cJSON *root)
{
	struct cJSON *list = json_add_array(root, "warnings"), *object, *top;
	char name[NAME_SIZE];
	size_t i, k;

	for (i = 0; i < WARNING_COUNT; i++) {
		const struct warning_row *row = &warnings->rows[i];

		if (row->count == 0)
			continue;
		object = json_add_object(list, NULL);
		json_add_string(object, "id", warning_id((enum warning)i));
		json_add_string(
		    object, "words", warning_words((enum warning)i));
		json_add_number(object, "count", (double)row->count);
		json_add_number(object, "firstLine", (double)row->first_line);
		top = json_add_array(object, "metrics");
		for (k = 0; k < row->offender_count && k < WARNING_TOP; k++) {
			escape_quoted(name, sizeof(name),
			    row->offenders[k].name,
			    strlen(row->offenders[k].name));
			json_add_string(top, NULL, name);
		}
	}
}

static void
print_json(const struct check_report *report, FILE *out)
{
	struct cJSON *root = json_object_new();
	struct hints hints = { .out = out };
	char *text;

	add_verdicts(report->result, root);
	add_warnings(&report->result->warnings, root);
	hints.list = json_add_array(root, "hints");
	run_lint(report, &hints);
	facts_json(json_add_object(root, "facts"), &report->result->facts);
	text = json_print(root);
	fprintf(out, "%s\n", text);
	free(text);
	json_free(root);
}

void
check_report_print(struct check_report *report, FILE *out)
{
	const struct scanner_result *result = report->result;
	struct hints hints = { .out = out };
	int i;

	report->result_code =
	    result->verdicts[report->version].judgement != SCANNER_ACCEPTED;
	if (report->is_json) {
		print_json(report, out);
		return;
	}
	for (i = 0; i < PROMETHEUS_COUNT; i++)
		print_verdict(report, (enum prometheus)i, out);
	print_warnings(&result->warnings, out);
	run_lint(report, &hints);
	if (hints.count > HINTS_MAX)
		fprintf(out, "hint: and %zu more\n", hints.count - HINTS_MAX);
	print_facts(&result->facts, out);
}
