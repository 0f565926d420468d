/*
 * The power goes: what was synced is read again, and nothing that nobody wrote.
 *
 * A short life of a journal is run on a real folder while each of its calls is
 * noted.  Then, for the moment after each call, the files are made up as a
 * crash could leave them: what was not synced is there up to any byte, or as
 * zeros or garbage behind it; names that were not synced are there or not.
 * Some of these states are put on a real disk, go on from there, and crash a
 * second time.  JOURNAL_STATES in the environment: tests/journal/crash.
 */
#include "journal_lab.h"

#include <inttypes.h>

#include "proxy/base/err.h"
#include "proxy/diagnosis/journal_disk.h"
#include "proxy/diagnosis/journal_line.h"
#include "proxy/diagnosis/journal_scan.h"

#define STATES 12000
#define MAX_SIZE ((uint64_t)JOURNAL_MAX_SIZE_MIN)

#define LINES 4000
#define FILES 200
#define FILE_MAX (1 << 17)
#define FDS 256

/* One segment, as the process sees it and as the disk surely has it. */
struct file {
	char name[32];
	char *bytes;
	size_t len;
	uint64_t first; /* line in it; 0: it is empty */
	size_t synced;  /* so many bytes are on the disk */
	bool is_named;  /* on the disk, too */
	bool is_removed;
	bool may_come_back; /* removed, and the folder not synced since */
};

static struct {
	struct file files[FILES];
	size_t count;
	int file_of[FDS]; /* by descriptor, plus 1 */
	uint64_t states;
	uint64_t left; /* to be made up */
} world;

/* Every line that was ever written; and was synced, or seen after a start. */
static char *lines[LINES];
static size_t line_lens[LINES];
static uint64_t next_line = 1;
static uint64_t batch_first; /* of the batch that is being written */
static bool must_be_there[LINES];

static struct {
	bool is_there[LINES];
	bool is_wrong;
} seen;

static void crash_now(void);

static struct file *
file_of(int fd)
{
	assert_true(fd >= 0 && fd < FDS);
	return world.file_of[fd] == 0 ? NULL
				      : &world.files[world.file_of[fd] - 1];
}

static struct file *
find_file(const char *name)
{
	size_t i;

	for (i = 0; i < world.count; i++)
		if (!world.files[i].is_removed &&
		    strcmp(world.files[i].name, name) == 0)
			return &world.files[i];
	return NULL;
}

/* The calls. */

static int
note_open(int folder, const char *name, int flags, mode_t mode)
{
	int fd = openat(folder, name, flags, mode);
	struct file *file;

	if (fd == -1)
		return -1;
	assert_true(fd < FDS);
	world.file_of[fd] = 0;
	if (strncmp(name, "journal-", 8) != 0)
		return fd;
	file = find_file(name);
	if (file == NULL) {
		assert_true(world.count < FILES);
		file = &world.files[world.count++];
		*file = (struct file){ .bytes = malloc(FILE_MAX) };
		assert_non_null(file->bytes);
		snprintf(file->name, sizeof(file->name), "%s", name);
	}
	world.file_of[fd] = (int)(file - world.files) + 1;
	crash_now();
	return fd;
}

static ssize_t
note_write(int fd, const void *bytes, size_t len)
{
	struct file *file = file_of(fd);
	ssize_t n = write(fd, bytes, len);

	assert_int_equal(n, len);
	assert_true(file->len + len <= FILE_MAX);
	memcpy(file->bytes + file->len, bytes, len);
	if (file->first == 0)
		file->first = batch_first;
	file->len += len;
	crash_now();
	return n;
}

static int
note_sync(int fd)
{
	struct file *file = file_of(fd);
	size_t i;

	if (file != NULL)
		file->synced = file->len;
	else
		for (i = 0; i < world.count; i++) {
			world.files[i].is_named = true;
			world.files[i].may_come_back = false;
		}
	crash_now();
	return 0;
}

static int
note_unlink(int folder, const char *name)
{
	struct file *file = find_file(name);

	assert_non_null(file);
	file->is_removed = true;
	file->may_come_back = true;
	crash_now();
	return unlinkat(folder, name, 0);
}

