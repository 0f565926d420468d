#include "proxy/cache/grace.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "conf/conf.h"
#include "conf/target.h"
#include "proxy/base/alloc.h"
#include "proxy/diagnosis/classify.h"
#include "proxy/diagnosis/startup.h"
#include "proxy/fetch/report.h"

/* One that has not answered yet. */
struct newcomer {
	LIST_ENTRY(newcomer) link;
	char *name;
	uint64_t since_us;
};

struct grace_book {
	LIST_HEAD(, newcomer) newcomers;
};

struct grace_book *
grace_book_new(void)
{
	struct grace_book *book = xcalloc(1, sizeof(*book));

	LIST_INIT(&book->newcomers);
	return book;
}

static void
drop(struct newcomer *newcomer)
{
	LIST_REMOVE(newcomer, link);
	free(newcomer->name);
	free(newcomer);
}

void
grace_book_free(struct grace_book *book)
{
	struct newcomer *newcomer;

	if (book == NULL)
		return;
	while ((newcomer = LIST_FIRST(&book->newcomers)) != NULL)
		drop(newcomer);
	free(book);
}

static void
add(struct grace_book *book, const char *name, uint64_t now_us)
{
	struct newcomer *newcomer = xcalloc(1, sizeof(*newcomer));

	newcomer->name = xstrdup(name);
	newcomer->since_us = now_us;
	LIST_INSERT_HEAD(&book->newcomers, newcomer, link);
}

void
grace_book_switch(struct grace_book *book, const struct conf *was,
    const struct conf *conf, uint64_t now_us)
{
	struct newcomer *newcomer, *next;
	size_t i;

	for (newcomer = LIST_FIRST(&book->newcomers); newcomer != NULL;
	     newcomer = next) {
		next = LIST_NEXT(newcomer, link);
		if (conf_find_index(conf, newcomer->name) == -1)
			drop(newcomer);
	}
	for (i = 0; i < conf->target_count; i++)
		if (conf_find_index(was, conf->targets[i].name) == -1)
			add(book, conf->targets[i].name, now_us);
}

static struct newcomer *
find(const struct grace_book *book, const char *name)
{
	struct newcomer *newcomer;

	LIST_FOREACH (newcomer, &book->newcomers, link)
		if (strcmp(newcomer->name, name) == 0)
			return newcomer;
	return NULL;
}

static bool
has_answered(const struct report *report, enum reason reason)
{
	return reason == REASON_OK ||
	       (report->judge.is_head_complete && report->judge.status < 500);
}

/* Neither a success with a warning nor a refusal of the gate's own. */
static bool
is_exporters(enum reason reason)
{
	int status = reason_row(reason)->status;

	return status == 502 || status == 504;
}

void
grace_judge(struct grace_book *book, const struct conf_target *target,
    const struct report *report, uint64_t now_us, struct finding *finding)
{
	struct newcomer *newcomer = find(book, target->name);
	uint64_t age_us;

	if (newcomer == NULL)
		return;
	if (has_answered(report, finding->reason)) {
		drop(newcomer);
		return;
	}
	age_us = now_us - newcomer->since_us;
	if (is_exporters(finding->reason) &&
	    age_us < (uint64_t)target->startup_grace * 1000)
		finding_starting_up(finding, age_us, target->startup_grace);
}
