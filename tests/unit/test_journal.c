/*
 * The journal as its owner sees it: acknowledged in time, read again, and a
 * disk in trouble that nobody has to wait for.
 */
#include "journal_lab.h"

#include <inttypes.h>
#include <pthread.h>

#include <event2/event.h>

#include "proxy/base/clock.h"
#include "proxy/base/err.h"
#include "proxy/base/json.h"
#include "proxy/base/log.h"
#include "proxy/base/mailbox.h"
#include "proxy/base/thread.h"
#include "proxy/diagnosis/journal.h"
#include "proxy/diagnosis/journal_disk.h"
#include "proxy/diagnosis/journal_line.h"

#define RETRY_MS 20
#define IDS 4096

static struct event_base *base;
static struct mailbox *mailbox;
static struct journal *journal;
static struct err err;
static atomic_uint_fast64_t acked; /* the highest id */

/* What came back. */
static struct {
	uint64_t count;
	uint64_t first_id;
	uint64_t last_id;
	unsigned char times[IDS];
	uint64_t gaps;
	uint64_t gap_lost;
	bool is_ready;
	struct journal_status status;
} seen;

static void
take_line(const char *line, size_t len, void *arg)
{
	struct cJSON *root = json_parse(line, len, &err);
	double id, lost;

	assert_ptr_equal(arg, &seen);
	assert_non_null(root);
	assert_non_null(json_string(json_get(root, "crc")));
	if (json_number(json_get(root, "id"), &id)) {
		if (seen.count++ == 0)
			seen.first_id = (uint64_t)id;
		seen.last_id = (uint64_t)id;
		seen.times[(size_t)id]++;
	} else {
		assert_string_equal(json_string(json_get(root, "kind")), "gap");
		assert_true(json_number(json_get(root, "lost"), &lost));
		seen.gaps++;
		seen.gap_lost += (uint64_t)lost;
	}
	json_free(root);
}

static void
take_ready(const struct journal_status *status, void *arg)
{
	assert_ptr_equal(arg, &seen);
	seen.is_ready = true;
	seen.status = *status;
}

static void
take_ack(uint64_t id, void *arg)
{
	(void)arg;
	assert_true(id > atomic_load(&acked));
	atomic_store(&acked, id);
}

static void
open_with(size_t recover_max)
{
	struct journal_options options = {
		.path = lab_path,
		.max_size = 1 << 20,
		.mailbox = mailbox,
		.recover_max = recover_max,
		.recovered = take_line,
		.ready = take_ready,
		.acknowledged = take_ack,
		.arg = &seen,
		.io = &lab_io,
		.retry_ms = RETRY_MS,
	};

	memset(&seen, 0, sizeof(seen));
	atomic_store(&acked, 0);
	journal = journal_new(&options, &err);
	assert_non_null(journal);
}

static void
end_journal(void)
{
	journal_free(journal);
	journal = NULL;
	mailbox_deliver(mailbox);
}

static void
await_ready(void)
{
	while (!seen.is_ready)
		event_base_loop(base, EVLOOP_ONCE);
}

static void
reopen(size_t recover_max)
{
	end_journal();
	open_with(recover_max);
	await_ready();
}

static void
append(uint64_t id, size_t pad)
{
	static char json[JOURNAL_LINE_MAX];
	int len = snprintf(json, sizeof(json),
	    "{\"id\":%" PRIu64 ",\"pad\":\"%0*d\"}", id, (int)pad, 1);

	journal_append(journal, json, (size_t)len, id);
}

static void
rest(void)
{
	usleep(2000);
}

static void
await_ack(uint64_t id)
{
	int i;

	for (i = 0; atomic_load(&acked) < id; i++) {
		assert_true(i < 5000);
		rest();
	}
}

static void
await_failing(bool is_failing)
{
	struct journal_status status;
	int i;

	for (i = 0;; i++) {
		journal_status(journal, &status);
		if (status.is_failing == is_failing)
			break;
		assert_true(i < 5000);
		rest();
	}
	assert_int_equal(status.error[0] != '\0', is_failing);
}