static const struct journal_io noting = {
	.open = note_open,
	.read = read,
	.write = note_write,
	.sync = note_sync,
	.truncate = ftruncate,
	.unlink = note_unlink,
};

/* What a crash leaves. */

static void
take(const char *line, size_t len, uint64_t seq, void *arg)
{
	(void)arg;
	if (seq == 0 || seq >= next_line || line_lens[seq] != len + 1 ||
	    memcmp(lines[seq], line, len) != 0)
		seen.is_wrong = true;
	else
		seen.is_there[seq] = true;
}

enum tail { TAIL_NOTHING, TAIL_ZEROS, TAIL_GARBAGE, TAIL_HOLE, TAILS };

/* `cut` bytes of what was not synced are there; what of the rest? */
static size_t
make_up(const struct file *file, size_t cut, enum tail tail, char *out)
{
	size_t good = file->synced + cut, i;

	memcpy(out, file->bytes, file->len);
	switch (tail) {
	case TAIL_ZEROS:
		memset(out + good, 0, file->len - good);
		return file->len;
	case TAIL_GARBAGE:
		for (i = good; i < file->len; i++)
			out[i] = (char)(random() >> 8);
		return file->len;
	case TAIL_HOLE:
		/* A later page has come, an earlier one has not. */
		memset(out + file->synced, 0, cut);
		return file->len;
	default:
		return good;
	}
}

/* What must be there: synced, in a file that was not deleted. */
static void
check_state(const char *what)
{
	uint64_t i = 1;
	size_t k = 0;

	assert_false(seen.is_wrong);
	while (k < world.count && world.files[k].is_removed)
		k++;
	if (k < world.count && world.files[k].first != 0)
		i = world.files[k].first;
	for (; i < next_line; i++)
		if (must_be_there[i] && !seen.is_there[i])
			fail_msg("line %" PRIu64 " is gone: %s", i, what);
	world.states++;
}

/* The newest file in this state, the others as they must be. */
static void
crash_so(size_t cut, enum tail tail, bool has_names)
{
	static struct journal_scan scan;
	static char bytes[FILE_MAX];
	size_t i, len;

	memset(&seen, 0, sizeof(seen));
	journal_scan_init(&scan, take, NULL);
	for (i = 0; i < world.count; i++) {
		const struct file *file = &world.files[i];

		if (file->is_removed && !(file->may_come_back && has_names))
			continue;
		if (!file->is_named && !has_names)
			continue;
		journal_scan_begin(&scan);
		len = make_up(file, i + 1 == world.count ? cut : 0,
		    i + 1 == world.count ? tail : TAIL_NOTHING, bytes);
		journal_scan_feed(&scan, bytes, len);
		journal_scan_end(&scan);
	}
	check_state("after a crash");
}

/* Every byte of what is not synced, in each way; or some of them. */
static void
crash_now(void)
{
	const struct file *file =
	    world.count > 0 ? &world.files[world.count - 1] : NULL;
	size_t unsynced = file != NULL ? file->len - file->synced : 0, cut;
	size_t step = 1 + unsynced / (1 + world.left / 100);
	int tail;

	for (cut = 0; cut <= unsynced; cut += step)
		for (tail = 0; tail < TAILS; tail++) {
			crash_so(cut, (enum tail)tail, true);
			crash_so(cut, (enum tail)tail, false);
		}
}

/* A life. */

static int
write_batch(struct journal_disk *disk, unsigned count)
{
	static char batch[JOURNAL_BATCH_MAX];
	char json[1024];
	struct err err;
	size_t len = 0;
	unsigned i;

	batch_first = next_line;
	for (i = 0; i < count; i++) {
		int n = snprintf(json, sizeof(json),
		    "{\"v\":1,\"n\":%" PRIu64 ",\"pad\":\"%0*d\"}", next_line,
		    (int)(random() % 700), (int)(random() % 1000));
		size_t sealed =
		    journal_line_seal(json, (size_t)n, next_line, batch + len);

		assert_true(next_line < LINES);
		lines[next_line] = malloc(sealed);
		assert_non_null(lines[next_line]);
		memcpy(lines[next_line], batch + len, sealed);
		line_lens[next_line++] = sealed;
		len += sealed;
	}
	if (journal_disk_write(disk, batch, len, &err) == -1 ||
	    journal_disk_sync(disk, &err) == -1)
		return -1;
	memset(must_be_there + batch_first, true, count);
	return 0;
}

