#include "proxy/crew.h"

#include <stdlib.h>

#include "auth/auth.h"
#include "auth/bcrypt.h"
#include "conf/conf.h"
#include "proxy/base/alloc.h"
#include "proxy/base/err.h"
#include "proxy/base/rendezvous.h"
#include "proxy/cache/keeper.h"
#include "proxy/gate/stats.h"
#include "proxy/gate/tally.h"
#include "proxy/gate/worker.h"
#include "proxy/generation.h"

struct crew {
	struct crew_options options;
	struct auth *auth;
	struct keeper *keeper;
	struct tally *tally;
	struct worker **workers;
	struct stats **stats;
	unsigned count; /* of workers that exist */
};

/* On the fetch thread; the workers are there as long as it runs. */
static void
publish(const struct key *key, struct answer *answer, uint64_t expires_us,
    void *arg)
{
	const struct crew *crew = arg;
	unsigned i;

	for (i = 0; i < crew->count; i++)
		worker_publish(crew->workers[i], key, answer, expires_us);
}

static void
post_record(struct record *record, void *arg)
{
	const struct crew *crew = arg;

	crew->options.record(record, crew->options.arg);
}

static void
post_pod(const struct pod_status *status, void *arg)
{
	const struct crew *crew = arg;
	struct pod_news *news = xcalloc(1, sizeof(*news));

	news->status = *status;
	news->message.deliver = crew->options.pod_read;
	mailbox_post(crew->options.main, &news->message);
}

static int
open_keeper(struct crew *crew, struct conf *conf, struct err *err)
{
	struct keeper_options options = {
		.conf = conf,
		.body_max = conf->memory_budget,
		.record = post_record,
		.publish = publish,
		.pod_news = post_pod,
		.arg = crew,
	};

	crew->keeper = keeper_new(&options, err);
	return crew->keeper == NULL ? -1 : 0;
}

/*
 * A lone worker shares the fetch thread's loop: then no scrape has to wait
 * for another thread to wake up, there and back.  Of several, none is to be
 * held up by what the others' scrapes need.
 */
static struct thread *
host_of_workers(const struct crew *crew, unsigned count)
{
	return count == 1 ? keeper_thread(crew->keeper) : NULL;
}

static int
open_worker(
    struct crew *crew, const struct generation *generation, struct err *err)
{
	const struct conf *conf = generation->conf;
	struct worker_options options = {
		.target_count = conf->target_count,
		.host = host_of_workers(crew, generation->workers),
		.auth = crew->auth,
		.keeper = crew->keeper,
		.tally = crew->tally,
		.main = crew->options.main,
		.own_scrape = crew->options.own_scrape,
		.handshake_failed = crew->options.handshake_failed,
		.doors_closed = crew->options.doors_closed,
		.drained = crew->options.drained,
		.attended = crew->options.attended,
	};
	unsigned index = crew->count;
	struct worker_change change = {
		.conf = generation->conf,
		.policy = generation->auth,
	};
	struct worker *worker = worker_new(&options, err);
	struct worker_door *doors;
	int result;

	if (worker == NULL)
		return -1;
	crew->workers[index] = worker;
	crew->stats[index] = worker_stats(worker);
	stats_targets_share(
	    crew->stats[index]->targets, crew->stats[0]->targets);
	crew->count++;
	change.targets = crew->stats[index]->targets;
	if (generation->contexts != NULL)
		change.tls = generation->contexts[index];
	change.opened_count = generation_extra_doors(generation, NULL, &doors);
	change.opened = doors;
	result = worker_install(worker, &change, err);
	free(doors);
	return result;
}

static int
open_all(
    struct crew *crew, const struct generation *generation, struct err *err)
{
	unsigned i;

