/*
 * The journal's files: what is in them, their bound, and a disk that fails at
 * each of its calls.  Whatever happens, a line whose write has returned is read
 * again, once, and none that nobody wrote.
 */
#include "journal_lab.h"

#include <inttypes.h>
#include <sys/file.h>

#include "proxy/base/err.h"
#include "proxy/diagnosis/journal_disk.h"
#include "proxy/diagnosis/journal_folder.h"
#include "proxy/diagnosis/journal_line.h"

#define MAX_SIZE (1 << 20)
#define NUMBERS 20000

static atomic_bool is_stopping;
static struct journal_disk *disk;
static struct err err;

/* What is read again: how often each number. */
static struct {
	unsigned char times[NUMBERS];
	uint64_t count;
	uint64_t last;
	bool is_wrong;
	bool is_unordered;
} seen;

static size_t
make_line(uint64_t number, size_t pad, char *out)
{
	static char json[JOURNAL_LINE_MAX];
	int len;

	len = snprintf(json, sizeof(json),
	    "{\"n\":%" PRIu64 ",\"pad\":\"%0*d\"}", number, (int)pad, 7);
	return journal_line_seal(json, (size_t)len, number, out);
}

static void
take(const char *line, size_t len, uint64_t seq, void *arg)
{
	uint64_t number;

	(void)len;
	(void)arg;
	seen.count++;
	if (sscanf(line, "{\"n\":%" SCNu64 ",", &number) != 1 ||
	    number != seq || number >= NUMBERS) {
		seen.is_wrong = true;
		return;
	}
	seen.is_unordered = seen.is_unordered || number <= seen.last;
	seen.last = number;
	seen.times[number]++;
}

static void
begin(void)
{
	disk = journal_disk_new(lab_path, MAX_SIZE, &lab_io);
}

static void
end(void)
{
	journal_disk_free(disk);
	disk = NULL;
}

static int
read_again(void)
{
	memset(&seen, 0, sizeof(seen));
	return journal_disk_read(disk, take, NULL, &is_stopping, &err);
}

/* As after a restart; the new one may write. */
static void
restart(void)
{
	end();
	begin();
	assert_int_equal(read_again(), 0);
	assert_false(seen.is_wrong);
	assert_false(seen.is_unordered);
}

static int
write_lines(uint64_t from, uint64_t count, size_t pad)
{
	static char batch[JOURNAL_BATCH_MAX];
	size_t len = 0;
	uint64_t i;

	for (i = from; i < from + count; i++)
		len += make_line(i, pad, batch + len);
	return journal_disk_write(disk, batch, len, &err);
}

static void
write_well(uint64_t from, uint64_t count, size_t pad)
{
	assert_int_equal(write_lines(from, count, pad), 0);
	assert_int_equal(journal_disk_sync(disk, &err), 0);
}

static int
set_up(void **state)
{
	(void)state;
	lab_heal();
	lab_empty();
	begin();
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	end();
	return 0;
}

static void
assert_has(uint64_t from, uint64_t end_number)
{
	uint64_t i;

	for (i = from; i < end_number; i++)
		assert_int_equal(seen.times[i], 1);
}

