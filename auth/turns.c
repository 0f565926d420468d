#include "auth/turns.h"

#include <stdlib.h>
#include <string.h>

#include "proxy/base/alloc.h"

TAILQ_HEAD(turn_line, turn);

/* Gone with the last of what it wants. */
struct turns_peer {
	TAILQ_ENTRY(turns_peer) link;
	struct turn_line waiting;
	unsigned count; /* with those that have begun: */
	unsigned begun;
	char *name;
};

void
turns_init(struct turns *turns, unsigned max, unsigned peer_max)
{
	*turns = (struct turns){ .max = max, .peer_max = peer_max };
	TAILQ_INIT(&turns->ring);
}

static struct turns_peer *
find_peer(const struct turns *turns, const char *name)
{
	struct turns_peer *peer;

	TAILQ_FOREACH (peer, &turns->ring, link)
		if (strcmp(peer->name, name) == 0)
			return peer;
	return NULL;
}

static struct turns_peer *
add_peer(struct turns *turns, const char *name)
{
	struct turns_peer *peer = xcalloc(1, sizeof(*peer));

	peer->name = xstrdup(name);
	TAILQ_INIT(&peer->waiting);
	TAILQ_INSERT_TAIL(&turns->ring, peer, link);
	return peer;
}

/* Behind all others, or away if it wants no more. */
static void
move_on(struct turns *turns, struct turns_peer *peer)
{
	TAILQ_REMOVE(&turns->ring, peer, link);
	if (peer->count > 0) {
		TAILQ_INSERT_TAIL(&turns->ring, peer, link);
		return;
	}
	free(peer->name);
	free(peer);
}

static void
give(struct turns_peer *peer, struct turn *turn)
{
	turn->peer = peer;
	TAILQ_INSERT_TAIL(&peer->waiting, turn, link);
	peer->count++;
}

bool
turns_add(struct turns *turns, struct turn *turn, const char *name)
{
	struct turns_peer *peer = find_peer(turns, name);

	if (turns->count == turns->max ||
	    (peer != NULL && peer->count == turns->peer_max))
		return false;
	turn->is_begun = false;
	give(peer != NULL ? peer : add_peer(turns, name), turn);
	turns->count++;
	return true;
}

struct turn *
turns_next(const struct turns *turns)
{
	struct turns_peer *peer;

	TAILQ_FOREACH (peer, &turns->ring, link)
		if (!TAILQ_EMPTY(&peer->waiting))
			return TAILQ_FIRST(&peer->waiting);
	return NULL;
}

void
turns_begin(struct turns *turns, struct turn *turn)
{
	TAILQ_REMOVE(&turn->peer->waiting, turn, link);
	turn->is_begun = true;
	turn->peer->begun++;
	move_on(turns, turn->peer);
}

void
turns_end(struct turns *turns, struct turn *turn)
{
	struct turns_peer *peer = turn->peer;

	turn->peer = NULL;
	turns->count--;
	peer->count--;
	if (turn->is_begun)
		peer->begun--;
	else
		TAILQ_REMOVE(&peer->waiting, turn, link);
	/* What never had its turn costs none. */
	if (turn->is_begun || peer->count == 0)
		move_on(turns, peer);
}

void
turns_hasten(struct turns *turns, struct turn *turn, const char *name)
{
	struct turns_peer *peer = turn->peer;

	bool is_first = TAILQ_FIRST(&peer->waiting) == turn && peer->begun == 0;

	if (turn->is_begun || is_first || find_peer(turns, name) != NULL)
		return;
	TAILQ_REMOVE(&peer->waiting, turn, link);
	peer->count--;
	give(add_peer(turns, name), turn);
}
