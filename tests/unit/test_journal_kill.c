/*
 * kill -9 at random moments: every acknowledged line is read again, and none
 * that nobody wrote.
 *
 * A child appends as fast as it may and tells on a pipe what is acknowledged;
 * it is killed at any moment, mostly not before its first acknowledgement, and
 * what it left is read as after a start.  The next child goes on in the same
 * folder.  JOURNAL_KILLS and JOURNAL_SEED in the environment:
 * tests/journal/kill.
 */
#include "journal_lab.h"

#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include "proxy/base/clock.h"
#include "proxy/base/err.h"
#include "proxy/base/log.h"
#include "proxy/diagnosis/journal.h"
#include "proxy/diagnosis/journal_disk.h"
#include "proxy/diagnosis/journal_line.h"

#define KILLS 200
#define IDS 200000
#define LIFE_US 12000
#define MOST_WAITING 400

/* In a few of these the oldest segments go; then a new folder begins. */
#define KILLS_PER_FOLDER 50
#define MAX_SIZE (4 << 20)

struct told {
	uint64_t id;
	uint64_t took_us; /* from its append */
};

static uint64_t appended_us[IDS];
static int pipe_end;
static atomic_uint_fast64_t child_acked;

static struct {
	bool was_acked[IDS];
	bool is_there[IDS];
	uint64_t acked; /* the highest */
	uint64_t first; /* that is there */
	bool is_wrong;
	/* For the figures. */
	uint64_t kills, acks, dropped, idle, worst_us;
} seen;

static size_t
make_json(uint64_t id, char *json)
{
	/* Of any length, and each one its own. */
	int pad = (int)(id * 2654435761u % 700);

	return (size_t)snprintf(json, 1024,
	    "{\"v\":1,\"id\":%" PRIu64 ",\"pad\":\"%0*" PRIu64 "\"}", id, pad,
	    id * id);
}

/* The child. */

static void
tell(uint64_t id, void *arg)
{
	struct told told = { .id = id,
		.took_us = clock_now_us() - appended_us[id] };

	(void)arg;
	if (write(pipe_end, &told, sizeof(told)) != sizeof(told))
		_exit(3);
	atomic_store(&child_acked, id);
}

static void __attribute__((noreturn)) live(uint64_t first)
{
	struct journal_options options = {
		.path = lab_path,
		.max_size = MAX_SIZE,
		.acknowledged = tell,
		.gather_ms = 1,
	};
	struct journal *journal;
	struct err err;
	char json[1024];
	uint64_t id;
	size_t len;

	journal = journal_new(&options, &err);
	if (journal == NULL)
		_exit(2);
	for (id = first; id < IDS; id++) {
		len = make_json(id, json);
		appended_us[id] = clock_now_us();
		journal_append(journal, json, len, id);
		/* None may be lost for want of room. */
		do
			usleep(id % 8 == 0 ? 200 : 1);
		while (id > first + MOST_WAITING &&
		       id - MOST_WAITING > atomic_load(&child_acked));
	}
	_exit(4);
}

/* The parent. */

static void
take(const char *line, size_t len, uint64_t seq, void *arg)
{
	char json[1024];
	uint64_t id;

	(void)seq;
	(void)arg;
	if (sscanf(line, "{\"v\":1,\"id\":%" SCNu64, &id) != 1 || id >= IDS ||
	    seen.is_there[id] || len <= make_json(id, json) ||
	    memcmp(line, json, strlen(json) - 1) != 0) {
		seen.is_wrong = true;
		return;
	}
	if (seen.first == 0)
		seen.first = id;
	seen.is_there[id] = true;
}

static void
note_acks(int fd)
{
	uint64_t before = seen.acked, id;
	struct told told;

	while (read(fd, &told, sizeof(told)) == sizeof(told)) {
		for (id = seen.acked + 1; id <= told.id; id++)
			seen.was_acked[id] = true;
		seen.acked = told.id;
		if (told.took_us > seen.worst_us)
			seen.worst_us = told.took_us;
	}
	seen.acks += seen.acked - before;
	if (seen.acked == before)
		seen.idle++;
}

/* The highest that may be in a file, acknowledged or not. */
static uint64_t
check_files(void)
{
	static atomic_bool is_stopping;
	struct journal_disk *disk =
	    journal_disk_new(lab_path, MAX_SIZE, &journal_io_system);
	struct journal_disk_facts facts;
	uint64_t id, last = 0;
	struct err err;

	memset(seen.is_there, 0, sizeof(seen.is_there));
	seen.first = 0;
	assert_int_equal(
	    journal_disk_read(disk, take, NULL, &is_stopping, &err), 0);
	journal_disk_facts(disk, &facts);
	seen.dropped += facts.dropped;
	assert_true(facts.bytes <= MAX_SIZE);
	journal_disk_free(disk);
	assert_false(seen.is_wrong);
	/* Whole segments from the front are not lost. */
	assert_true(seen.acked == 0 ||
		    (seen.first > 0 &&
			(seen.first == 1 || facts.bytes > MAX_SIZE / 4 * 3)));
	for (id = 1; id < IDS; id++) {
		if (id >= seen.first && seen.was_acked[id])
			assert_true(seen.is_there[id]);
		if (seen.is_there[id])
			last = id;
	}
	return last;
}