static void
test_files(void **state)
{
	char names[4][LAB_NAME_SIZE], want[256], *text;
	struct stat st;
	size_t len;

	(void)state;
	assert_int_equal(read_again(), 0);
	assert_int_equal(lab_segments(names, 4), 0);
	write_well(1, 1, 1);
	write_well(2, 1, 1);
	assert_int_equal(stat(lab_path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(lab_segments(names, 4), 1);
	assert_non_null(strstr(names[0], "/journal-0000000001.ndjson"));
	assert_int_equal(stat(names[0], &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	len = make_line(1, 1, want);
	len += make_line(2, 1, want + len);
	text = lab_read(names[0], &len);
	assert_int_equal(strlen(want), len);
	assert_memory_equal(text, want, len);
	free(text);
	restart();
	assert_int_equal(seen.count, 2);
	assert_has(1, 3);
}

/* A clean end goes on in the same file, whatever the number of starts. */
static void
test_goes_on(void **state)
{
	char names[4][LAB_NAME_SIZE];
	uint64_t i;

	(void)state;
	for (i = 1; i < 100; i++) {
		assert_int_equal(read_again(), 0);
		write_well(i, 1, 10);
		restart();
		assert_int_equal(seen.count, i);
	}
	assert_int_equal(lab_segments(names, 4), 1);
}

static void
test_bound(void **state)
{
	struct journal_disk_facts facts;
	char names[80][LAB_NAME_SIZE], *text;
	uint64_t i, number = 1, bytes;
	int count, k;
	size_t len;

	(void)state;
	for (i = 0; i < 400; i++) {
		write_well(number, i % 30 + 1, i * 3 % 900);
		number += i % 30 + 1;
		count = lab_segments(names, 80);
		for (bytes = 0, k = 0; k < count; k++) {
			struct stat st;

			assert_int_equal(stat(names[k], &st), 0);
			assert_true(st.st_size <= MAX_SIZE / 8);
			bytes += (uint64_t)st.st_size;
		}
		assert_true(bytes <= MAX_SIZE);
		journal_disk_facts(disk, &facts);
		assert_int_equal(facts.bytes, bytes);
		assert_int_equal(facts.segments, count);
	}
	assert_true(count >= 8 && bytes > MAX_SIZE / 4 * 3);
	/* Each file alone is whole. */
	for (k = 0; k < count; k++) {
		text = lab_read(names[k], &len);
		assert_true(len > 0 && text[0] == '{' && text[len - 1] == '\n');
		free(text);
	}
	restart();
	assert_true(seen.times[1] == 0 && seen.count > 1000);
	assert_has(number - seen.count, number);
	/* With less room than before. */
	end();
	disk = journal_disk_new(lab_path, MAX_SIZE / 2, &lab_io);
	assert_int_equal(read_again(), 0);
	write_well(number, 1, 10);
	journal_disk_facts(disk, &facts);
	assert_true(facts.bytes <= MAX_SIZE / 2);
	restart();
	assert_int_equal(seen.times[number], 1);
}

/* Of starts that each leave a torn line there are many small files. */
static void
test_count_bound(void **state)
{
	char names[200][LAB_NAME_SIZE];
	uint64_t i;
	int count;

	(void)state;
	for (i = 1; i < 150; i++) {
		write_well(i, 1, 10);
		end();
		count = lab_segments(names, 200);
		assert_true(count <= (int)JOURNAL_SEGMENTS_MAX);
		lab_write(names[count - 1], "a", "{\"torn", 6);
		begin();
		assert_int_equal(read_again(), 0);
	}
	assert_int_equal(count, JOURNAL_SEGMENTS_MAX);
	assert_has(150 - JOURNAL_SEGMENTS_MAX, 150);
}

static void
test_torn_tail(void **state)
{
	static const char *const tails[] = { "{",
		"{\"n\":2,\"seq\":2,\"crc\":\"", "\n", "x\n", "{\"a\":1}\n",
		"\x80\xff", "}" };
	struct journal_disk_facts facts;
	char names[4][LAB_NAME_SIZE];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
		lab_empty();
		end();
		begin();
		write_well(1, 2, 5);
		lab_segments(names, 4);
		lab_write(names[0], "a", tails[i], strlen(tails[i]));
		restart();
		journal_disk_facts(disk, &facts);
		assert_int_equal(facts.dropped, 1);
		assert_int_equal(seen.count, 2);
		write_well(3, 1, 5);
		assert_int_equal(lab_segments(names, 4), 2);
		restart();
		assert_int_equal(seen.count, 3);
		assert_has(1, 4);
	}
}

/* All but its newline: a good line, and nothing may follow. */
static void
test_no_newline(void **state)
{
	char names[4][LAB_NAME_SIZE];
	struct stat st;

	(void)state;
	write_well(1, 2, 5);
	lab_segments(names, 4);
	assert_int_equal(stat(names[0], &st), 0);
	assert_int_equal(truncate(names[0], st.st_size - 1), 0);
	restart();
	assert_has(1, 3);
	write_well(3, 1, 5);
	assert_int_equal(lab_segments(names, 4), 2);
	restart();
	assert_has(1, 4);
}

/* A rotten line in the middle costs that line. */
static void
test_rotten(void **state)
{
	struct journal_disk_facts facts;
	char names[4][LAB_NAME_SIZE], *text;
	size_t len;

	(void)state;
	write_well(1, 20, 5);
	lab_segments(names, 4);
	text = lab_read(names[0], &len);
	text[len / 2] ^= 4;
	lab_write(names[0], "w", text, len);
	free(text);
	restart();
	journal_disk_facts(disk, &facts);
	assert_int_equal(facts.dropped, 1);
	assert_int_equal(seen.count, 19);
	/* Its end is good, so it goes on there. */
	write_well(21, 1, 5);
	assert_int_equal(lab_segments(names, 4), 1);
}

/* Things that are no segments, or cannot be read. */
static void
test_strangers(void **state)
{
	static const char *const names[] = { "journal-1.ndjson", "notes.txt",
		"journal-0000000002.ndjson.gz", "journal-000000000x.ndjson",
		"journal-9999999999.ndjson", "journal-00000000001.ndjson" };
	char path[128];
	size_t i;

	(void)state;
	write_well(1, 3, 5);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", lab_path, names[i]);
		lab_write(path, "w", "{\"n\":99}\n", 9);
	}
	snprintf(path, sizeof(path), "%s/journal-0000000005.ndjson", lab_path);
	assert_int_equal(mkfifo(path, 0600), 0);
	snprintf(path, sizeof(path), "%s/journal-0000000006.ndjson", lab_path);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/journal-0000000007.ndjson", lab_path);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	snprintf(path, sizeof(path), "%s/journal-0000000002.ndjson", lab_path);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	restart();
	assert_int_equal(seen.count, 3);
	/* The next number is taken, the one after that is free. */
	end();
	snprintf(path, sizeof(path), "%s/journal-0000000001.ndjson", lab_path);
	lab_write(path, "a", "{", 1);
	restart();
	write_well(4, 1, 5);
	snprintf(path, sizeof(path), "%s/journal-0000000003.ndjson", lab_path);
	assert_int_equal(access(path, F_OK), 0);
	restart();
	assert_has(1, 5);
}

/* Paths that are no folder: each is an error, none blocks or ends us. */
static void
test_no_folder(void **state)
{
	static const struct {
		const char *command; /* in the lab's folder */
		const char *path;
		const char *words;
	} rows[] = {
		{ "true", "a/b", "no such file or directory" },
		{ "touch file", "file", "not a directory" },
		{ "touch file", "file/b", "not a directory" },
		{ "mkfifo fifo", "fifo", "not a directory" },
		{ "ln -s loop loop", "loop", "too many levels of symbolic" },
		{ "ln -s nowhere dead", "dead", "no such file or directory" },
		{ "mkdir -p taken/lock", "taken", "is a directory" },
	};
	char command[256], path[128];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		lab_empty();
		snprintf(command, sizeof(command), "cd %s && %s", lab_folder,
		    rows[i].command);
		assert_int_equal(system(command), 0);
		snprintf(path, sizeof(path), "%s/%s", lab_folder, rows[i].path);
		end();
		disk = journal_disk_new(path, MAX_SIZE, &lab_io);
		assert_int_equal(read_again(), -1);
		assert_non_null(strstr(err.text, rows[i].words));
		assert_non_null(strstr(err.text, path));
		assert_int_equal(write_lines(1, 1, 5), -1);
		assert_non_null(strstr(err.text, rows[i].words));
		/* And as soon as it can be: */
		lab_empty();
		if (strchr(rows[i].path, '/') != NULL)
			continue;
		write_well(1, 1, 5);
	}
}

/* A folder behind a symbolic link is one. */
static void
test_link_to_folder(void **state)
{
	char command[256];

	(void)state;
	snprintf(command, sizeof(command),
	    "cd %s && mkdir real && ln -s real "
	    "journal",
	    lab_folder);
	assert_int_equal(system(command), 0);
	write_well(1, 1, 5);
	restart();
	assert_has(1, 2);
}

static void
test_removed_while_running(void **state)
{
	char names[4][LAB_NAME_SIZE], command[256];

	(void)state;
	write_well(1, 1, 5);
	lab_empty();
	write_well(2, 1, 5);
	restart();
	assert_int_equal(seen.count, 1);
	assert_has(2, 3);
	/* The segment alone. */
	write_well(3, 1, 5);
	assert_int_equal(lab_segments(names, 4), 1);
	assert_int_equal(unlink(names[0]), 0);
	write_well(4, 1, 5);
	restart();
	assert_int_equal(seen.count, 1);
	assert_has(4, 5);
	/* Another folder in its place. */
	snprintf(command, sizeof(command),
	    "cd %s && mv journal x && mkdir "
	    "journal",
	    lab_folder);
	assert_int_equal(system(command), 0);
	write_well(5, 1, 5);
	restart();
	assert_int_equal(seen.count, 1);
	assert_has(5, 6);
}

static void
test_two_writers(void **state)
{
	struct journal_disk *other =
	    journal_disk_new(lab_path, MAX_SIZE, &lab_io);
	char names[4][LAB_NAME_SIZE];

	(void)state;
	write_well(1, 1, 5);
	memset(&seen, 0, sizeof(seen));
	assert_int_equal(
	    journal_disk_read(other, take, NULL, &is_stopping, &err), -1);
	assert_non_null(strstr(err.text, "another scrapegate writes there"));
	assert_int_equal(seen.count, 0);
	assert_int_equal(journal_disk_write(other, "{}\n", 3, &err), -1);
	assert_int_equal(lab_segments(names, 4), 1);
	/* Until the first has gone. */
	end();
	disk = other;
	write_well(2, 1, 5);
	restart();
	assert_has(1, 3);
}

/* Short writes are completed; EINTR is no error. */
static void
test_short_writes(void **state)
{
	long most;

	(void)state;
	for (most = 1; most < 40; most++) {
		atomic_store(&lab_disk.short_write, most);
		lab_break(LAB_WRITE, 1, 3, EINTR);
		write_well((uint64_t)most, 1, 30);
	}
	lab_heal();
	restart();
	assert_int_equal(seen.count, 39);
	assert_has(1, 40);
}

/*
 * Two short batches are written; call `at` of one kind fails, `count` times.
 * A batch that failed is written again, as the thread does.  Nothing that was
 * acknowledged may be missing then, nor be there twice, and the files are
 * whole unless the disk would not even take back half a line.
 */
static void
run_with_fault(enum lab_call call, long at, long count, int error, long most)
{
	struct journal_disk_facts facts;
	uint64_t batch;
	int tries;

	lab_heal();
	lab_empty();
	end();
	begin();
	atomic_store(&lab_disk.short_write, most);
	lab_break(call, at, count, error);
	for (batch = 0; batch < 4; batch++) {
		for (tries = 0; tries < 12; tries++)
			if (write_lines(1 + batch * 3, 3, 40) == 0 &&
			    journal_disk_sync(disk, &err) == 0)
				break;
		assert_true(tries < 12);
	}
	lab_heal();
	restart();
	assert_int_equal(seen.count, 12);
	assert_has(1, 13);
	journal_disk_facts(disk, &facts);
	assert_int_equal(facts.dropped, 0);
	assert_true(facts.segments <= 4);
}

static void
test_every_call_fails(void **state)
{
	static const struct {
		enum lab_call call;
		int error;
	} rows[] = {
		{ LAB_OPEN, EROFS },
		{ LAB_OPEN, ENOSPC },
		{ LAB_OPEN, EMFILE },
		{ LAB_OPEN, EACCES },
		{ LAB_WRITE, ENOSPC },
		{ LAB_WRITE, EIO },
		{ LAB_WRITE, EROFS },
		{ LAB_WRITE, EDQUOT },
		{ LAB_SYNC, EIO },
		{ LAB_SYNC, ENOSPC },
		{ LAB_SYNC, EROFS },
	};
	static const long shorts[] = { 0, 1, 50, 100 };
	size_t i, k;
	long at, count;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (at = 0; at < 14; at++)
			for (count = 1; count < 11; count += 3)
				for (k = 0; k < 4 && (k == 0 || rows[i].call ==
								    LAB_WRITE);
				     k++)
					run_with_fault(rows[i].call, at, count,
					    rows[i].error, shorts[k]);
}

/* Filesystems that cannot sync or lock are used as they are. */
static void
test_no_sync(void **state)
{
	(void)state;
	lab_break(LAB_SYNC, 0, 1000, EINVAL);
	write_well(1, 3, 5);
	restart();
	assert_has(1, 4);
}

/*
 * The same descriptor is not asked a second time; and while syncs go on
 * failing the files do not become more and more.
 */
static void
test_sync_goes_on_failing(void **state)
{
	char names[80][LAB_NAME_SIZE];
	int i;

	(void)state;
	write_well(1, 2, 5);
	lab_break(LAB_SYNC, 0, 1000000, EIO);
	assert_int_equal(write_lines(3, 1, 5), 0);
	assert_int_equal(journal_disk_sync(disk, &err), -1);
	for (i = 0; i < 200; i++) {
		assert_int_equal(write_lines(3, 1, 5), 0);
		assert_int_equal(journal_disk_sync(disk, &err), -1);
		assert_true(lab_segments(names, 80) <= 3);
	}
	lab_heal();
	/* Each acknowledged line is in some file, whatever happens next. */
	restart();
	assert_int_equal(seen.count, 3);
	assert_has(1, 4);
	write_well(4, 1, 5);
	restart();
	assert_has(1, 5);
}

/* Until all of several batches is written again it stays where it was. */
static void
test_batches_again(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < 2; i++) {
		lab_empty();
		end();
		begin();
		assert_int_equal(write_lines(1, 3, 5), 0);
		assert_int_equal(write_lines(4, 3, 5), 0);
		lab_break(i == 0 ? LAB_SYNC : LAB_WRITE, 0, 1, EIO);
		if (i == 0)
			assert_int_equal(journal_disk_sync(disk, &err), -1);
		else
			assert_int_equal(write_lines(7, 3, 5), -1);
		assert_int_equal(write_lines(1, 3, 5), 0);
		restart();
		assert_has(1, 7);
	}
}

