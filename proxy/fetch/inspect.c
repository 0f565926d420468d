#include "proxy/fetch/inspect.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "conf/conf.h"
#include "conf/target.h"
#include "proxy/base/alloc.h"
#include "proxy/base/clock.h"
#include "proxy/base/hash.h"
#include "proxy/exposition/scanner.h"

/* Of the budget, for all memories. */
#define BUDGET_PART 8
#define BUDGET_DEFAULT ((uint64_t)64 << 20)

/* A key that has not come for so many scrapes of others is not the main one. */
#define MISSES_MAX 8

/* Where no memory is lent: 64 KB, as it may be so for every attempt. */
#define OWN_SLOTS ((size_t)8192)

/* What the judge keeps of a Content-Type; of a longer one nobody knows. */
#define TYPE_MAX 255

/* Of one target. */
struct memory {
	LIST_ENTRY(memory) link;
	char *name;
	struct series_memory *series;
	uint64_t key; /* whose series they are */
	unsigned misses;
	bool is_lent;
	bool is_gone; /* its target, while it was lent */
};

struct inspector {
	LIST_HEAD(, memory) memories;
	uint64_t slots_max;    /* of all memories */
	struct scanner *spare; /* or NULL */
};

struct inspection {
	struct inspector *inspector;
	const struct conf_target *target;
	uint64_t key;
	struct scanner *scanner; /* NULL: not begun */
	struct memory *memory;   /* lent to the scanner, or NULL */
	struct content_verdict content;
	bool is_strange; /* not to be judged */
};

static uint64_t
slots_of(uint64_t budget)
{
	return budget / BUDGET_PART / sizeof(uint64_t);
}

struct inspector *
inspector_new(void)
{
	struct inspector *inspector = xcalloc(1, sizeof(*inspector));

	LIST_INIT(&inspector->memories);
	inspector->slots_max = slots_of(BUDGET_DEFAULT);
	return inspector;
}

static void
free_memory(struct memory *memory)
{
	LIST_REMOVE(memory, link);
	series_memory_free(memory->series);
	free(memory->name);
	free(memory);
}

void
inspector_free(struct inspector *inspector)
{
	if (inspector == NULL)
		return;
	while (!LIST_EMPTY(&inspector->memories))
		free_memory(LIST_FIRST(&inspector->memories));
	scanner_free(inspector->spare);
	free(inspector);
}

static bool
is_in_force(const struct conf *conf, const char *name)
{
	const struct conf_target *target = conf_find_target(conf, name);

	return target != NULL && target->validate != CONF_VALIDATE_OFF;
}

void
inspector_switch(struct inspector *inspector, const struct conf *conf)
{
	struct memory *memory, *next;

	inspector->slots_max = slots_of(conf->memory_budget);
	for (memory = LIST_FIRST(&inspector->memories); memory != NULL;
	     memory = next) {
		next = LIST_NEXT(memory, link);
		memory->is_gone = !is_in_force(conf, memory->name);
		if (memory->is_gone && !memory->is_lent)
			free_memory(memory);
	}
}

/* Memories. */

static struct memory *
find_memory(struct inspector *inspector, const char *name)
{
	struct memory *memory;

	LIST_FOREACH (memory, &inspector->memories, link)
		if (strcmp(memory->name, name) == 0)
			return memory;
	memory = xcalloc(1, sizeof(*memory));
	memory->name = xstrdup(name);
	memory->series = series_memory_new(SERIES_SLOTS_DEFAULT);
	LIST_INSERT_HEAD(&inspector->memories, memory, link);
	return memory;
}

/* As large as it is, or as the others leave room for. */
static void
bound(const struct inspector *inspector, struct memory *memory)
{
	struct series_set *set = &memory->series->set;
	const struct memory *each;
	uint64_t others = 0;
	size_t max = SERIES_SLOTS_DEFAULT;

	LIST_FOREACH (each, &inspector->memories, link)
		if (each != memory)
			others += each->series->set.slot_count;
	while (max > set->slot_count && max + others > inspector->slots_max)
		max /= 2;
	set->slot_max = max;
}

