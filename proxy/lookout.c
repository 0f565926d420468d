#include "proxy/lookout.h"

#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "conf/conf.h"
#include "conf/target.h"
#include "proxy/backend/pod_read.h"
#include "proxy/base/alloc.h"
#include "proxy/base/clock.h"
#include "proxy/base/log.h"
#include "proxy/diagnosis/notices.h"
#include "proxy/exposure.h"
#include "proxy/gate/attendance.h"
#include "proxy/gate/stats.h"

#define HOUR_US (UINT64_C(3600) * 1000000)

/* What is known of a target beside its notices. */
struct watch {
	uint64_t served_since_us;
	uint64_t tried_us; /* ways around it; 0: not since it has been up */
	uint64_t last_us;  /* the newest scrape that was seen, */
	uint64_t refused;  /* and what there had been of these until then */
	uint64_t failed_handshakes;
};

struct lookout {
	const struct conf *conf;    /* NULL before the first */
	struct stats *const *stats; /* one for each worker */
	size_t stats_count;
	struct notices *notices; /* as many as targets, and the watches */
	struct watch *watches;
	struct exposure *exposure;
	struct event *timer;
	uint64_t timer_us; /* 0: not set */
	struct lookout_options options;
};

static const char *
target_name(const struct lookout *lookout, size_t i)
{
	return lookout->conf->targets[i].name;
}

/* Takes over what `found` says; one line at the start and one at the end. */
static void
settle(struct lookout *lookout, size_t i, enum notice_kind kind, bool is_on,
    const struct notice *found)
{
	struct notice *notice = &lookout->notices[i].of[kind];
	uint64_t since_us = notice->since_wall_us;

	if (is_on) {
		bool was_on = notice->is_on;

		*notice = *found;
		notice->is_on = true;
		notice->since_wall_us = was_on ? since_us : clock_wall_us();
		if (!was_on)
			log_warn("target notice", "target",
			    target_name(lookout, i), "notice", notice_id(kind),
			    "words", notice->words, "cause", notice_cause(kind),
			    "fix", notice->fix, NULL);
	} else if (notice->is_on) {
		notice->is_on = false;
		log_info("target notice over", "target",
		    target_name(lookout, i), "notice", notice_id(kind), NULL);
	}
}

static void
set_timer(struct lookout *lookout, uint64_t due_us)
{
	struct timeval wait;

	if (lookout->timer_us != 0 && lookout->timer_us <= due_us)
		return;
	wait = clock_until(due_us);
	lookout->timer_us = due_us;
	evtimer_add(lookout->timer, &wait);
}

static uint64_t
count_refused(const struct lookout *lookout)
{
	uint64_t sum = 0;
	size_t i, reason;

	for (i = 0; i < lookout->stats_count; i++)
		for (reason = 0; reason < REASON_COUNT; reason++)
			sum += stats_read(&lookout->stats[i]->refusals[reason]);
	return sum;
}

static uint64_t
count_failed_handshakes(const struct lookout *lookout)
{
	uint64_t sum = 0;
	size_t i, kind;

	for (i = 0; i < lookout->stats_count; i++)
		for (kind = 0; kind < TLS_FAILURE_COUNT; kind++)
			sum += stats_read(
			    &lookout->stats[i]->handshakes_failed[kind]);
	return sum;
}

/* What has been refused counts from the newest scrape on. */
static void
count_since(const struct lookout *lookout, struct watch *watch,
    struct notices_view *view)
{
	uint64_t refused = count_refused(lookout);
	uint64_t failed = count_failed_handshakes(lookout), last_us = 0;
	size_t i;

	for (i = 0; i < view->count; i++)
		if (view->attendees[i].last_us > last_us)
			last_us = view->attendees[i].last_us;
	if (last_us != watch->last_us) {
		watch->last_us = last_us;
		watch->refused = refused;
		watch->failed_handshakes = failed;
	}
	view->refused = refused - watch->refused;
	view->failed_handshakes = failed - watch->failed_handshakes;
}

static void
look_at(struct lookout *lookout, size_t i)
{
	struct attendance *attendance =
	    lookout->stats[0]->targets->items[i]->attendance;
	struct attendee attendees[ATTENDANCE_MAX];
	struct notices_view view = {
		.attendees = attendees,
		.count = attendance_read(attendance, attendees),
		.now_us = clock_now_us(),
		.served_since_us = lookout->watches[i].served_since_us,
	};
	struct notice *missing = &lookout->notices[i].of[NOTICE_NOT_SCRAPED];
	bool was_missed = missing->is_on;
	uint64_t due_us = notices_due_us(&view);
	struct notice found;
	bool is_on;

	count_since(lookout, &lookout->watches[i], &view);
	lookout->notices[i].interval_ms = notices_interval_ms(&view);
	is_on = notice_not_scraped(&view, &found);
	/* Its words are of the moment when it began. */
	settle(lookout, i, NOTICE_NOT_SCRAPED, is_on,
	    was_missed ? missing : &found);
	if (is_on && !was_missed) {
		attendance_miss(attendance);
		lookout->options.wonder(lookout->options.arg);
	}
	if (!is_on && due_us != 0)
		set_timer(lookout, due_us);
	/* Nobody there is nobody to differ; what was said of them stays. */
	if (is_on)
		return;
	is_on = notice_scrapers_differ(&view, &found);
	settle(lookout, i, NOTICE_SCRAPERS_DIFFER, is_on, &found);
}