static void
await_synced(void)
{
	struct journal_status status;
	int i = 0;

	do {
		assert_true(i++ < 5000);
		rest();
		journal_status(journal, &status);
	} while (status.waiting > 0);
}

static int
set_up(void **state)
{
	(void)state;
	lab_heal();
	lab_empty();
	open_with(IDS);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	end_journal();
	return 0;
}

static void
test_empty(void **state)
{
	struct journal_status status;

	(void)state;
	await_ready();
	assert_int_equal(seen.count, 0);
	assert_int_equal(seen.status.recovered, 0);
	journal_status(journal, &status);
	assert_true(status.has_read);
	assert_false(status.is_failing);
	assert_int_equal(access(lab_path, F_OK), 0);
}

static void
test_in_time(void **state)
{
	struct journal_status status;
	uint64_t begin_us, i;
	unsigned slow = 0;

	(void)state;
	await_ready();
	for (i = 1; i <= 10; i++) {
		begin_us = clock_now_us();
		append(i, 100);
		while (atomic_load(&acked) < i)
			usleep(500);
		slow += clock_now_us() - begin_us >= 2000000;
	}
	/* The promise is 200 ms; sanitizers and neighbours take their time, and
	 * whoever is kept from running is late now and then. */
	assert_true(slow <= 3);
	journal_status(journal, &status);
	assert_int_equal(status.written, 10);
	assert_int_equal(status.acknowledged, 10);
	assert_int_equal(status.lost, 0);
	reopen(IDS);
	assert_int_equal(seen.count, 10);
	assert_int_equal(seen.status.recovered, 10);
	assert_int_equal(seen.status.dropped, 0);
}

/* What comes together is written together. */
static void
test_batches(void **state)
{
	uint64_t i;

	(void)state;
	await_ready();
	for (i = 1; i <= 500; i++)
		append(i, 20);
	await_ack(500);
	await_synced();
	assert_true(atomic_load(&lab_disk.calls[LAB_WRITE]) <= 100);
	reopen(IDS);
	assert_int_equal(seen.count, 500);
	assert_int_equal(seen.last_id, 500);
}

/* At the end nothing is left behind, however new it is. */
static void
test_end_writes(void **state)
{
	uint64_t i;

	(void)state;
	for (i = 1; i <= 300; i++)
		append(i, 900);
	reopen(IDS);
	assert_int_equal(seen.count, 300);
	append(301, 10);
	reopen(IDS);
	assert_int_equal(seen.count, 301);
}

static void
test_newest_are_handed_over(void **state)
{
	uint64_t i;

	(void)state;
	for (i = 1; i <= 300; i++)
		append(i, 10);
	reopen(7);
	assert_int_equal(seen.count, 7);
	assert_int_equal(seen.first_id, 294);
	assert_int_equal(seen.last_id, 300);
	assert_int_equal(seen.status.recovered, 300);
	reopen(0);
	assert_int_equal(seen.count, 0);
	assert_int_equal(seen.status.recovered, 300);
}

/* Nothing here is an object on one line that fits. */
static void
test_unfit_lines(void **state)
{
	static char longest[JOURNAL_LINE_MAX];
	struct journal_status status;

	(void)state;
	await_ready();
	memset(longest, ' ', sizeof(longest));
	longest[0] = '{';
	longest[sizeof(longest) - 1] = '}';
	journal_append(journal, longest, sizeof(longest), 1);
	journal_append(journal, "{}", 2, 2);
	journal_append(journal, "{\"a\":\n1}", 8, 3);
	append(4, 10);
	await_ack(4);
	journal_status(journal, &status);
	assert_int_equal(status.lost, 3);
	assert_int_equal(status.written, 1);
	reopen(IDS);
	assert_int_equal(seen.count, 1);
	assert_int_equal(seen.gap_lost, 3);
}

static const struct {
	enum lab_call call;
	int error;
	const char *words;
} troubles[] = {
	{ LAB_WRITE, ENOSPC, "no space left on device" },
	{ LAB_WRITE, EIO, "input/output error" },
	{ LAB_SYNC, EIO, "input/output error" },
	{ LAB_OPEN, EROFS, "read-only file system" },
};
#define TROUBLES (sizeof(troubles) / sizeof(troubles[0]))

