#include "proxy/fetch/attempt_parts.h"

#include <stdio.h>
#include <string.h>

#include "conf/conf.h"
#include "proxy/base/clock.h"
#include "proxy/base/err.h"
#include "proxy/fetch/fetcher.h"
#include "proxy/fetch/inspect.h"

static const char file_content_type[] = "text/plain; version=0.0.4";

void
attempt_judge_file(struct attempt *a, enum verdict verdict)
{
	struct judge_result *judge = &a->report.judge;

	memset(judge, 0, sizeof(*judge));
	judge->verdict = verdict;
	judge->status = 200;
	snprintf(judge->reason, sizeof(judge->reason), "OK");
	judge->is_head_complete = judge->has_any_byte = true;
	judge->has_content_type = true;
	snprintf(judge->content_type, sizeof(judge->content_type), "%s",
	    file_content_type);
}

static void
fail_file(struct attempt *a, int os_errno)
{
	char words[128];

	a->report.os_errno = os_errno;
	a->report.curl_code = HTTP_FILE_UNREADABLE;
	snprintf(a->report.curl_error, sizeof(a->report.curl_error),
	    "open %.120s: %s", a->target->url.path,
	    err_words(os_errno, words, sizeof(words)));
}

static int
on_file_bytes(void *arg, const char *bytes, size_t len)
{
	struct attempt *a = arg;

	a->report.is_connected = true;
	if (attempt_take(a, intake_text, bytes, len) == 0)
		return 0;
	attempt_judge_file(a, VERDICT_SINK_REFUSED);
	attempt_finish(a, ATTEMPT_COMPLETE);
	return -1;
}

static void
on_file_done(void *arg, int os_errno)
{
	struct attempt *a = arg;

	if (os_errno == 0) {
		a->report.is_connected = true;
		attempt_judge_file(a, VERDICT_WHOLE);
		attempt_finish(a, ATTEMPT_COMPLETE);
		return;
	}
	fail_file(a, os_errno);
	attempt_finish(a, ATTEMPT_FAILED);
}

void
attempt_begin_file(struct attempt *a)
{
	struct file_hooks hooks = {
		.bytes = on_file_bytes, .done = on_file_done, .arg = a
	};

	a->is_file = true;
	snprintf(a->report.address, sizeof(a->report.address), "%s",
	    a->target->url.path);
	timeline_enter(&a->line, PHASE_CONNECT, clock_now_us());
	if (a->inspection != NULL)
		inspection_begin(a->inspection, file_content_type);
	a->file =
	    file_source_start(a->fetcher->base, a->target->url.path, &hooks);
}