/* And then it is not there twice. */
static void
test_batches_once(void **state)
{
	struct journal_disk_facts facts;

	(void)state;
	assert_int_equal(write_lines(1, 3, 5), 0);
	lab_break(LAB_WRITE, 0, 1, ENOSPC);
	assert_int_equal(write_lines(4, 3, 5), -1);
	assert_int_equal(write_lines(1, 3, 5), 0);
	lab_break(LAB_WRITE, 0, 1, ENOSPC);
	assert_int_equal(write_lines(4, 3, 5), -1);
	assert_int_equal(write_lines(1, 3, 5), 0);
	assert_int_equal(write_lines(4, 3, 5), 0);
	journal_disk_facts(disk, &facts);
	assert_int_equal(facts.segments, 3);
	assert_int_equal(journal_disk_sync(disk, &err), 0);
	journal_disk_facts(disk, &facts);
	assert_int_equal(facts.segments, 1);
	restart();
	assert_has(1, 7);
}

/* Half a line that cannot be taken back does no harm. */
static void
test_cannot_take_back(void **state)
{
	struct journal_disk_facts facts;

	(void)state;
	write_well(1, 2, 5);
	atomic_store(&lab_disk.short_write, 20);
	lab_break(LAB_WRITE, 1, 1, ENOSPC);
	lab_break(LAB_TRUNCATE, 0, 1, EIO);
	lab_break(LAB_UNLINK, 0, 1, EIO);
	assert_int_equal(write_lines(3, 2, 5), -1);
	lab_heal();
	write_well(3, 2, 5);
	restart();
	assert_has(1, 5);
	journal_disk_facts(disk, &facts);
	assert_int_equal(facts.dropped, 1);
	assert_int_equal(facts.segments, 2);
}

