#include "proxy/diagnosis/resources.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"
#include "proxy/base/alloc.h"
#include "proxy/base/clock.h"
#include "proxy/diagnosis/resources_parts.h"
#include "proxy/fetch/report.h"
#include "proxy/kernel/local.h"
#include "proxy/kernel/quantity.h"

/* Samples that take long are only taken if the last is older. */
#define OLD_US (UINT64_C(60) * 1000000)
/* Scrapes of many targets at a time share one look at the gate itself. */
#define GATE_FRESH_US 100000
#define NEAR_LIMIT 0.9
/* How long what was measured for one who waits is good for another. */
#define FRESH_US 20000

/* The book. */

static uint64_t
declared(const char *variable, bool *has)
{
	const char *text = getenv(variable);
	uint64_t value = 0;

	*has = text != NULL && quantity_parse(text, &value) && value > 0;
	return value;
}

struct resources_book *
resources_book_new(struct mailbox *mailbox, const char *root)
{
	struct resources_book *book = xcalloc(1, sizeof(*book));
	const char *container = getenv("SCRAPEGATE_EXPORTER_CONTAINER");

	TAILQ_INIT(&book->all);
	atomic_init(&book->has_asked_queue, false);
	book->mailbox = mailbox;
	book->root = xstrdup(root);
	cgroup_open_of(&book->gate, root, 0);
	cgroup_close_memory(&book->gate);
	book->is_in_kubernetes = getenv("KUBERNETES_SERVICE_HOST") != NULL;
	book->declared_cpu_millis =
	    declared("SCRAPEGATE_EXPORTER_CPU_LIMIT", &book->has_declared_cpu);
	book->declared_memory = declared("SCRAPEGATE_EXPORTER_MEMORY_LIMIT",
				    &book->has_declared_memory) /
				1000;
	if (container != NULL && *container != '\0')
		book->declared_for = xstrdup(container);
	return book;
}

static void
drop_cgroup(struct resources *resources)
{
	if (resources->cgroup == NULL)
		return;
	cgroup_close(resources->cgroup);
	free(resources->cgroup);
	resources->cgroup = NULL;
}

static void
free_resources(struct resources *resources)
{
	resources_search_forget(resources);
	if (resources->book->newest_of == resources)
		resources->book->newest_of = NULL;
	TAILQ_REMOVE(&resources->book->all, resources, link);
	process_close(&resources->folder);
	drop_cgroup(resources);
	free(resources->name);
	free(resources->upstream);
	free(resources->pid_setting);
	free(resources->cgroup_setting);
	free(resources->container);
	free(resources);
}

void
resources_book_free(struct resources_book *book)
{
	if (book == NULL)
		return;
	resources_search_stop(book);
	while (!TAILQ_EMPTY(&book->all))
		free_resources(TAILQ_FIRST(&book->all));
	cgroup_close(&book->gate);
	free(book->by_index);
	free(book->declared_for);
	free(book->root);
	free(book);
}

static struct resources *
find_by_name(const struct resources_book *book, const char *name)
{
	struct resources *resources;

	TAILQ_FOREACH (resources, &book->all, link)
		if (strcmp(resources->name, name) == 0)
			return resources;
	return NULL;
}

static const char *
or_nothing(const char *text)
{
	return text != NULL ? text : "";
}

/* Targets that no configuration made say nothing. */
static const char *
or_off(const char *text)
{
	return text != NULL ? text : "off";
}

static bool
is_same(const struct resources *resources, const struct conf_target *target)
{
	const struct conf_resources *wanted = &target->resources;

	return strcmp(resources->upstream, or_nothing(target->url.text)) == 0 &&
	       strcmp(resources->pid_setting, or_off(wanted->pid)) == 0 &&
	       strcmp(resources->cgroup_setting, or_off(wanted->cgroup)) == 0 &&
	       strcmp(resources->container, or_nothing(wanted->container)) ==
		   0 &&
	       resources->is_behind_proxy == (target->proxy_url != NULL);
}

/* Where it listens, if the configuration says so without a name server. */
static void
find_address(struct resources *resources, const struct conf_url *url)
{
	bool is_named_localhost =
	    url->host != NULL && strcmp(url->host, "localhost") == 0;
	char text[160];

	if (url->scheme == CONF_UNIX)
		listener_address_parse(&resources->address, url->unix_path);
	else if (url->scheme != CONF_FILE && url->host != NULL) {
		snprintf(text, sizeof(text), "%.128s:%u",
		    is_named_localhost ? "127.0.0.1" : url->host, url->port);
		listener_address_parse(&resources->address, text);
	}
	resources->may_be_v6 = is_named_localhost;
	resources->is_here = local_has(&resources->address);
}

