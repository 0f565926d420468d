/*
 * Whole files: bounds, kinds of files that have no size, errors.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proxy/base/err.h"
#include "proxy/base/file.h"

#define MAX 10000

static char folder[] = "/tmp/test_file_XXXXXX";
static char path[64];

static int
make_folder(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/file", folder);
	return 0;
}

static int
remove_folder(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(folder);
}

static void
write_file(size_t len)
{
	FILE *f = fopen(path, "w");
	size_t i;

	for (i = 0; i < len; i++)
		fputc((int)('a' + i % 26), f);
	fclose(f);
}

static void
test_sizes(void **state)
{
	static const size_t sizes[] = { 0, 1, 4095, 4096, 4097, MAX - 1, MAX };
	size_t i, k, len;

	(void)state;
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		char *text;

		write_file(sizes[i]);
		text = file_load(path, MAX, &len);
		assert_non_null(text);
		assert_int_equal(len, sizes[i]);
		for (k = 0; k < len; k++)
			assert_int_equal(text[k], 'a' + k % 26);
		assert_int_equal(text[len], '\0');
		file_wipe(text, len);
	}
}

static void
test_too_large(void **state)
{
	static const size_t sizes[] = { MAX + 1, 2 * MAX, 100 * MAX };
	size_t i, len;

	(void)state;
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		write_file(sizes[i]);
		errno = 0;
		assert_null(file_load(path, MAX, &len));
		assert_int_equal(errno, EFBIG);
	}
	write_file(1);
	assert_null(file_load(path, 0, &len));
	assert_int_equal(errno, EFBIG);
}

/* Nobody knows their size before. */
static void
test_sizeless(void **state)
{
	static char bytes[9000];
	int ends[2];
	size_t len;
	char *text;

	(void)state;
	text = file_load("/proc/self/status", MAX, &len);
	assert_non_null(text);
	assert_int_equal(len, strlen(text));
	assert_memory_equal(text, "Name:", 5);
	file_wipe(text, len);

	memset(bytes, 'x', sizeof(bytes));
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(
	    write(ends[1], bytes, sizeof(bytes)), (ssize_t)sizeof(bytes));
	close(ends[1]);
	text = file_read(ends[0], MAX, &len);
	close(ends[0]);
	assert_non_null(text);
	assert_int_equal(len, sizeof(bytes));
	assert_memory_equal(text, bytes, len);
	file_wipe(text, len);
}

static void
test_errors(void **state)
{
	size_t len;
	char *text, words[128];
	struct err err;

	(void)state;
	unlink(path);
	assert_null(file_load(path, MAX, &len));
	assert_int_equal(errno, ENOENT);
	snprintf(
	    words, sizeof(words), "open %s: no such file or directory", path);
	assert_int_equal(file_fail(path, &err), -1);
	assert_int_equal(err.code, ERR_MISSING);
	assert_string_equal(err.text, words);
	assert_null(file_load(folder, MAX, &len));
	assert_int_equal(errno, EISDIR);
	snprintf(words, sizeof(words), "read %s: is a directory", folder);
	file_fail(folder, &err);
	assert_int_equal(err.code, ERR_FILE);
	assert_string_equal(err.text, words);
	/* Without a writer it would hold up who waits; it is as good as empty.
	 */
	assert_int_equal(mkfifo(path, 0600), 0);
	text = file_load(path, MAX, &len);
	assert_non_null(text);
	assert_int_equal(len, 0);
	file_wipe(text, len);
	unlink(path);
	file_wipe(NULL, 0);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_sizeless),
		cmocka_unit_test(test_errors),
	};

	alarm(60); /* a test that hangs fails */
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
