#include "proxy/gate/handshakes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/base/alloc.h"
#include "proxy/base/clock.h"
#include "proxy/base/log.h"

/* A second, of each kind, from each front. */
#define TOLD_MAX 4

#define SECOND_US UINT64_C(1000000)

/* Between two lines about the same kind of failure. */
#define LINE_US (10 * SECOND_US)

struct handshakes {
	struct handshake *kept[HANDSHAKES_KEPT]; /* newest first */
	size_t count;
	struct {
		uint64_t logged_us;  /* 0: never */
		uint64_t suppressed; /* since */
	} lines[TLS_FAILURE_COUNT];
};

unsigned
handshake_pace_next(
    struct handshake_pace *pace, enum tls_failure failure, uint64_t now_us)
{
	uint64_t second = now_us / SECOND_US;
	unsigned count;

	if (pace->of[failure].second != second) {
		pace->of[failure].second = second;
		pace->of[failure].told = 0;
	}
	if (pace->of[failure].told == TOLD_MAX) {
		pace->of[failure].left_out++;
		return 0;
	}
	pace->of[failure].told++;
	count = pace->of[failure].left_out + 1;
	pace->of[failure].left_out = 0;
	return count;
}

const char *
handshake_peer(const struct handshake *handshake, char out[HANDSHAKE_PEER_SIZE])
{
	const char *address = handshake->address;
	unsigned port = handshake->port;

	if (port == 0)
		snprintf(out, HANDSHAKE_PEER_SIZE, "%s", address);
	else if (strchr(address, ':') != NULL)
		snprintf(out, HANDSHAKE_PEER_SIZE, "[%s]:%u", address, port);
	else
		snprintf(out, HANDSHAKE_PEER_SIZE, "%s:%u", address, port);
	return out;
}

struct handshakes *
handshakes_new(void)
{
	return xcalloc(1, sizeof(struct handshakes));
}

void
handshakes_free(struct handshakes *handshakes)
{
	size_t i;

	if (handshakes == NULL)
		return;
	for (i = 0; i < handshakes->count; i++)
		free(handshakes->kept[i]);
	free(handshakes);
}

static void
write_line(const struct handshake *handshake, enum log_level level,
    uint64_t suppressed)
{
	const char *subject = handshake->subject;
	char number[24], peer[HANDSHAKE_PEER_SIZE];

	snprintf(
	    number, sizeof(number), "%llu", (unsigned long long)suppressed);
	log_line(level,
	    level == LOG_LEVEL_WARN ? "client certificate refused"
				    : "TLS handshake failed",
	    "reason", tls_failure_id(handshake->failure), "peer",
	    handshake_peer(handshake, peer), "subject",
	    *subject != '\0' ? subject : NULL, "error", handshake->words,
	    "suppressed", suppressed > 0 ? number : NULL, NULL);
}

static void
log_handshake(struct handshakes *handshakes, const struct handshake *handshake)
{
	enum tls_failure failure = handshake->failure;
	uint64_t now = clock_now_us();
	uint64_t logged = handshakes->lines[failure].logged_us;

	if (*handshake->subject == '\0' ||
	    !tls_failure_is_refused_client(failure)) {
		write_line(handshake, LOG_LEVEL_DEBUG, handshake->count - 1);
		return;
	}
	handshakes->lines[failure].suppressed += handshake->count;
	if (logged != 0 && now - logged < LINE_US)
		return;
	write_line(handshake, LOG_LEVEL_WARN,
	    handshakes->lines[failure].suppressed - 1);
	handshakes->lines[failure].logged_us = now;
	handshakes->lines[failure].suppressed = 0;
}

/* The port aside: a client takes another one each time. */
static bool
is_alike(const struct handshake *a, const struct handshake *b)
{
	return a->failure == b->failure &&
	       strcmp(a->address, b->address) == 0 &&
	       strcmp(a->words, b->words) == 0 &&
	       strcmp(a->subject, b->subject) == 0 &&
	       strcmp(a->server_name, b->server_name) == 0;
}

/* The place that is given up for a new one. */
static size_t
make_room(struct handshakes *handshakes, struct handshake *handshake)
{
	size_t i;

	for (i = 0; i < handshakes->count; i++) {
		if (!is_alike(handshakes->kept[i], handshake))
			continue;
		handshake->count += handshakes->kept[i]->count;
		free(handshakes->kept[i]);
		return i;
	}
	if (handshakes->count < HANDSHAKES_KEPT)
		return handshakes->count++;
	free(handshakes->kept[HANDSHAKES_KEPT - 1]);
	return HANDSHAKES_KEPT - 1;
}

void
handshakes_add(struct handshakes *handshakes, struct handshake *handshake)
{
	size_t i;

	log_handshake(handshakes, handshake);
	i = make_room(handshakes, handshake);
	memmove(handshakes->kept + 1, handshakes->kept,
	    i * sizeof(struct handshake *));
	handshakes->kept[0] = handshake;
}

const struct handshake *
handshakes_at(const struct handshakes *handshakes, size_t i)
{
	return i < handshakes->count ? handshakes->kept[i] : NULL;
}