	crew->tally = tally_new(&generation->conf->connections);
	crew->auth = auth_new(bcrypt_matches, err);
	if (crew->auth == NULL ||
	    open_keeper(crew, generation->conf, err) == -1)
		return -1;
	auth_set_backend(crew->auth, keeper_backend(crew->keeper));
	for (i = 0; i < generation->workers; i++)
		if (open_worker(crew, generation, err) == -1)
			return -1;
	if (keeper_start(crew->keeper, err) == -1)
		return -1;
	for (i = 0; i < crew->count; i++)
		if (worker_start(crew->workers[i], err) == -1)
			return -1;
	return 0;
}

struct crew *
crew_new(const struct crew_options *options,
    const struct generation *generation, struct err *err)
{
	struct crew *crew = xcalloc(1, sizeof(*crew));

	crew->options = *options;
	crew->workers = xcalloc(generation->workers, sizeof(*crew->workers));
	crew->stats = xcalloc(generation->workers, sizeof(*crew->stats));
	if (open_all(crew, generation, err) == 0)
		return crew;
	crew_stop(crew);
	crew_free(crew);
	return NULL;
}

/* Counters that go on where they stand, if the targets are others. */
static struct stats_targets *
next_targets(
    const struct stats *stats, const struct conf *was, const struct conf *next)
{
	return was == next ? stats_targets_ref(stats->targets)
			   : stats_targets_next(stats->targets, was, next);
}

void
crew_switch(struct crew *crew, const struct generation *was,
    const struct generation *next)
{
	struct worker_change *changes = xcalloc(crew->count, sizeof(*changes));
	struct worker_door *opened, *closed;
	size_t opened_count = generation_extra_doors(next, was, &opened);
	size_t closed_count = generation_extra_doors(was, next, &closed);
	struct rendezvous all;
	unsigned i;

	tally_set_limits(crew->tally, &next->conf->connections);
	rendezvous_init(&all, crew->count + 1);
	for (i = 0; i < crew->count; i++) {
		changes[i] = (struct worker_change){
			.conf = next->conf,
			.policy = next->auth,
			.targets =
			    next_targets(crew->stats[i], was->conf, next->conf),
			.tls =
			    next->contexts != NULL ? next->contexts[i] : NULL,
			.is_other_policy =
			    !policy_is_equal(&was->policy, &next->policy),
			.opened = opened,
			.opened_count = opened_count,
			.closed = closed,
			.closed_count = closed_count,
		};
		stats_targets_share(changes[i].targets, changes[0].targets);
		worker_switch(crew->workers[i], &changes[i], &all);
	}
	keeper_switch(crew->keeper, next->conf, &all);
	rendezvous_wait(&all);
	for (i = 0; i < crew->count; i++) {
		stats_targets_unref(crew->stats[i]->targets);
		crew->stats[i]->targets = changes[i].targets;
	}
	free(changes);
	free(opened);
	free(closed);
}

void
crew_wonder(struct crew *crew)
{
	keeper_wonder(crew->keeper);
}

void
crew_drain(struct crew *crew)
{
	unsigned i;

	for (i = 0; i < crew->count; i++)
		worker_drain(crew->workers[i]);
}

void
crew_stop(struct crew *crew)
{
	unsigned i;

	if (crew == NULL)
		return;
	for (i = 0; i < crew->count; i++)
		worker_stop(crew->workers[i]);
	auth_stop(crew->auth);
	keeper_stop(crew->keeper);
}

void
crew_free(struct crew *crew)
{
	unsigned i;

	if (crew == NULL)
		return;
	for (i = 0; i < crew->count; i++)
		worker_free(crew->workers[i]);
	auth_free(crew->auth);
	keeper_free(crew->keeper);
	tally_free(crew->tally);
	free(crew->workers);
	free(crew->stats);
	free(crew);
}

unsigned
crew_size(const struct crew *crew)
{
	return crew->count;
}

struct stats *const *
crew_stats(const struct crew *crew)
{
	return crew->stats;
}

struct refusals *
crew_refusals(const struct crew *crew)
{
	return auth_refusals(crew->auth);
}

const struct auth_backend *
crew_backend(const struct crew *crew)
{
	return keeper_backend(crew->keeper);
}
