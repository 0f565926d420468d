/*
 * Runs one attempt to its end for a test.
 */
#ifndef TESTS_UNIT_ATTEMPTING_H
#define TESTS_UNIT_ATTEMPTING_H

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <event2/event.h>

#include "conf/conf.h"
#include "proxy/base/clock.h"
#include "proxy/base/err.h"
#include "proxy/cache/wire.h"
#include "proxy/fetch/attempt.h"
#include "proxy/fetch/report.h"

struct client {
	struct event_base *base;
	struct fetcher *fetcher;
	unsigned calls; /* of done() */
	struct report report;
	char text[4096];
	bool has_text;
	bool has_gzip;
	size_t gzip_len;
};

static inline void
client_open(struct client *c)
{
	struct err err;

	memset(c, 0, sizeof(*c));
	c->base = event_base_new();
	c->fetcher = fetcher_new(c->base, &err);
	assert_non_null(c->fetcher);
}

static inline void
client_close(struct client *c)
{
	fetcher_free(c->fetcher);
	event_base_free(c->base);
}

static inline void
client_done(const struct report *report, struct payload *payload, void *arg)
{
	struct client *c = arg;

	c->calls++;
	c->report = *report;
	c->has_text = payload->text != NULL;
	c->has_gzip = payload->gzip != NULL;
	if (c->has_text) {
		size_t len = wire_body_len(payload->text);

		if (len > sizeof(c->text) - 1)
			len = sizeof(c->text) - 1;
		memcpy(c->text, wire_body(payload->text), len);
		c->text[len] = '\0';
	}
	if (c->has_gzip)
		c->gzip_len = wire_body_len(payload->gzip);
	wire_unref(payload->text);
	wire_unref(payload->gzip);
	event_base_loopbreak(c->base);
}

static inline struct attempt *
client_start(struct client *c, const struct conf_target *target)
{
	struct attempt_request request = {
		.target = target,
		.query = "",
		.accept = "text/plain",
		.arrival_us = clock_now_us(),
		.deadline_us = clock_now_us() + 10000000,
		.body_max = 1 << 20,
	};
	struct attempt *a;

	c->calls = 0;
	a = attempt_start(c->fetcher, &request, client_done, c);
	assert_int_equal(c->calls, 0);
	return a;
}

/* The loop ends by itself only if nothing is left to wait for. */
static inline const struct report *
client_fetch(struct client *c, const struct conf_target *target)
{
	client_start(c, target);
	while (c->calls == 0 && event_base_loop(c->base, EVLOOP_ONCE) == 0)
		;
	assert_int_equal(c->calls, 1);
	return &c->report;
}

static inline void
target_init(struct conf_target *target, enum conf_scheme scheme,
    const char *host, unsigned port)
{
	memset(target, 0, sizeof(*target));
	target->name = (char *)"test";
	target->url.scheme = scheme;
	target->url.host = (char *)(uintptr_t)host;
	target->url.port = (uint16_t)port;
	target->url.path = (char *)"/metrics";
	target->url.is_loopback = true;
	target->follow_redirects = CONF_REDIRECTS_SAME_ORIGIN;
}

#endif