/* A disk that fails for a while costs nothing if that is short. */
static void
test_short_trouble(void **state)
{
	struct journal_status status;
	uint64_t id = 1, k;
	size_t i;

	(void)state;
	await_ready();
	for (i = 0; i < TROUBLES; i++) {
		append(id++, 10);
		await_synced();
		if (troubles[i].call == LAB_OPEN)
			lab_empty(); /* or there is nothing to open */
		lab_break(troubles[i].call, 0, 1 << 30, troubles[i].error);
		for (k = 0; k < 100; k++)
			append(id++, 10);
		await_failing(true);
		journal_status(journal, &status);
		assert_non_null(strstr(status.error, troubles[i].words));
		lab_heal();
		await_failing(false);
		await_synced();
	}
	journal_status(journal, &status);
	assert_int_equal(status.lost, 0);
	assert_int_equal(status.written, id - 1);
	reopen(IDS);
	assert_int_equal(seen.gaps, 0);
	assert_int_equal(seen.count, 100);
	for (k = id - 100; k < id; k++)
		assert_int_equal(seen.times[k], 1);
}

static unsigned
count_gap_lines(void)
{
	char names[80][LAB_NAME_SIZE], *text, *at;
	int count = lab_segments(names, 80), i;
	unsigned gaps = 0;
	size_t len;

	for (i = 0; i < count; i++) {
		text = lab_read(names[i], &len);
		for (at = text; (at = strstr(at, "\"gap\"")) != NULL; at++)
			gaps++;
		free(text);
	}
	return gaps;
}

/* A long one costs the oldest, and says how many. */
static void
test_long_trouble(void **state)
{
	uint64_t id, before = 0, lost;
	struct journal_status status;
	size_t i;

	(void)state;
	await_ready();
	for (i = 0; i < 2; i++) {
		append(1, 10);
		await_ack(1);
		await_synced();
		lab_break(troubles[i].call, 0, 1 << 30, troubles[i].error);
		for (id = 2; id < 3000; id++)
			append(id, 100); /* two batches */
		await_failing(true);
		lab_heal();
		await_failing(false);
		await_ack(2999);
		await_synced();
		journal_status(journal, &status);
		lost = 2998 - JOURNAL_WAITING_MAX;
		assert_int_equal(status.lost, before + lost);
		reopen(IDS);
		assert_int_equal(seen.gap_lost, lost);
		assert_int_equal(seen.gaps, 1);
		assert_int_equal(count_gap_lines(), 1);
		assert_int_equal(seen.count, 1 + JOURNAL_WAITING_MAX);
		assert_int_equal(seen.times[1], 1);
		assert_int_equal(seen.last_id, 2999);
		assert_int_equal(seen.status.dropped, 0);
		end_journal();
		lab_empty();
		open_with(IDS);
		await_ready();
	}
}

/* Long lines: memory is bounded by bytes, too. */
static void
test_bytes_bound(void **state)
{
	struct journal_status status;
	uint64_t id;

	(void)state;
	await_ready();
	lab_break(LAB_WRITE, 0, 1 << 30, ENOSPC);
	for (id = 1; id <= 200; id++)
		append(id, 15000);
	journal_status(journal, &status);
	assert_true(status.waiting <= JOURNAL_WAITING_BYTES / 15000);
	assert_true(status.waiting >= JOURNAL_WAITING_BYTES / 15000 - 2);
	await_failing(true);
	lab_heal();
	await_ack(200);
	await_synced();
	reopen(IDS);
	assert_int_equal(seen.count + seen.gap_lost, 200);
	assert_int_equal(seen.last_id, 200);
}

