#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proxy/base/alloc.h"
#include "proxy/base/log.h"
#include "proxy/gate/handshakes.h"

static struct handshake *
failed(enum tls_failure failure, const char *address, uint16_t port,
    const char *subject)
{
	struct handshake *handshake = xcalloc(1, sizeof(*handshake));

	handshake->failure = failure;
	handshake->port = port;
	handshake->count = 1;
	strcpy(handshake->address, address);
	strcpy(handshake->words, "words");
	strcpy(handshake->subject, subject);
	return handshake;
}

static void
names_peers(void **state)
{
	static const struct {
		const char *address;
		uint16_t port;
		const char *peer;
	} rows[] = {
		{ "10.0.0.7", 49152, "10.0.0.7:49152" },
		{ "2001:db8::5", 80, "[2001:db8::5]:80" },
		{ "unix", 0, "unix" },
		{ "", 0, "" },
	};
	char peer[HANDSHAKE_PEER_SIZE];
	size_t i;

	(void)state;
	for (i = 0; i < 4; i++) {
		struct handshake *one = failed(
		    TLS_FAILURE_CLOSED, rows[i].address, rows[i].port, "");

		assert_string_equal(handshake_peer(one, peer), rows[i].peer);
		free(one);
	}
}

static void
keeps_the_newest(void **state)
{
	struct handshakes *all = handshakes_new();
	char address[32];
	unsigned i;

	(void)state;
	assert_null(handshakes_at(all, 0));
	for (i = 0; i < HANDSHAKES_KEPT + 10; i++) {
		snprintf(address, sizeof(address), "10.0.0.%u", i);
		handshakes_add(all, failed(TLS_FAILURE_CLOSED, address, 1, ""));
	}
	assert_string_equal(handshakes_at(all, 0)->address, "10.0.0.73");
	assert_string_equal(
	    handshakes_at(all, HANDSHAKES_KEPT - 1)->address, "10.0.0.10");
	assert_null(handshakes_at(all, HANDSHAKES_KEPT));
	handshakes_free(all);
}

/* A probe every second does not push out what matters. */
static void
folds_repeats(void **state)
{
	struct handshakes *all = handshakes_new();
	unsigned i;

	(void)state;
	handshakes_add(
	    all, failed(TLS_FAILURE_ALERT_FROM_CLIENT, "10.0.0.9", 1, ""));
	for (i = 0; i < 200; i++)
		handshakes_add(all, failed(TLS_FAILURE_CLOSED, "10.0.0.7",
					(uint16_t)(1000 + i), ""));
	handshakes_add(all, failed(TLS_FAILURE_CLOSED, "10.0.0.8", 5, ""));
	handshakes_add(all, failed(TLS_FAILURE_CLOSED, "10.0.0.7", 9, ""));
	handshakes_add(all, failed(TLS_FAILURE_TIMEOUT, "10.0.0.7", 9, ""));
	assert_int_equal(handshakes_at(all, 0)->failure, TLS_FAILURE_TIMEOUT);
	assert_int_equal(handshakes_at(all, 1)->count, 201);
	assert_int_equal(handshakes_at(all, 1)->port, 9);
	assert_string_equal(handshakes_at(all, 2)->address, "10.0.0.8");
	assert_string_equal(handshakes_at(all, 3)->address, "10.0.0.9");
	assert_null(handshakes_at(all, 4));
	handshakes_free(all);
}

/* Each kind has its own measure: a flood of one hides no other. */
static void
keeps_pace(void **state)
{
	struct handshake_pace pace = { .of = { { .second = 0 } } };
	uint64_t now = UINT64_C(5000000);
	unsigned told = 0, stands_for = 0, i;

	(void)state;
	for (i = 0; i < 1000; i++) {
		unsigned count =
		    handshake_pace_next(&pace, TLS_FAILURE_CLOSED, now + i);

		told += count > 0;
		stands_for += count;
	}
	assert_int_equal(told, 4);
	assert_int_equal(stands_for, 4);
	assert_int_equal(
	    handshake_pace_next(&pace, TLS_FAILURE_TIMEOUT, now), 1);
	/* The next one told stands for those left out, too. */
	now += 1000000;
	assert_int_equal(
	    handshake_pace_next(&pace, TLS_FAILURE_CLOSED, now), 997);
	assert_int_equal(
	    handshake_pace_next(&pace, TLS_FAILURE_CLOSED, now), 1);
}

/* What is written to standard error meanwhile. */
static char *
capture(void (*act)(struct handshakes *all))
{
	static char text[8192];
	struct handshakes *all = handshakes_new();
	int old = dup(2), ends[2];
	ssize_t len;

	assert_int_equal(pipe(ends), 0);
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	dup2(ends[1], 2);
	act(all);
	dup2(old, 2);
	len = read(ends[0], text, sizeof(text) - 1);
	text[len > 0 ? len : 0] = '\0';
	close(ends[0]);
	close(ends[1]);
	close(old);
	handshakes_free(all);
	return text;
}

static unsigned
count_lines(const char *text)
{
	unsigned count = 0;

	for (; *text != '\0'; text++)
		count += *text == '\n';
	return count;
}

static void
probe_all_day(struct handshakes *all)
{
	size_t i;

	for (i = 0; i < TLS_FAILURE_COUNT; i++)
		handshakes_add(
		    all, failed((enum tls_failure)i, "10.0.0.7", 1, ""));
	/* A certificate that was fine is no refused client. */
	handshakes_add(
	    all, failed(TLS_FAILURE_ALERT_FROM_CLIENT, "10.0.0.7", 1, "CN=x"));
}

static void
refuse_clients(struct handshakes *all)
{
	unsigned i;

	for (i = 0; i < 100; i++)
		handshakes_add(all, failed(TLS_FAILURE_CERTIFICATE_EXPIRED,
					"10.0.0.7", 1, "CN=\"a b\""));
	handshakes_add(all,
	    failed(TLS_FAILURE_CERTIFICATE_REVOKED, "10.0.0.7", 4711, "CN=y"));
}

static void
logs_refused_clients_alone(void **state)
{
	char *text;

	(void)state;
	log_init(LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
	assert_string_equal(capture(probe_all_day), "");
	text = capture(refuse_clients);
	if (count_lines(text) != 2)
		fail_msg("%s", text);
	assert_non_null(strstr(text,
	    "level=warn msg=\"client certificate "
	    "refused\" reason=client_certificate_expired peer=10.0.0.7:1 "
	    "subject="));
	assert_non_null(
	    strstr(text, "reason=client_certificate_revoked "
			 "peer=10.0.0.7:4711 subject=\"CN=y\" error=words"));
	log_init(LOG_LEVEL_DEBUG, LOG_FORMAT_LOGFMT);
	text = capture(probe_all_day);
	assert_int_equal(count_lines(text), TLS_FAILURE_COUNT + 1);
	assert_non_null(strstr(text, "level=debug msg=\"TLS handshake "
				     "failed\" reason=closed"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_peers),
		cmocka_unit_test(keeps_the_newest),
		cmocka_unit_test(folds_repeats),
		cmocka_unit_test(keeps_pace),
		cmocka_unit_test(logs_refused_clients_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
