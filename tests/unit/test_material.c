#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proxy/base/err.h"
#include "proxy/base/material.h"

static char folder[64];

/* Good for a test: it takes fewer than 64. */
static const char *
path_of(const char *name)
{
	static char paths[64][160];
	static unsigned next;
	char *path = paths[next++ % 64];

	snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
	return path;
}

static void
write_file(const char *name, const char *bytes, size_t len)
{
	FILE *file = fopen(path_of(name), "w");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
}

static void
write_text(const char *name, const char *text)
{
	write_file(name, text, strlen(text));
}

static int
set_up(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/test_material_XXXXXX");
	return mkdtemp(folder) == NULL;
}

static int
tear_down(void **state)
{
	char command[96];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

/* A generation as kubelet writes one: the folder, then `..data`. */
static void
write_generation(const char *name, const char *text)
{
	char path[128];

	assert_int_equal(mkdir(path_of(name), 0700), 0);
	snprintf(path, sizeof(path), "%s/tls.crt", name);
	write_text(path, text);
	snprintf(path, sizeof(path), "%s/tls.key", name);
	write_text(path, text);
	snprintf(path, sizeof(path), "%s/sub", name);
	assert_int_equal(mkdir(path_of(path), 0700), 0);
	snprintf(path, sizeof(path), "%s/sub/ca.crt", name);
	write_text(path, text);
}

static void
swap_to(const char *name)
{
	unlink(path_of("..tmp"));
	assert_int_equal(symlink(name, path_of("..tmp")), 0);
	assert_int_equal(rename(path_of("..tmp"), path_of("..data")), 0);
}

static void
link_entries(void)
{
	assert_int_equal(symlink("..data/tls.crt", path_of("tls.crt")), 0);
	assert_int_equal(symlink("..data/tls.key", path_of("tls.key")), 0);
	assert_int_equal(symlink("..data/sub", path_of("sub")), 0);
}

static void
assert_content(const char *path, const char *text)
{
	struct material *material = material_load(&path, 1);
	struct err err;
	size_t len;
	const char *bytes = material_get(material, path, &len, &err);

	if (bytes == NULL)
		fail_msg("%s", err.text);
	assert_int_equal(len, strlen(text));
	assert_string_equal(bytes, text);
	material_free(material);
}

static void
assert_error(const char *path, enum err_code code, const char *format)
{
	struct material *material = material_load(&path, 1);
	char words[512];
	struct err err;
	size_t len;

	snprintf(words, sizeof(words), "%s%s%s",
	    strncmp(format, "is ", 3) == 0 ? "" : "open ", path,
	    strncmp(format, "is ", 3) == 0 ? " " : ": ");
	strcat(words, format);
	assert_null(material_get(material, path, &len, &err));
	assert_int_equal(err.code, code);
	assert_string_equal(err.text, words);
	material_free(material);
}

static void
reads_files(void **state)
{
	static char big[MATERIAL_FILE_MAX + 1];
	const char *path = path_of("big");
	struct material *material;
	struct err err;
	size_t len;

	(void)state;
	write_text("a", "hello\n");
	assert_content(path_of("a"), "hello\n");
	write_text("empty", "");
	assert_content(path_of("empty"), "");
	memset(big, 'x', sizeof(big));
	write_file("big", big, sizeof(big) - 1);
	material = material_load(&path, 1);
	assert_non_null(material_get(material, path, &len, &err));
	assert_int_equal(len, MATERIAL_FILE_MAX);
	material_free(material);
	write_file("big", big, sizeof(big));
	assert_error(path_of("big"), ERR_FILE, "is larger than 1 MB");
	/* Says that it has no bytes, and has some. */
	path = "/proc/self/maps";
	material = material_load(&path, 1);
	assert_non_null(material_get(material, path, &len, &err));
	assert_true(len > 100);
	material_free(material);
}

static void
tells_errors_when_asked(void **state)
{
	const char *paths[2];
	struct material *material;
	struct err err;
	size_t len;

	(void)state;
	assert_error(path_of("none"), ERR_MISSING, "no such file or directory");
	assert_error(
	    path_of("none/none"), ERR_MISSING, "no such file or directory");
	assert_error("/tmp", ERR_FILE, "is a directory");
	assert_int_equal(mkfifo(path_of("fifo"), 0600), 0);
	assert_error(path_of("fifo"), ERR_FILE, "is not a regular file");
	write_text("secret", "x");
	assert_int_equal(symlink("loop", path_of("loop")), 0);
	assert_error(
	    path_of("loop"), ERR_FILE, "too many levels of symbolic links");
	if (geteuid() != 0) {
		chmod(path_of("secret"), 0);
		assert_error(path_of("secret"), ERR_FILE, "permission denied");
	}
	/* One bad file leaves the others be. */
	write_text("a", "A");
	paths[0] = path_of("none");
	paths[1] = path_of("a");
	material = material_load(paths, 2);
	assert_null(material_get(material, paths[0], &len, &err));
	assert_string_equal(material_get(material, paths[1], &len, &err), "A");
	assert_null(material_get(material, "/not/asked/for", &len, &err));
	assert_int_equal(err.code, ERR_FILE);
	material_free(material);
	material_free(NULL);
}

static void
compares_contents(void **state)
{
	const char *one[] = { path_of("a"), path_of("b") };
	const char *twice[] = { path_of("b"), path_of("a"), one[0] };
	struct material *first, *second;

	(void)state;
	write_text("a", "A");
	first = material_load(one, 2);
	second = material_load(twice, 3);
	assert_true(material_is_equal(first, second));
	assert_true(material_is_equal(first, first));
	material_free(second);
	second = material_load(one, 1);
	assert_false(material_is_equal(first, second));
	material_free(second);
	/* Written again with the same content: no change. */
	unlink(path_of("a"));
	write_text("a", "A");
	second = material_load(one, 2);
	assert_true(material_is_equal(first, second));
	material_free(second);
	write_text("a", "B");
	second = material_load(one, 2);
	assert_false(material_is_equal(first, second));
	material_free(second);
	/* What was missing comes, if only empty. */
	write_text("a", "A");
	write_text("b", "");
	second = material_load(one, 2);
	assert_false(material_is_equal(first, second));
	material_free(second);
	/* Nothing at all is equal to nothing. */
	material_free(first);
	first = material_load(NULL, 0);
	second = material_load(NULL, 0);
	assert_true(material_is_equal(first, second));
	material_free(first);
	material_free(second);
}

static void
follows_generations(void **state)
{
	char cwd[256];

	(void)state;
	write_generation("..1", "one");
	swap_to("..1");
	link_entries();
	write_text("plain", "mine");
	assert_content(path_of("tls.crt"), "one");
	assert_content(path_of("sub/ca.crt"), "one");
	assert_content(path_of("..data/tls.key"), "one");
	assert_content(path_of("plain"), "mine");
	assert_error(path_of("..data"), ERR_FILE, "is a directory");
	assert_error(path_of("sub"), ERR_FILE, "is a directory");
	assert_non_null(getcwd(cwd, sizeof(cwd)));
	assert_int_equal(chdir(folder), 0);
	assert_content("tls.crt", "one");
	assert_int_equal(chdir(cwd), 0);
	write_generation("..2", "two");
	swap_to("..2");
	assert_content(path_of("tls.crt"), "two");
	/* An entry that the Secret no longer has, a link that leads nowhere:
	 * both may come. */
	unlink(path_of("..2/tls.key"));
	assert_error(
	    path_of("tls.key"), ERR_MISSING, "no such file or directory");
	unlink(path_of("..data"));
	assert_error(
	    path_of("tls.crt"), ERR_MISSING, "no such file or directory");
}

/* Swaps as kubelet does, as fast as it can, and removes what was. */
struct swapper {
	pthread_t thread;
	atomic_bool is_over;
	unsigned swaps;
};

static void
remove_generation(const char *name)
{
	static const char *const files[] = { "tls.crt", "tls.key", "sub/ca.crt",
		"sub", "" };
	char path[192];
	size_t i;

	for (i = 0; i < 5; i++) {
		snprintf(
		    path, sizeof(path), "%s/%s/%s", folder, name, files[i]);
		remove(path);
	}
}

static void
make_generation(const char *name, unsigned number)
{
	static const char *const files[] = { "tls.crt", "tls.key",
		"sub/ca.crt" };
	char path[192];
	size_t i;

	snprintf(path, sizeof(path), "%s/%s/sub", folder, name);
	*strrchr(path, '/') = '\0';
	mkdir(path, 0700);
	strcat(path, "/sub");
	mkdir(path, 0700);
	for (i = 0; i < 3; i++) {
		FILE *file;

		snprintf(
		    path, sizeof(path), "%s/%s/%s", folder, name, files[i]);
		file = fopen(path, "w");
		fprintf(file, "%u", number);
		fclose(file);
	}
}

static void *
swap_on(void *arg)
{
	struct swapper *swapper = arg;
	char name[32], old[32] = "..1", from[96], to[96];

	snprintf(from, sizeof(from), "%s/..tmp", folder);
	snprintf(to, sizeof(to), "%s/..data", folder);
	while (!atomic_load(&swapper->is_over)) {
		snprintf(name, sizeof(name), "..g%u", ++swapper->swaps);
		make_generation(name, swapper->swaps);
		if (symlink(name, from) != 0 || rename(from, to) != 0)
			break;
		remove_generation(old);
		strcpy(old, name);
	}
	return NULL;
}

/* Certificate, key and authority always come from one generation, and none
 * is ever missing. */
static void
never_mixes_generations(void **state)
{
	const char *paths[3];
	struct swapper swapper = { .swaps = 0 };
	unsigned round, changes = 0;
	char last[32] = "";

	(void)state;
	write_generation("..1", "0");
	swap_to("..1");
	link_entries();
	paths[0] = path_of("tls.crt");
	paths[1] = path_of("tls.key");
	paths[2] = path_of("sub/ca.crt");
	assert_int_equal(
	    pthread_create(&swapper.thread, NULL, swap_on, &swapper), 0);
	for (round = 0; round < 100000 && changes < 200; round++) {
		struct material *material = material_load(paths, 3);
		const char *texts[3];
		struct err err;
		size_t len, i;

		for (i = 0; i < 3; i++) {
			texts[i] = material_get(material, paths[i], &len, &err);
			if (texts[i] == NULL)
				fail_msg("round %u: %s", round, err.text);
			assert_string_equal(texts[i], texts[0]);
		}
		changes += strcmp(last, texts[0]) != 0;
		snprintf(last, sizeof(last), "%s", texts[0]);
		material_free(material);
	}
	atomic_store(&swapper.is_over, true);
	pthread_join(swapper.thread, NULL);
	print_message("%u rounds, %u generations seen of %u\n", round, changes,
	    swapper.swaps);
	assert_true(changes > 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(reads_files, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    tells_errors_when_asked, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    compares_contents, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    follows_generations, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    never_mixes_generations, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