/* Every k-th call fails, for ever: what was acknowledged is read again. */
static void
test_shaky_disk(void **state)
{
	static const enum lab_call calls[] = { LAB_WRITE, LAB_SYNC, LAB_OPEN };
	struct journal_status status;
	uint64_t id, k;
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		end_journal();
		lab_empty();
		open_with(IDS);
		for (id = 1; id <= 60; id++) {
			append(id, 10);
			lab_break(calls[i], (long)id % 4, 1, EIO);
			rest();
		}
		await_ack(60);
		lab_heal();
		await_synced();
		journal_status(journal, &status);
		assert_int_equal(status.lost, 0);
		assert_int_equal(status.written, 60);
		reopen(IDS);
		assert_int_equal(seen.count, 60);
		for (k = 1; k <= 60; k++)
			assert_int_equal(seen.times[k], 1);
	}
}

/* Down from the start: it says so, and comes up when it can. */
static void
test_no_parent(void **state)
{
	char path[96], command[160];
	struct journal_status status;
	struct journal_options options = {
		.path = path,
		.max_size = 1 << 20,
		.mailbox = mailbox,
		.ready = take_ready,
		.arg = &seen,
		.retry_ms = RETRY_MS,
	};

	(void)state;
	end_journal();
	snprintf(path, sizeof(path), "%s/parent/journal", lab_folder);
	memset(&seen, 0, sizeof(seen));
	journal = journal_new(&options, &err);
	assert_non_null(journal);
	await_ready();
	await_failing(true);
	append(1, 10);
	snprintf(command, sizeof(command), "%s/parent", lab_folder);
	assert_int_equal(mkdir(command, 0700), 0);
	await_failing(false);
	await_synced();
	journal_status(journal, &status);
	assert_int_equal(status.written, 1);
	assert_int_equal(status.lost, 0);
}

/* "No two different lines share one", journal.md says. */
static void
assert_numbers_differ(int lines)
{
	char names[8][LAB_NAME_SIZE];
	unsigned long seqs[16];
	int count = lab_segments(names, 8), found = 0, i;

	for (i = 0; i < count; i++) {
		size_t len;
		char *text = lab_read(names[i], &len), *at = text;

		while ((at = strstr(at, "\"seq\":")) != NULL) {
			unsigned long seq = strtoul(at + 6, &at, 10);
			int other;

			assert_true(found < 16);
			for (other = 0; other < found; other++)
				assert_true(seqs[other] != seq);
			seqs[found++] = seq;
		}
		free(text);
	}
	assert_int_equal(found, lines);
}

static void
test_two_gates(void **state)
{
	struct journal *first = journal, *second;
	struct journal_status status;

	(void)state;
	await_ready();
	append(1, 10);
	await_synced();
	open_with(IDS);
	second = journal;
	await_ready();
	assert_int_equal(seen.count, 0);
	await_failing(true);
	journal_status(second, &status);
	assert_non_null(strstr(status.error, "another scrapegate writes"));
	append(4, 10);
	journal = first;
	append(3, 10);
	await_synced();
	journal_free(first);
	/* Now the second one may. */
	journal = second;
	await_failing(false);
	await_synced();
	assert_numbers_differ(3);
	reopen(IDS);
	assert_int_equal(seen.count, 3);
}

/* A disk that hangs holds up neither appends nor the end. */
static atomic_bool may_go_on;

static ssize_t
hang(int fd, const void *bytes, size_t len)
{
	while (!atomic_load(&may_go_on))
		rest();
	return write(fd, bytes, len);
}

/* Until the thread of a journal that was given up has ended. */
static void
await_unlocked(const char *path)
{
	struct journal_disk *disk = journal_disk_new(path, 1 << 20, &lab_io);

	while (journal_disk_write(disk, "", 0, &err) == -1)
		rest();
	journal_disk_free(disk);
}

static void
test_hanging_disk(void **state)
{
	static struct journal_io hanging;
	char path[96];
	struct journal_options options = {
		.path = path, .max_size = 1 << 20, .io = &hanging
	};
	uint64_t id, begin_us;

	(void)state;
	end_journal();
	snprintf(path, sizeof(path), "%s/hanging", lab_folder);
	hanging = lab_io;
	hanging.write = hang;
	journal = journal_new(&options, &err);
	assert_non_null(journal);
	begin_us = clock_now_us();
	for (id = 1; id <= 5000; id++)
		append(id, 100);
	assert_true(clock_now_us() - begin_us < 20000000);
	begin_us = clock_now_us();
	journal_free(journal);
	assert_true(clock_now_us() - begin_us < 20000000);
	/* Its thread ends when it can. */
	atomic_store(&may_go_on, true);
	await_unlocked(path);
	open_with(IDS);
}