/* On a busy machine many would otherwise die before they have begun. */
static void
await_ack(int fd)
{
	struct pollfd poll_for = { .fd = fd, .events = POLLIN };

	assert_int_equal(poll(&poll_for, 1, 60000), 1);
}

static void
kill_one(uint64_t first_id, bool waits, useconds_t life_us)
{
	int ends[2], status;
	pid_t child;

	assert_int_equal(pipe(ends), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		close(ends[0]);
		pipe_end = ends[1];
		live(first_id);
	}
	close(ends[1]);
	if (waits)
		await_ack(ends[0]);
	usleep(life_us);
	assert_int_equal(kill(child, SIGKILL), 0);
	note_acks(ends[0]);
	close(ends[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static unsigned
setting(const char *name, unsigned otherwise)
{
	const char *text = getenv(name);

	return text != NULL ? (unsigned)strtoul(text, NULL, 10) : otherwise;
}

static void
test_kills(void **state)
{
	unsigned kills = setting("JOURNAL_KILLS", KILLS), i;
	unsigned seed = setting("JOURNAL_SEED", (unsigned)clock_wall_us());
	uint64_t next = 1;

	(void)state;
	printf("JOURNAL_SEED=%u\n", seed);
	srandom(seed);
	for (i = 0; i < kills; i++) {
		if (i % KILLS_PER_FOLDER == 0) {
			lab_empty();
			memset(seen.was_acked, 0, sizeof(seen.was_acked));
			seen.acked = 0;
			next = 1;
		}
		kill_one(next, i % 4 != 0, (useconds_t)(random() % LIFE_US));
		/* What was appended and never written comes again. */
		next = check_files() + 1;
		seen.kills++;
	}
	printf("%" PRIu64 " kills, %" PRIu64 " lines acknowledged, 0 lost; "
	       "%" PRIu64 " children had none; torn lines seen %" PRIu64
	       "; slowest acknowledgement %" PRIu64 " us\n",
	    seen.kills, seen.acks, seen.idle, seen.dropped, seen.worst_us);
	assert_true(seen.acks >= seen.kills / 4 * 3);
}

/*
 * For tests/journal/kill, which lets strace(1) kill it at each system call.
 * "append FOLDER" writes a few batches, large ones, so that segments are
 * deleted; acknowledgements go to standard output.  "check FOLDER" reads these
 * from standard input and then the files.
 */

#define SMALL_MAX_SIZE ((uint64_t)JOURNAL_MAX_SIZE_MIN)
#define LARGE_LINES 60

static void
append_large(void)
{
	struct journal_options options = {
		.path = lab_path,
		.max_size = SMALL_MAX_SIZE,
		.acknowledged = tell,
		.gather_ms = 1,
	};
	static char json[JOURNAL_LINE_MAX];
	struct journal *journal;
	struct err err;
	uint64_t id;
	int len;

	pipe_end = STDOUT_FILENO;
	journal = journal_new(&options, &err);
	assert_non_null(journal);
	for (id = 1; id <= LARGE_LINES; id++) {
		len = snprintf(json, sizeof(json),
		    "{\"v\":1,\"id\":%" PRIu64 ",\"pad\":\"%015000d\"}", id, 0);
		journal_append(journal, json, (size_t)len, id);
		while (id % 3 == 0 && atomic_load(&child_acked) < id)
			usleep(100);
	}
	journal_free(journal);
}

static void
take_large(const char *line, size_t len, uint64_t seq, void *arg)
{
	uint64_t id;

	(void)len;
	(void)arg;
	assert_int_equal(sscanf(line, "{\"v\":1,\"id\":%" SCNu64 ",", &id), 1);
	assert_true(id == seq && id <= LARGE_LINES && !seen.is_there[id]);
	if (seen.first == 0)
		seen.first = id;
	seen.is_there[id] = true;
}

static void
check_large(void)
{
	static atomic_bool is_stopping;
	struct journal_disk *disk =
	    journal_disk_new(lab_path, SMALL_MAX_SIZE, &journal_io_system);
	struct journal_disk_facts facts;
	struct err err;
	uint64_t id;

	note_acks(STDIN_FILENO);
	/* It may have been killed before there was a folder. */
	if (journal_disk_read(disk, take_large, NULL, &is_stopping, &err) == -1)
		assert_int_equal(seen.acked, 0);
	journal_disk_facts(disk, &facts);
	assert_true(facts.bytes <= SMALL_MAX_SIZE);
	assert_true(seen.acked == 0 || seen.first == 1 ||
		    facts.bytes >= SMALL_MAX_SIZE / 4 * 3);
	for (id = seen.first; id <= seen.acked; id++)
		assert_true(id == 0 || seen.is_there[id]);
	journal_disk_free(disk);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_kills) };

	log_init(LOG_LEVEL_ERROR, LOG_FORMAT_LOGFMT);
	if (argc == 3) {
		snprintf(lab_path, sizeof(lab_path), "%s", argv[2]);
		if (strcmp(argv[1], "append") == 0)
			append_large();
		else
			check_large();
		return 0;
	}
	return cmocka_run_group_tests(tests, lab_begin, lab_end);
}
