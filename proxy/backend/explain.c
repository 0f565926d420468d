#include "proxy/backend/explain.h"

#include <stdio.h>
#include <string.h>

#include "conf/conf.h"
#include "proxy/diagnosis/classify.h"
#include "proxy/fetch/report.h"

struct place {
	const char *host;
	char address[300]; /* that was dialled, or would have been */
	unsigned timeout_ms;
	unsigned long long answer_max;
};

static void
find_place(struct place *place, const struct report *report,
    const struct conf_target *target, unsigned timeout_ms)
{
	bool is_v6 = strchr(target->url.host, ':') != NULL;

	place->host = target->url.host;
	place->timeout_ms = timeout_ms;
	place->answer_max = target->body_size_limit - 1;
	if (report->address[0] != '\0')
		snprintf(place->address, sizeof(place->address), "%s",
		    report->address);
	else
		snprintf(place->address, sizeof(place->address), "%s%s%s:%u",
		    is_v6 ? "[" : "", target->url.host, is_v6 ? "]" : "",
		    target->url.port);
}

/* Go's words are one and the same for all of these. */
static void
explain_timeout(
    char *out, size_t size, enum reason reason, const struct place *place)
{
	static const struct {
		const char *before;
		enum reason reason;
		bool has_host; /* else the address */
	} rows[] = {
		{ "dial tcp: lookup ", REASON_TIMEOUT_DNS, true },
		{ "dial tcp ", REASON_TIMEOUT_CONNECT, false },
		{ "TLS handshake with ", REASON_TIMEOUT_TLS, false },
		{ "no answer from ", REASON_TIMEOUT_HEADERS, false },
		{ "unfinished answer from ", REASON_TIMEOUT_BODY, false },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].reason == reason)
			break;
	if (i == sizeof(rows) / sizeof(rows[0]))
		snprintf(out, size, "context deadline exceeded after %u ms",
		    place->timeout_ms);
	else
		snprintf(out, size,
		    "%s%s: context deadline exceeded after %u ms",
		    rows[i].before,
		    rows[i].has_host ? place->host : place->address,
		    place->timeout_ms);
}

/* lastError without its `Get "URL": `: whoever reads knows what was called. */
static const char *
words_of(const struct finding *finding, const char *url,
    const struct judge_result *judge)
{
	static const char verb[] = "Get \"";
	const char *words = finding->lasterror;
	size_t verb_len = sizeof(verb) - 1, url_len = strlen(url);

	/* What Go would have taken has no words of Go's. */
	if (words[0] == '\0')
		return judge->detail[0] != '\0' ? judge->detail
						: finding->words;
	if (strncmp(words, verb, verb_len) == 0 &&
	    strncmp(words + verb_len, url, url_len) == 0 &&
	    strncmp(words + verb_len + url_len, "\": ", 3) == 0)
		words += verb_len + url_len + 3;
	return words;
}

static void
explain_rest(char *out, size_t size, const struct report *report,
    const struct conf_target *target, const struct place *place)
{
	enum reason reason = classify(report);
	const struct judge_result *judge = &report->judge;
	struct finding finding;

	if (report->end == ATTEMPT_TIMEOUT) {
		explain_timeout(out, size, reason, place);
		return;
	}
	finding_describe(&finding, reason, report, target, 0, 0);
	switch (reason) {
	case REASON_LIMIT_BODY_SIZE:
		snprintf(out, size, "the answer is larger than %llu bytes",
		    place->answer_max);
		break;
	case REASON_HTTP_CLOSED_BEFORE_RESPONSE:
		snprintf(out, size, "EOF: %s closed without an answer",
		    place->address);
		break;
	case REASON_BODY_TRUNCATED:
		snprintf(out, size, "unexpected EOF: %s", judge->detail);
		break;
	default:
		snprintf(out, size, "%s",
		    words_of(&finding, target->url.text, judge));
	}
}

void
explain_failure(char *out, size_t size, const struct report *report,
    const struct conf_target *target, unsigned timeout_ms)
{
	struct report here = *report;
	struct place place;

	find_place(&place, report, target, timeout_ms);
	/* Neither a status nor a redirect is what was wrong with it. */
	if (here.judge.is_head_complete)
		here.judge.status = 200;
	here.redirect_refused = here.redirect_bad = false;
	explain_rest(out, size, &here, target, &place);
}