/* A disk that takes what is written at once, but is slow to sync. */
static atomic_bool may_open, may_sync;

static int
open_late(int folder, const char *name, int flags, mode_t mode)
{
	while (!atomic_load(&may_open))
		rest();
	return lab_open(folder, name, flags, mode);
}

static int
sync_late(int fd)
{
	while (!atomic_load(&may_sync))
		rest();
	return lab_sync(fd);
}

/* What standard error gets while the journal ends. */
static void
end_aside(char *said, size_t size)
{
	FILE *aside = tmpfile();
	int own = dup(STDERR_FILENO);

	assert_non_null(aside);
	dup2(fileno(aside), STDERR_FILENO);
	journal_free(journal);
	dup2(own, STDERR_FILENO);
	close(own);
	rewind(aside);
	said[fread(said, 1, size - 1, aside)] = '\0';
	fclose(aside);
}

/* All that waits is written, in batches, before any sync is waited for: what
 * has been written then is not lost with the process. */
static void
test_slow_sync(void **state)
{
	static struct journal_io slow;
	struct journal_options options = {
		.path = lab_path,
		.max_size = 16 << 20,
		.acknowledged = take_ack,
		.io = &slow,
	};
	struct journal_status status;
	char said[512];
	uint64_t id;

	(void)state;
	end_journal();
	lab_empty();
	/* A new folder is synced when it is made. */
	assert_int_equal(mkdir(lab_path, 0700), 0);
	atomic_store(&acked, 0);
	slow = lab_io;
	slow.open = open_late;
	slow.sync = sync_late;
	journal = journal_new(&options, &err);
	assert_non_null(journal);
	for (id = 1; id <= 300; id++)
		append(id, 900);
	atomic_store(&may_open, true);
	await_ack(300);
	journal_status(journal, &status);
	assert_int_equal(status.waiting, 300);
	end_aside(said, sizeof(said));
	assert_string_equal(said, "");
	atomic_store(&may_sync, true);
	await_unlocked(lab_path);
	open_with(IDS);
	await_ready();
	assert_int_equal(seen.count, 300);
}

/* From one thread while another one asks. */
static void *
ask(void *arg)
{
	struct journal_status status;
	atomic_bool *is_over = arg;

	while (!atomic_load(is_over))
		journal_status(journal, &status);
	return NULL;
}

static void
test_threads(void **state)
{
	static atomic_bool is_over;
	pthread_t id;
	uint64_t i;

	(void)state;
	await_ready();
	lab_break(LAB_SYNC, 3, 1, EIO);
	assert_int_equal(thread_spawn(&id, ask, &is_over), 0);
	for (i = 1; i <= 2000; i++) {
		append(i, 50);
		if (i % 100 == 0)
			rest();
	}
	await_ack(2000);
	await_synced();
	atomic_store(&is_over, true);
	pthread_join(id, NULL);
}

static int
begin(void **state)
{
	log_init(LOG_LEVEL_ERROR, LOG_FORMAT_LOGFMT);
	base = thread_base_new(&err);
	mailbox = mailbox_new(base, NULL, &err);
	return base == NULL || mailbox == NULL ? -1 : lab_begin(state);
}

static int
end(void **state)
{
	mailbox_free(mailbox);
	event_base_free(base);
	return lab_end(state);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_empty),
		T(test_in_time),
		T(test_batches),
		T(test_end_writes),
		T(test_newest_are_handed_over),
		T(test_unfit_lines),
		T(test_short_trouble),
		T(test_long_trouble),
		T(test_bytes_bound),
		T(test_shaky_disk),
		T(test_no_parent),
		T(test_two_gates),
		T(test_hanging_disk),
		T(test_slow_sync),
		T(test_threads),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
