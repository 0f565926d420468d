#include "auth/refusals.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/base/alloc.h"
#include "proxy/base/clock.h"
#include "proxy/base/escape.h"
#include "proxy/base/log.h"

struct refusals {
	pthread_mutex_t lock;               /* of all below */
	struct refusal *kept[REFUSALS_MAX]; /* newest first */
	size_t count;
	struct refusal_pace paces[AUTH_RESULT_COUNT];
};

/* What the log says; no credentials at all, and too many requests to check,
 * are counted only: every stranger and every burst makes them. */
static const char *const messages[AUTH_RESULT_COUNT] = {
	[AUTH_DENIED] = "credentials refused",
	[AUTH_FORBIDDEN] = "access denied",
	[AUTH_LIMITED] = "too many failed logins",
	[AUTH_UNAVAILABLE] = "credentials cannot be checked",
};

uint64_t
refusal_pace_next(struct refusal_pace *pace, uint64_t now_us)
{
	uint64_t count = ++pace->count;

	if (now_us < pace->next_us)
		return 0;
	pace->next_us = now_us + REFUSALS_LINE_SECONDS * UINT64_C(1000000);
	pace->count = 0;
	return count;
}

struct refusals *
refusals_new(void)
{
	struct refusals *refusals = xcalloc(1, sizeof(*refusals));

	pthread_mutex_init(&refusals->lock, NULL);
	return refusals;
}

void
refusals_free(struct refusals *refusals)
{
	size_t i;

	if (refusals == NULL)
		return;
	for (i = 0; i < refusals->count; i++)
		free(refusals->kept[i]);
	pthread_mutex_destroy(&refusals->lock);
	free(refusals);
}

static void
write_line(const struct refusal *refusal, uint64_t count)
{
	const char *msg = messages[refusal->result];
	char number[24];

	snprintf(number, sizeof(number), "%" PRIu64, count);
	log_warn(
	    refusal->is_authorization && refusal->result == AUTH_UNAVAILABLE
		? "permission cannot be checked"
		: msg,
	    "method", auth_method_name(refusal->method), "detail",
	    refusal->detail, "peer", refusal->peer, "user",
	    refusal->user[0] == '\0' ? NULL : refusal->user, "path",
	    refusal->path[0] == '\0' ? NULL : refusal->path, "count", number,
	    NULL);
}

static bool
is_alike(const struct refusal *a, const struct refusal *b)
{
	return a->method == b->method && a->result == b->result &&
	       a->is_authorization == b->is_authorization &&
	       strcmp(a->peer, b->peer) == 0 && strcmp(a->user, b->user) == 0 &&
	       strcmp(a->path, b->path) == 0 &&
	       strcmp(a->detail, b->detail) == 0;
}

/*
 * The oldest of the result that has the most: a stranger who guesses pushes out
 * other guesses, and not the one refusal that somebody looks for.
 */
static size_t
find_victim(const struct refusals *refusals)
{
	size_t counts[AUTH_RESULT_COUNT] = { 0 };
	enum auth_result most = AUTH_ALLOWED;
	size_t i;

	for (i = 0; i < refusals->count; i++)
		if (++counts[refusals->kept[i]->result] > counts[most])
			most = refusals->kept[i]->result;
	i = refusals->count - 1;
	while (refusals->kept[i]->result != most)
		i--;
	return i;
}

/* The place that is given up, or a new one, with nothing in it. */
static size_t
make_room(struct refusals *refusals, struct refusal *refusal)
{
	size_t i;

	for (i = 0; i < refusals->count; i++) {
		if (!is_alike(refusals->kept[i], refusal))
			continue;
		refusal->count += refusals->kept[i]->count;
		refusal->first_ms = refusals->kept[i]->first_ms;
		free(refusals->kept[i]);
		return i;
	}
	if (refusals->count < REFUSALS_MAX)
		return refusals->count++;
	i = find_victim(refusals);
	free(refusals->kept[i]);
	return i;
}

static void
escape(char *out, size_t size, const char *text)
{
	if (text != NULL)
		escape_quoted(out, size, text, strlen(text));
}

static struct refusal *
make_refusal(const struct auth_verdict *verdict, const char *peer,
    const char *user, const char *path)
{
	struct refusal *refusal = xcalloc(1, sizeof(*refusal));

	refusal->first_ms = refusal->last_ms = clock_wall_us() / 1000;
	refusal->count = 1;
	refusal->method = verdict->method;
	refusal->result = verdict->result;
	refusal->is_authorization = verdict->is_authorization;
	escape(refusal->peer, sizeof(refusal->peer), peer);
	escape(refusal->user, sizeof(refusal->user), user);
	escape(refusal->path, sizeof(refusal->path), path);
	snprintf(
	    refusal->detail, sizeof(refusal->detail), "%s", verdict->detail);
	return refusal;
}

void
refusals_add(struct refusals *refusals, const struct auth_verdict *verdict,
    const char *peer, const char *user, const char *path)
{
	struct refusal *refusal = make_refusal(verdict, peer, user, path);
	struct refusal told = *refusal; /* what is kept may go at any time */
	uint64_t now_us = clock_now_us(), count = 0;
	size_t i;

	pthread_mutex_lock(&refusals->lock);
	if (messages[refusal->result] != NULL)
		count = refusal_pace_next(
		    &refusals->paces[refusal->result], now_us);
	i = make_room(refusals, refusal);
	memmove(
	    refusals->kept + 1, refusals->kept, i * sizeof(struct refusal *));
	refusals->kept[0] = refusal;
	pthread_mutex_unlock(&refusals->lock);
	if (count > 0)
		write_line(&told, count);
}

size_t
refusals_list(struct refusals *refusals, struct refusal *out, size_t max)
{
	size_t i, count;

	pthread_mutex_lock(&refusals->lock);
	count = refusals->count < max ? refusals->count : max;
	for (i = 0; i < count; i++)
		out[i] = *refusals->kept[i];
	pthread_mutex_unlock(&refusals->lock);
	return count;
}