/* The bound is kept even if nothing can be deleted. */
static void
test_cannot_delete(void **state)
{
	struct journal_disk_facts facts;
	uint64_t i, number = 1;
	int result = 0;

	(void)state;
	lab_break(LAB_UNLINK, 0, 1000000, EACCES);
	for (i = 0; i < 200 && result == 0; i++, number += 20) {
		result = write_lines(number, 20, 500);
		journal_disk_facts(disk, &facts);
		assert_true(facts.bytes <= MAX_SIZE);
	}
	assert_int_equal(result, -1);
	assert_non_null(strstr(err.text, "remove "));
	lab_heal();
	write_well(number, 1, 5);
}

static void
test_stops_reading(void **state)
{
	(void)state;
	write_well(1, 100, 100);
	end();
	begin();
	atomic_store(&is_stopping, true);
	assert_int_equal(read_again(), 0);
	assert_int_equal(seen.count, 0);
	atomic_store(&is_stopping, false);
	/* What it has not seen the end of it does not go on with. */
	write_well(101, 1, 5);
	restart();
	assert_has(1, 102);
}

/* Who ends while its successor waits for the lock: its last lines come before
 * the third look for it, and take a segment that was not there before. */
static struct journal_disk *predecessor;
static int looks_left;

static int
open_lingering(int folder, const char *name, int flags, mode_t mode)
{
	struct journal_disk *successor = disk;
	uint64_t i;

	if (strcmp(name, "lock") == 0 && --looks_left == 0) {
		disk = predecessor;
		for (i = 0; i < 5; i++)
			write_well(6 + 20 * i, 20, 1500);
		end();
		disk = successor;
	}
	return openat(folder, name, flags, mode);
}