/* NULL: it is in other hands, or holds what this key is not compared with. */
static struct memory *
borrow(struct inspector *inspector, const char *name, uint64_t key)
{
	struct memory *memory = find_memory(inspector, name);

	if (memory->is_lent)
		return NULL;
	if (memory->key != key && memory->key != 0 &&
	    ++memory->misses < MISSES_MAX)
		return NULL;
	if (memory->key != key)
		series_memory_reset(memory->series);
	memory->key = key;
	memory->misses = 0;
	memory->is_lent = true;
	bound(inspector, memory);
	return memory;
}

static void
give_back(struct inspection *inspection)
{
	struct inspector *inspector = inspection->inspector;
	struct memory *memory = inspection->memory;

	scanner_break_off(inspection->scanner);
	if (memory == NULL)
		scanner_forget(inspection->scanner);
	else
		memory->is_lent = false;
	if (memory != NULL && memory->is_gone)
		free_memory(memory);
	if (inspector->spare == NULL)
		inspector->spare = inspection->scanner;
	else
		scanner_free(inspection->scanner);
	inspection->scanner = NULL;
	inspection->memory = NULL;
}

/* Of one attempt. */

struct inspection *
inspection_new(struct inspector *inspector, const struct conf_target *target,
    const char *query, const char *accept)
{
	struct inspection *inspection;

	if (target->validate == CONF_VALIDATE_OFF)
		return NULL;
	inspection = xcalloc(1, sizeof(*inspection));
	inspection->inspector = inspector;
	inspection->target = target;
	/* The closing NULs keep the two apart; 0 stands for none. */
	inspection->key = hash_bytes(0, query, strlen(query) + 1);
	inspection->key =
	    hash_bytes(inspection->key, accept, strlen(accept) + 1) | 1;
	return inspection;
}

void
inspection_reset(struct inspection *inspection)
{
	if (inspection != NULL && inspection->scanner != NULL)
		give_back(inspection);
}

void
inspection_free(struct inspection *inspection)
{
	inspection_reset(inspection);
	free(inspection);
}

bool
inspection_has_begun(const struct inspection *inspection)
{
	return inspection->scanner != NULL;
}

static void
judge_content_type(struct inspection *inspection, const char *content_type)
{
	const char *name = inspection->target->fallback_scrape_protocol;
	size_t len = content_type == NULL ? 0 : strlen(content_type);

	inspection->is_strange = len >= TYPE_MAX;
	content_type_judge(&inspection->content, content_type, len,
	    name == NULL ? FORMAT_NONE : content_type_protocol(name));
}

void
inspection_begin(struct inspection *inspection, const char *content_type)
{
	const struct conf_target *target = inspection->target;
	struct inspector *inspector = inspection->inspector;
	struct scanner_options options = {
		.limits = { .body_size = target->body_size_limit,
		    .samples = target->sample_limit,
		    .labels = target->label_limit,
		    .label_name_length = target->label_name_length_limit,
		    .label_value_length = target->label_value_length_limit },
		.now_ms = (int64_t)(clock_wall_us() / 1000),
		.keeps_series = true,
		.stops_when_full = true,
	};

	inspection_reset(inspection);
	judge_content_type(inspection, content_type);
	options.content = inspection->content;
	inspection->memory = borrow(inspector, target->name, inspection->key);
	if (inspection->memory != NULL)
		options.memory = inspection->memory->series;
	inspection->scanner = inspector->spare;
	inspector->spare = NULL;
	if (inspection->scanner == NULL)
		inspection->scanner = scanner_new(OWN_SLOTS);
	scanner_begin(inspection->scanner, &options);
}

void
inspection_feed(struct inspection *inspection, const char *bytes, size_t len)
{
	if (!inspection->is_strange)
		scanner_feed(inspection->scanner, bytes, len);
}

const struct scanner_result *
inspection_end(
    struct inspection *inspection, const struct content_verdict **content)
{
	*content = NULL;
	if (inspection->is_strange)
		return NULL;
	*content = &inspection->content;
	return scanner_finish(inspection->scanner);
}