static struct resources *
add(struct resources_book *book, const struct conf_target *target)
{
	struct resources *resources = xcalloc(1, sizeof(*resources));
	const struct conf_resources *wanted = &target->resources;

	resources->book = book;
	resources->name = xstrdup(target->name);
	resources->upstream = xstrdup(or_nothing(target->url.text));
	resources->pid_setting = xstrdup(or_off(wanted->pid));
	resources->cgroup_setting = xstrdup(or_off(wanted->cgroup));
	resources->container = xstrdup(or_nothing(wanted->container));
	resources->is_behind_proxy = target->proxy_url != NULL;
	resources->folder = -1;
	find_address(resources, &target->url);
	TAILQ_INSERT_TAIL(&book->all, resources, link);
	return resources;
}

void
resources_book_switch(struct resources_book *book, const struct conf *conf)
{
	struct resources_list before = TAILQ_HEAD_INITIALIZER(before);
	struct resources *resources;
	size_t i;

	/* What `conf` does not name is left over in the end. */
	TAILQ_CONCAT(&before, &book->all, link);
	free(book->by_index);
	book->conf = conf;
	book->count = conf->target_count;
	book->by_index = xcalloc(book->count + 1, sizeof(*book->by_index));
	for (i = 0; i < book->count; i++) {
		TAILQ_FOREACH (resources, &before, link)
			if (strcmp(resources->name, conf->targets[i].name) == 0)
				break;
		if (resources != NULL &&
		    is_same(resources, &conf->targets[i])) {
			TAILQ_REMOVE(&before, resources, link);
			TAILQ_INSERT_TAIL(&book->all, resources, link);
			book->by_index[i] = resources;
		} else {
			book->by_index[i] = add(book, &conf->targets[i]);
		}
	}
	while ((resources = TAILQ_FIRST(&before)) != NULL) {
		TAILQ_REMOVE(&before, resources, link);
		TAILQ_INSERT_TAIL(&book->all, resources, link);
		free_resources(resources);
	}
}

struct resources *
resources_of(struct resources_book *book, const struct conf_target *target)
{
	const struct conf *conf = book->conf;
	uintptr_t at = (uintptr_t)target, first;

	/* One of a configuration that is on its way out has just its name. */
	if (conf == NULL)
		return NULL;
	first = (uintptr_t)conf->targets;
	if (at >= first && (at - first) / sizeof(*target) < book->count)
		return book->by_index[(at - first) / sizeof(*target)];
	return find_by_name(book, target->name);
}

bool
resources_is_off(const struct resources *resources)
{
	bool has_no_process = strcmp(resources->pid_setting, "off") == 0;
	const char *cgroup = resources->cgroup_setting;

	if (!resources->is_here || resources->is_behind_proxy)
		return true;
	return has_no_process &&
	       (strcmp(cgroup, "off") == 0 || strcmp(cgroup, "auto") == 0);
}

unsigned
resources_pid(const struct resources *resources)
{
	return resources == NULL || resources->has_ended ? 0 : resources->pid;
}

uint64_t
resources_began_wall_us(const struct resources *resources)
{
	return resources_pid(resources) == 0
		   ? 0
		   : clock_wall_us() - process_age_us(resources->start_ticks);
}

/* The course of a scrape. */

void
resources_lose(struct resources *resources)
{
	process_close(&resources->folder);
	resources->has_ended = true;
}

void
resources_take_cpu(struct resources *resources, bool *has, uint64_t *us)
{
	*has = resources->pid != 0 && !resources->has_ended &&
	       process_cpu_us(resources->pid, us);
	/* Notes the end, if that is what it is. */
	if (!*has && resources->pid != 0 && !resources->has_ended)
		resources_release_process(
		    resources, resources_hold_process(resources));
}

/* A full limit may just be a full cache of files; that one is asked for only
 * where it matters. */
static bool
is_near_limit(
    const struct resources *resources, const struct cgroup_sample *sample)
{
	double limit = NEAR_LIMIT * (double)resources->memory_limit;
	struct cgroup_state state;

	if (!sample->has_memory || resources->memory_limit == 0 ||
	    (double)sample->memory <= limit)
		return false;
	cgroup_look(resources->cgroup, &state);
	return state.has_working_set && (double)state.working_set > limit;
}

