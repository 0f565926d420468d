#include "proxy/cli/fetch_url.h"

#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "conf/conf.h"
#include "conf/load.h"
#include "proxy/base/alloc.h"
#include "proxy/base/clock.h"
#include "proxy/base/err.h"
#include "proxy/cache/wire.h"
#include "proxy/diagnosis/classify.h"
#include "proxy/fetch/attempt.h"
#include "proxy/fetch/report.h"

#define TIMEOUT_US ((uint64_t)30000000)
#define BODY_MAX ((uint64_t)1 << 30)

/* What Prometheus 3 asks for by default. */
#define ACCEPT                                                                 \
	"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;"     \
	"q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,"              \
	"text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"                 \
	"text/plain;version=0.0.4;q=0.3,*/*;q=0.2"

struct fetching {
	struct event_base *base;
	const struct conf_target *target;
	struct attempt *attempt;
	uint64_t started_us;
	struct fetched *fetched;
	struct err *err;
	int result;
	bool is_done;
};

static int
explain(struct fetching *fetching, const struct report *report)
{
	enum reason reason = classify(report);
	struct finding finding;

	if (reason == REASON_OK)
		return 0;
	finding_describe(&finding, reason, report, fetching->target,
	    clock_now_us() - fetching->started_us, TIMEOUT_US / 1000);
	return err_set(fetching->err, ERR_SYSTEM, "%s: %s",
	    reason_row(reason)->id, finding.words);
}

static void
finish(const struct report *report, struct payload *payload, void *arg)
{
	struct fetching *fetching = arg;
	struct fetched *fetched = fetching->fetched;

	fetching->is_done = true;
	fetching->result = explain(fetching, report);
	if (fetching->result == 0 && payload->text != NULL) {
		fetched->len = wire_body_len(payload->text);
		fetched->body = xmalloc(fetched->len + 1);
		memcpy(fetched->body, wire_body(payload->text), fetched->len);
	}
	if (report->judge.has_content_type)
		fetched->content_type = xstrdup(report->judge.content_type);
	wire_unref(payload->text);
	wire_unref(payload->gzip);
	event_base_loopbreak(fetching->base);
}

static void
give_up(evutil_socket_t fd, short what, void *arg)
{
	struct fetching *fetching = arg;
	struct report report;

	(void)fd;
	(void)what;
	attempt_view(fetching->attempt, &report);
	attempt_cancel(fetching->attempt);
	report.end = ATTEMPT_TIMEOUT;
	fetching->is_done = true;
	fetching->result = explain(fetching, &report);
	event_base_loopbreak(fetching->base);
}

static int
fetch_target(struct fetching *fetching)
{
	struct timeval timeout = { TIMEOUT_US / 1000000, 0 };
	struct attempt_request request = { .target = fetching->target,
		.query = "",
		.accept = ACCEPT,
		.arrival_us = fetching->started_us,
		.deadline_us = fetching->started_us + TIMEOUT_US,
		.body_max = BODY_MAX };
	struct fetcher *fetcher = fetcher_new(fetching->base, fetching->err);
	struct event *timer;

	if (fetcher == NULL)
		return -1;
	timer = xrequire(evtimer_new(fetching->base, give_up, fetching));
	evtimer_add(timer, &timeout);
	fetching->attempt = attempt_start(fetcher, &request, finish, fetching);
	while (!fetching->is_done &&
	       event_base_loop(fetching->base, EVLOOP_ONCE) == 0)
		;
	event_free(timer);
	fetcher_free(fetcher);
	event_base_loop(fetching->base, EVLOOP_NONBLOCK);
	return fetching->result;
}

static struct conf *
load(const char *url, struct err *err)
{
	struct conf_flag flags[] = { { "upstream", url },
		{ "insecure-http", "true" } };
	struct conf_source source = { .flags = flags, .flag_count = 2 };
	struct conf_report report;
	struct conf *conf = conf_load(&source, &report);

	if (conf == NULL) {
		err_set(err, ERR_USAGE, "%s", report.errors);
		err->text[strcspn(err->text, "\n")] = '\0';
	}
	conf_report_fini(&report);
	return conf;
}

int
fetch_url(struct fetched *fetched, const char *url, struct err *err)
{
	struct fetching fetching = { .fetched = fetched, .err = err };
	struct conf *conf = load(url, err);
	int result;

	memset(fetched, 0, sizeof(*fetched));
	if (conf == NULL)
		return -1;
	/* Whatever it is: the caller looks. */
	conf->targets[0].validate = CONF_VALIDATE_OFF;
	fetching.base = xrequire(event_base_new());
	fetching.target = &conf->targets[0];
	fetching.started_us = clock_now_us();
	result = fetch_target(&fetching);
	event_base_free(fetching.base);
	conf_unref(conf);
	return result;
}

void
fetched_fini(struct fetched *fetched)
{
	free(fetched->body);
	free(fetched->content_type);
	memset(fetched, 0, sizeof(*fetched));
}
