#include "proxy/cache/cache_parts.h"

#include "conf/conf.h"
#include "proxy/cache/answer.h"
#include "proxy/diagnosis/classify.h"
#include "proxy/exposition/scanner.h"
#include "proxy/fetch/attempt.h"
#include "proxy/fetch/repair.h"
#include "proxy/fetch/report.h"

static void
pause_attempt(void *arg)
{
	struct entry *entry = arg;

	entry->was_paused = true;
	attempt_pause(entry->attempt);
}

static void
resume_attempt(void *arg)
{
	struct entry *entry = arg;

	attempt_resume(entry->attempt);
}

/* Whose fault it is that time ran out: an exporter that had to wait for its
 * readers was not slow. */
static void
lose_readers(void *arg, enum tap_close why, bool was_full)
{
	struct entry *entry = arg;
	struct report report;
	bool is_late = why == TAP_CLOSE_LATE && !was_full;

	if (entry_is_wanted(entry))
		return;
	attempt_view(entry->attempt, &report);
	entry_end_attempt(
	    entry, is_late ? ATTEMPT_TIMEOUT : ATTEMPT_CANCELLED, &report);
}

static void
open_taps(struct entry *entry, struct answer *answer)
{
	struct cache *cache = entry->cache;
	struct scrape *scrape, *next;

	for (scrape = TAILQ_FIRST(&entry->waiting); scrape != NULL;
	     scrape = next) {
		next = TAILQ_NEXT(scrape, link);
		if (scrape->is_head)
			continue;
		cache_stop_waiting(scrape);
		scrape->answer = answer_ref(answer);
		scrape->tap = tap_new(cache->options.mailbox, scrape->reply_to,
		    scrape->wants_gzip);
		stream_join(entry->stream, scrape->tap);
		cache_send_back(scrape);
	}
}

/* An eighth of the budget, so that a few streams leave room for others. */
static size_t
window_of(const struct cache *cache)
{
	uint64_t bytes = cache->options.body_max / 8;

	if (bytes > STREAM_WINDOW_MAX)
		return STREAM_WINDOW_MAX;
	return bytes < STREAM_WINDOW_MIN ? STREAM_WINDOW_MIN : (size_t)bytes;
}

static void
begin_stream(void *arg, const struct judge_result *head, struct payload *so_far)
{
	struct entry *entry = arg;
	struct cache *cache = entry->cache;
	struct stream_options options = {
		.base = cache->options.base,
		.streams = &cache->streams,
		.window = window_of(cache),
		.is_counting = entry->key.target->validate == CONF_VALIDATE_OFF,
		.pause = pause_attempt,
		.resume = resume_attempt,
		.deserted = lose_readers,
		.arg = entry,
	};
	struct judge_result mine = *head;
	struct answer *answer;

	repair_content_type(entry->key.target, &mine);
	answer = answer_new_stream(&mine);
	entry->stream = stream_new(&options);
	if (entry->newest != NULL)
		entry_evict(entry);
	open_taps(entry, answer);
	answer_unref(answer);
	stream_begin(entry->stream, so_far);
}

static void
pass_text(void *arg, const char *bytes, size_t len)
{
	struct entry *entry = arg;

	stream_text(entry->stream, bytes, len);
}

static void
pass_raw(void *arg, const char *bytes, size_t len)
{
	struct entry *entry = arg;

	stream_raw(entry->stream, bytes, len);
}

struct attempt_flow
entry_flow(const struct entry *entry)
{
	return (struct attempt_flow){
		.above = entry->key.target->stream_above,
		.begin = begin_stream,
		.text = pass_text,
		.raw = pass_raw,
	};
}

void
entry_finish_stream(struct entry *entry, struct report *report)
{
	struct stream *stream = entry->stream;
	struct finding finding;
	struct answer *answer;
	uint64_t samples = report->scan != NULL ? report->scan->facts.samples
						: stream_samples(stream);

	entry->stream = NULL;
	entry_describe(entry, report, entry->timeout_ms, &finding);
	entry_record(
	    entry, report, &finding, finding.is_delivered ? samples : 0);
	repair_content_type(entry->key.target, &report->judge);
	answer = finding.is_delivered
		     ? answer_new_stream(&report->judge)
		     : answer_new_failure(&finding, report->error_text);
	if (finding.is_delivered)
		stream_end(stream);
	else
		stream_break(stream, answer);
	entry_answer_all(entry, answer);
	answer_unref(answer);
}