bool
resources_take(struct resources *resources, uint64_t now_us)
{
	struct cgroup_sample sample;

	if (resources->cgroup == NULL)
		return false;
	cgroup_take(resources->cgroup, &sample, now_us);
	if (sample.is_gone) {
		/* What was seen last stays; the process went with it. */
		resources->has_ended = true;
		return false;
	}
	if (sample.has_kills && resources->last.has_kills &&
	    sample.kills > resources->last.kills)
		resources->kill_at_us = now_us;
	resources->was_near_limit = is_near_limit(resources, &sample);
	resources->last = sample;
	return true;
}

/* The gate's own, for all targets. */
static void
take_gate(struct resources_book *book, uint64_t now_us)
{
	if (now_us - book->gate_last.at_us >= GATE_FRESH_US)
		cgroup_take_cpu(&book->gate, &book->gate_last, now_us);
}

void
resources_begin(struct resources *resources, struct resources_mark *mark)
{
	uint64_t now_us = clock_now_us();

	memset(mark, 0, sizeof(*mark));
	if (resources == NULL)
		return;
	mark->at_us = now_us;
	take_gate(resources->book, now_us);
	mark->gate = resources->book->gate_last;
	if (resources_is_off(resources))
		return;
	resources_take_cpu(resources, &mark->has_cpu, &mark->cpu_us);
	resources_search(resources, now_us);
	if (resources->generation == 0)
		return;
	mark->generation = resources->generation;
	if (resources->cgroup != NULL &&
	    (!cgroup_is_dear(resources->cgroup) ||
		now_us - resources->last.at_us > OLD_US))
		resources_take(resources, now_us);
	mark->cgroup = resources->last;
}

/* Of an exporter that the configuration knows by name: who was dialled? */
static void
note_address(struct resources *resources, const struct report *report)
{
	struct listener_address address;

	if (report == NULL || report->redirects > 0 ||
	    report->address[0] == '\0' ||
	    strcmp(resources->dialled, report->address) == 0)
		return;
	snprintf(resources->dialled, sizeof(resources->dialled), "%s",
	    report->address);
	if (!listener_address_parse(&address, report->address))
		return;
	resources->address = address;
	resources->is_here = local_has(&address);
}

void
resources_learn(struct resources *resources, const struct resources_mark *mark,
    const struct report *report, const struct exposition_facts *facts,
    uint64_t wall_us)
{
	if (resources == NULL)
		return;
	note_address(resources, report);
	if (resources->generation != 0) {
		resources->good = mark->generation == resources->generation
				      ? mark->cgroup
				      : resources->first;
		resources->good_pid = resources->pid;
		resources->good_start_ticks = resources->start_ticks;
	}
	resources->was_gone_near_limit = false;
	if (facts == NULL)
		return;
	resources->body_before = resources->body;
	resources->body.wall_us = wall_us;
	body_facts_copy(&resources->body, facts);
}

/* Only of a connection that nobody accepted, at home. */
static bool
may_meet_full_queue(
    const struct resources *resources, const struct report *report)
{
	return resources->book->has_asked_queue && resources->is_here &&
	       report->step == STEP_CONNECT && !report->is_connected &&
	       !report->is_proxy_used && report->redirects == 0;
}

void
resources_look_at_listener(struct resources *resources, struct report *report)
{
	struct listener_address address;

	if (resources == NULL)
		return;
	note_address(resources, report);
	if (may_meet_full_queue(resources, report) &&
	    listener_address_parse(&address, report->address))
		sock_diag_ask(&address, &report->queue);
}

/* Of those who wait for one attempt each may hear of its failure: what was
 * measured for the first is good for all. */
static const struct resources_facts *
measure(struct resources *resources, const struct resources_question *question)
{
	struct resources_book *book = resources->book;
	uint64_t now_us = clock_now_us();

	if (book->newest_of == resources && question->facts == NULL &&
	    book->newest_mark_us == question->mark->at_us &&
	    now_us - book->newest_at_us <= FRESH_US)
		return &book->newest;
	resources_measure(resources, question, &book->newest);
	book->newest_of = resources;
	book->newest_mark_us = question->mark->at_us;
	book->newest_at_us = now_us;
	return &book->newest;
}

void
resources_judge(struct resources *resources,
    const struct resources_question *question,
    struct resources_verdict *verdict)
{
	memset(verdict, 0, sizeof(*verdict));
	if (resources == NULL)
		return;
	note_address(resources, question->report);
	if (!resources_may_explain(question))
		return;
	resources_conclude(measure(resources, question), question, verdict);
}