static void
test_lock_that_lingers(void **state)
{
	struct journal_io io = lab_io;
	char names[4][LAB_NAME_SIZE];

	(void)state;
	io.open = open_lingering;
	write_well(1, 5, 5);
	assert_int_equal(lab_segments(names, 4), 1);
	predecessor = disk;
	looks_left = 3;
	disk = journal_disk_new(lab_path, MAX_SIZE, &io);
	assert_int_equal(read_again(), 0);
	assert_int_equal(looks_left, 0);
	assert_int_equal(lab_segments(names, 4), 2);
	assert_has(1, 106);
	assert_false(seen.is_unordered);
	write_well(106, 1, 5);
	end();
}

/* Who writes there while a disk in trouble is let go: its lines stay, although
 * they stand where what was doubtful did. */
static void
test_another_in_between(void **state)
{
	struct journal_disk *first = disk;

	(void)state;
	assert_int_equal(write_lines(1, 5, 5), 0);
	lab_break(LAB_SYNC, 0, 1, EIO);
	assert_int_equal(journal_disk_sync(disk, &err), -1);
	begin();
	assert_int_equal(read_again(), 0);
	assert_has(1, 6);
	write_well(6, 1, 5);
	end();
	disk = first;
	write_well(1, 5, 5);
	restart();
	assert_has(1, 7);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_files),
		T(test_goes_on),
		T(test_bound),
		T(test_count_bound),
		T(test_torn_tail),
		T(test_no_newline),
		T(test_rotten),
		T(test_strangers),
		T(test_no_folder),
		T(test_link_to_folder),
		T(test_removed_while_running),
		T(test_two_writers),
		T(test_lock_that_lingers),
		T(test_another_in_between),
		T(test_short_writes),
		T(test_every_call_fails),
		T(test_no_sync),
		T(test_sync_goes_on_failing),
		T(test_batches_again),
		T(test_batches_once),
		T(test_cannot_take_back),
		T(test_cannot_delete),
		T(test_stops_reading),
	};

	return cmocka_run_group_tests(tests, lab_begin, lab_end);
}
