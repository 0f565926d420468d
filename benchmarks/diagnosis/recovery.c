/*
 * How long a start takes to read the journal that the process before has left:
 * fills one of 64 MB, then opens it again and again, on the clock and in CPU
 * time, with the files in the page cache and without.
 *
 *   journal_recovery [FOLDER]         a new one, which is left behind
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "proxy/base/clock.h"
#include "proxy/base/err.h"
#include "proxy/base/log.h"
#include "proxy/base/mailbox.h"
#include "proxy/diagnosis/journal.h"
#include "proxy/kernel/folder.h"
#include "proxy/kernel/process.h"

#define SIZE ((uint64_t)64 << 20)
/* As the board asks for. */
#define RECOVER_MAX 1000
#define ROUNDS 11

struct taken {
	uint64_t wall_us, cpu_us;
};

static struct event_base *base;
static uint64_t lines;

static uint64_t
cpu_us(void)
{
	uint64_t used = 0;

	process_cpu_us((unsigned)getpid(), &used);
	return used;
}

static void
take(const char *line, size_t len, void *arg)
{
	(void)line;
	(void)len;
	(void)arg;
	lines++;
}

static void
is_read(const struct journal_status *status, void *arg)
{
	*(struct journal_status *)arg = *status;
	event_base_loopbreak(base);
}

static struct journal *
open_journal(
    const char *path, struct mailbox *mailbox, struct journal_status *status)
{
	struct journal_options options = { .path = path,
		.max_size = SIZE,
		.mailbox = mailbox,
		.recover_max = RECOVER_MAX,
		.recovered = take,
		.ready = is_read,
		.arg = status };
	struct journal *journal;
	struct err err;

	journal = journal_new(&options, &err);
	if (journal == NULL) {
		fprintf(stderr, "%s\n", err.text);
		exit(1);
	}
	event_base_dispatch(base);
	return journal;
}

/* Lines as long as those of usual failures. */
static void
fill(struct journal *journal)
{
	struct journal_status status = { .bytes = 0 };
	char json[1200];
	uint64_t id;
	size_t len;

	for (id = 1; status.bytes < SIZE * 15 / 16; id++) {
		if (status.is_failing) {
			fprintf(stderr, "%s\n", status.error);
			exit(1);
		}
		len = (size_t)snprintf(json, sizeof(json),
		    "{\"v\":1,\"kind\":\"failure\",\"id\":%lu,\"pad\":\"%0*"
		    "d\"}",
		    (unsigned long)id, (int)(600 + id * 37 % 500), 1);
		journal_append(journal, json, len, id);
		do
			journal_status(journal, &status);
		while (status.waiting > JOURNAL_WAITING_MAX / 2 &&
		       usleep(1000) == 0);
	}
}

static void
forget(const char *path)
{
	struct folder folder;
	const char *name;
	int fd;

	if (!folder_open(&folder, AT_FDCWD, path)) {
		perror(path);
		exit(1);
	}
	while ((name = folder_next(&folder)) != NULL) {
		fd = openat(folder.fd, name, O_RDONLY | O_CLOEXEC);
		posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
		close(fd);
	}
	folder_close(&folder);
}

static int
compare(const void *a, const void *b)
{
	const struct taken *one = a, *two = b;

	return (one->wall_us > two->wall_us) - (one->wall_us < two->wall_us);
}

static void
measure(const char *path, struct mailbox *mailbox, bool is_cold)
{
	struct journal_status status = { .bytes = 0 };
	struct taken taken[ROUNDS];
	struct journal *journal;
	size_t i;

	for (i = 0; i < ROUNDS; i++) {
		if (is_cold)
			forget(path);
		taken[i].wall_us = clock_now_us();
		taken[i].cpu_us = cpu_us();
		lines = 0;
		journal = open_journal(path, mailbox, &status);
		taken[i].wall_us = clock_now_us() - taken[i].wall_us;
		taken[i].cpu_us = cpu_us() - taken[i].cpu_us;
		journal_free(journal);
	}
	qsort(taken, ROUNDS, sizeof(*taken), compare);
	printf("%s: %.1f MB, %lu good lines, %lu dropped, %lu handed over: "
	       "median %.1f ms (%.1f to %.1f), CPU then %.1f ms\n",
	    is_cold ? "from the disk" : "from the page cache",
	    (double)status.bytes / 1e6, (unsigned long)status.recovered,
	    (unsigned long)status.dropped, (unsigned long)lines,
	    (double)taken[ROUNDS / 2].wall_us / 1e3,
	    (double)taken[0].wall_us / 1e3,
	    (double)taken[ROUNDS - 1].wall_us / 1e3,
	    (double)taken[ROUNDS / 2].cpu_us / 1e3);
}

int
main(int argc, char **argv)
{
	const char *path = argc > 1 ? argv[1] : "journal-of-64-MB";
	struct journal_status status;
	struct mailbox *mailbox;
	struct journal *journal;
	struct err err;

	log_init(LOG_LEVEL_ERROR, LOG_FORMAT_LOGFMT);
	base = event_base_new();
	mailbox = base == NULL ? NULL : mailbox_new(base, NULL, &err);
	if (mailbox == NULL) {
		fprintf(stderr, "no event loop\n");
		return 1;
	}
	journal = open_journal(path, mailbox, &status);
	fill(journal);
	journal_free(journal);
	measure(path, mailbox, false);
	measure(path, mailbox, true);
	mailbox_free(mailbox);
	event_base_free(base);
	return 0;
}