void
lookout_look(struct lookout *lookout)
{
	size_t i;

	for (i = 0; lookout->conf != NULL && i < lookout->conf->target_count;
	     i++)
		look_at(lookout, i);
}

static void
on_timer(evutil_socket_t fd, short events, void *arg)
{
	struct lookout *lookout = arg;

	(void)fd;
	(void)events;
	lookout->timer_us = 0;
	lookout_look(lookout);
}

static void
on_exposure(void *arg, const char *target, const char *addresses)
{
	struct lookout *lookout = arg;
	int i = conf_find_index(lookout->conf, target);
	struct notice found;

	if (i == -1)
		return;
	notice_upstream_exposed(&found, lookout->conf->targets[i].url.text,
	    addresses, lookout->conf->targets[i].url.port);
	settle(lookout, (size_t)i, NOTICE_UPSTREAM_EXPOSED,
	    addresses[0] != '\0', &found);
}

struct lookout *
lookout_new(const struct lookout_options *lookout_options)
{
	struct lookout *lookout = xcalloc(1, sizeof(*lookout));
	struct exposure_options options = { .base = lookout_options->base,
		.judged = on_exposure,
		.arg = lookout };

	lookout->options = *lookout_options;
	lookout->timer = evtimer_new(lookout_options->base, on_timer, lookout);
	lookout->exposure = exposure_new(&options);
	return lookout;
}

void
lookout_free(struct lookout *lookout)
{
	if (lookout == NULL)
		return;
	exposure_free(lookout->exposure);
	event_free(lookout->timer);
	free(lookout->notices);
	free(lookout->watches);
	free(lookout);
}

/* Those of a target that stays; of a new one there are none yet. */
static void
take_over(const struct lookout *lookout, const char *name,
    struct notices *notices, struct watch *watch)
{
	int was = conf_find_index(lookout->conf, name);

	if (was != -1) {
		*notices = lookout->notices[was];
		*watch = lookout->watches[was];
	} else {
		watch->served_since_us = clock_now_us();
	}
	watch->tried_us = 0;
}

void
lookout_switch(struct lookout *lookout, const struct conf *conf,
    struct stats *const *stats, size_t stats_count)
{
	size_t count = conf->target_count + 1, i; /* for calloc */
	struct notices *notices = xcalloc(count, sizeof(*notices));
	struct watch *watches = xcalloc(count, sizeof(*watches));

	for (i = 0; i < conf->target_count; i++)
		take_over(
		    lookout, conf->targets[i].name, &notices[i], &watches[i]);
	free(lookout->notices);
	free(lookout->watches);
	lookout->notices = notices;
	lookout->watches = watches;
	lookout->conf = conf;
	lookout->stats = stats;
	lookout->stats_count = stats_count;
	exposure_switch(lookout->exposure, conf);
	lookout_look(lookout);
}

void
lookout_record(struct lookout *lookout, const char *target, bool is_up)
{
	int i = conf_find_index(lookout->conf, target);
	uint64_t now_us = clock_now_us();
	struct watch *watch;

	if (i == -1)
		return;
	look_at(lookout, (size_t)i);
	watch = &lookout->watches[i];
	if (!is_up ||
	    (watch->tried_us != 0 && now_us - watch->tried_us < HOUR_US))
		return;
	watch->tried_us = now_us;
	exposure_check(lookout->exposure, (size_t)i);
}

/* Where service discovery should lead; 0: nowhere that can be told. */
static unsigned
port_for(const struct conf *conf, const struct pod_annotations *annotations)
{
	unsigned long wanted = strtoul(annotations->port, NULL, 10);
	unsigned port = 0;
	size_t i;

	for (i = 0; i < conf->listen_count; i++) {
		if (conf->listen[i].port == wanted)
			return conf->listen[i].port;
		if (port == 0)
			port = conf->listen[i].port;
	}
	return port;
}

void
lookout_pod(struct lookout *lookout, const struct pod_status *status)
{
	const struct conf *conf = lookout->conf;
	char words[160];
	size_t i;

	if (conf == NULL ||
	    !pod_judge_annotations(&status->annotations,
		port_for(conf, &status->annotations),
		conf->gate_tls != CONF_GATE_TLS_OFF, words, sizeof(words)))
		return;
	for (i = 0; i < conf->target_count; i++)
		notice_add_seen(
		    &lookout->notices[i].of[NOTICE_NOT_SCRAPED], words);
}

const struct notices *
lookout_notices(const struct lookout *lookout)
{
	return lookout->notices;
}
