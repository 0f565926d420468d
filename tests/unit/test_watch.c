/*
 * What makes the watch speak up.  Each case prepares a folder, watches one
 * path in it and does something; the loop runs until the watch has spoken, or
 * for what is none of its business until a second watch, on a file changed
 * after that, has.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <event2/event.h>

#include "proxy/watch.h"

struct stage {
	struct event_base *base;
	unsigned told;
	unsigned marked;
};

static void
changed(void *arg)
{
	((struct stage *)arg)->told++;
}

static void
marked(void *arg)
{
	((struct stage *)arg)->marked++;
}

static void
put(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void
nothing(void)
{
}

static void
make_file(void)
{
	put("file", "1");
}

static void
rewrite(void)
{
	put("file", "2");
}

static void
replace(void)
{
	put("fresh", "2");
	assert_int_equal(rename("fresh", "file"), 0);
}

static void
remove_it(void)
{
	assert_int_equal(unlink("file"), 0);
}

static void
touch_another(void)
{
	put("another", "2");
}

static void
make_two_names(void)
{
	make_file();
	mkdir("elsewhere", 0700);
	assert_int_equal(link("file", "elsewhere/name"), 0);
}

/* As through a bind mount: the file's own folder hears nothing. */
static void
rewrite_elsewhere(void)
{
	put("elsewhere/name", "2");
}

/* Kubernetes: file -> ..data/file, ..data -> one. */
static void
make_secret(void)
{
	mkdir("one", 0700);
	mkdir("two", 0700);
	put("one/file", "1");
	put("two/file", "2");
	assert_int_equal(symlink("one", "..data"), 0);
	assert_int_equal(symlink("..data/file", "file"), 0);
}

static void
swap_secret(void)
{
	assert_int_equal(symlink("two", "..data_tmp"), 0);
	assert_int_equal(rename("..data_tmp", "..data"), 0);
}

static void
make_links(void)
{
	char here[1024];
	char *target;

	assert_non_null(getcwd(here, sizeof(here)));
	mkdir("deep", 0700);
	put("deep/real", "1");
	assert_true(asprintf(&target, "%s/deep/../deep/real", here) > 0);
	assert_int_equal(symlink(target, "middle"), 0);
	assert_int_equal(symlink("./middle", "file"), 0);
	free(target);
}

static void
rewrite_real(void)
{
	put("deep/real", "2");
}

static void
make_loop(void)
{
	assert_int_equal(symlink("other", "file"), 0);
	assert_int_equal(symlink("file", "other"), 0);
}

static void
make_folder(void)
{
	mkdir("late", 0700);
}

static void
rename_folder(void)
{
	mkdir("fresh", 0700);
	put("fresh/file", "2");
	assert_int_equal(rename("sub", "gone"), 0);
	assert_int_equal(rename("fresh", "sub"), 0);
}

static void
make_sub(void)
{
	mkdir("sub", 0700);
	put("sub/file", "1");
}

static void
make_deep(void)
{
	mkdir("up", 0700);
	mkdir("up/sub", 0700);
	put("up/sub/file", "1");
}

static void
rename_above(void)
{
	mkdir("fresh", 0700);
	mkdir("fresh/sub", 0700);
	put("fresh/sub/file", "2");
	assert_int_equal(rename("up", "gone"), 0);
	assert_int_equal(rename("fresh", "up"), 0);
}

static void
touch_above(void)
{
	put("up/another", "2");
}

static const struct row {
	const char *name;
	const char *path;
	void (*prepare)(void);
	void (*act)(void);
	bool is_told;
} rows[] = {
	{ "made", "file", nothing, make_file, true },
	{ "written", "file", make_file, rewrite, true },
	{ "replaced", "file", make_file, replace, true },
	{ "removed", "file", make_file, remove_it, true },
	{ "written by another name", "file", make_two_names, rewrite_elsewhere,
	    true },
	{ "not ours", "file", make_file, touch_another, false },
	{ "swapped", "file", make_secret, swap_secret, true },
	{ "behind links", "file", make_links, rewrite_real, true },
	{ "endless links", "file", make_loop, remove_it, true },
	{ "a folder comes", "late/a/b/file", nothing, make_folder, true },
	{ "a folder is replaced", "sub/file", make_sub, rename_folder, true },
	{ "a folder above is replaced", "up/sub/file", make_deep, rename_above,
	    true },
	{ "not ours above", "up/sub/file", make_deep, touch_above, false },
};

static void
speaks_up(void **state)
{
	const struct row *row = *state;
	const char *const other[] = { "mark" };
	char folder[] = "/tmp/test-watch-XXXXXX", here[1024], *command;
	struct stage stage = { .base = event_base_new() };
	struct watch *watch, *mark;

	assert_non_null(getcwd(here, sizeof(here)));
	assert_non_null(mkdtemp(folder));
	assert_int_equal(chdir(folder), 0);
	row->prepare();
	watch = watch_new(stage.base, changed, &stage);
	mark = watch_new(stage.base, marked, &stage);
	watch_set(watch, &row->path, 1);
	watch_set(mark, other, 1);
	row->act();
	put("mark", "1");
	while (stage.marked == 0 || (row->is_told && stage.told == 0))
		assert_int_equal(event_base_loop(stage.base, EVLOOP_ONCE), 0);
	assert_int_equal(stage.told, row->is_told ? 1 : 0);

	watch_free(watch);
	watch_free(mark);
	event_base_free(stage.base);
	assert_int_equal(chdir(here), 0);
	assert_true(asprintf(&command, "rm -rf %s", folder) > 0);
	assert_int_equal(system(command), 0);
	free(command);
}

/*
 * An idle process is not woken for what inotify tells of: besides inotify's
 * descriptor nothing is pending.  /proc tells of nothing.
 */
static void
sleeps_where_it_is_told(void **state)
{
	char here[] = "/tmp/test-watch-XXXXXX";
	const char *const both[] = { here, "/proc/version" };
	struct event_base *base = event_base_new();
	struct watch *watch = watch_new(base, changed, NULL);
	int fd = mkstemp(here);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	watch_set(watch, both, 1);
	assert_int_equal(
	    event_base_get_num_events(base, EVENT_BASE_COUNT_ADDED), 1);
	watch_set(watch, both, 2);
	assert_int_equal(
	    event_base_get_num_events(base, EVENT_BASE_COUNT_ADDED), 2);
	watch_set(watch, both, 1);
	assert_int_equal(
	    event_base_get_num_events(base, EVENT_BASE_COUNT_ADDED), 1);
	watch_set(watch, both, 0);
	assert_int_equal(
	    event_base_get_num_events(base, EVENT_BASE_COUNT_ADDED), 1);
	watch_free(watch);
	event_base_free(base);
	assert_int_equal(unlink(here), 0);
}

#define ROWS (sizeof(rows) / sizeof(rows[0]))

int
main(void)
{
	struct CMUnitTest tests[ROWS + 1];
	size_t i;

	for (i = 0; i < ROWS; i++)
		tests[i] = (struct CMUnitTest){ .name = rows[i].name,
			.test_func = speaks_up,
			.initial_state = (void *)(uintptr_t)&rows[i] };
	tests[ROWS] =
	    (struct CMUnitTest)cmocka_unit_test(sleeps_where_it_is_told);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