static void
forget(void)
{
	size_t i;

	for (i = 0; i < world.count; i++)
		free(world.files[i].bytes);
	for (i = 1; i < next_line; i++)
		free(lines[i]);
	world.count = 0;
	memset(world.file_of, 0, sizeof(world.file_of));
	next_line = 1;
	memset(must_be_there, 0, sizeof(must_be_there));
}

static void
live(struct journal_disk *disk, unsigned batches)
{
	unsigned i;

	for (i = 0; i < batches; i++)
		assert_int_equal(
		    write_batch(disk, 1 + (unsigned)(random() % 12)), 0);
}

static uint64_t
wanted(void)
{
	const char *text = getenv("JOURNAL_STATES");

	return text != NULL ? strtoull(text, NULL, 10) : STATES;
}

static int
set_up(void **state)
{
	(void)state;
	lab_empty();
	world.left = wanted() / 2;
	world.states = 0;
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	forget();
	return 0;
}

static void
test_crashes(void **state)
{
	struct journal_disk *disk;

	(void)state;
	while (world.states < wanted()) {
		world.left = wanted() - world.states;
		forget();
		lab_empty();
		disk = journal_disk_new(lab_path, MAX_SIZE, &noting);
		live(disk, 12);
		journal_disk_free(disk);
	}
	printf("%" PRIu64 " states\n", world.states);
}

/* Long enough that segments are deleted. */
static void
test_crashes_at_the_bound(void **state)
{
	struct journal_disk *disk =
	    journal_disk_new(lab_path, MAX_SIZE, &noting);

	(void)state;
	world.left = 200; /* few of each */
	while (world.count < 10 && next_line < LINES - 20)
		live(disk, 1);
	assert_true(world.files[0].is_removed);
	journal_disk_free(disk);
	printf("%" PRIu64 " states\n", world.states);
}

/*
 * As it might be found, then used again: the second life begins in the state
 * that the first one left, and is as safe.
 */
static void
test_crashes_twice(void **state)
{
	static atomic_bool is_stopping;
	static char bytes[FILE_MAX];
	char path[128];
	struct journal_disk *disk;
	struct err err;
	struct file *file;
	size_t len;
	int i;

	(void)state;
	for (i = 0; i < 60; i++) {
		forget();
		lab_empty();
		world.left = 0;
		disk = journal_disk_new(lab_path, MAX_SIZE, &noting);
		live(disk, 2);
		/* The third batch is under way. */
		file = &world.files[world.count - 1];
		len = file->len;
		live(disk, 1);
		journal_disk_free(disk);
		file->synced = len;
		len =
		    make_up(file, (size_t)random() % (file->len - file->synced),
			(enum tail)(random() % TAILS), bytes);
		snprintf(path, sizeof(path), "%s/%s", lab_path, file->name);
		lab_write(path, "w", bytes, len);
		memcpy(file->bytes, bytes, len);
		file->len = file->synced = len;
		/* What is there will be seen now. */
		memset(must_be_there, 0, sizeof(must_be_there));
		memset(&seen, 0, sizeof(seen));
		disk = journal_disk_new(lab_path, MAX_SIZE, &noting);
		assert_int_equal(
		    journal_disk_read(disk, take, NULL, &is_stopping, &err), 0);
		assert_false(seen.is_wrong);
		memcpy(must_be_there, seen.is_there, sizeof(must_be_there));
		live(disk, 3);
		journal_disk_free(disk);
	}
	printf("%" PRIu64 " states\n", world.states);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_crashes),
		T(test_crashes_at_the_bound),
		T(test_crashes_twice),
	};

	return cmocka_run_group_tests(tests, lab_begin, lab_end);
}
