/*
 * Every file of tests/config: NAME.yml with NAME.err must be refused with
 * exactly these lines; NAME.yml with NAME.out is fine and printed like this,
 * and what was printed is read again to the same.
 *
 * Those of tests/config/web are web config files, judged alone and inline;
 * their NAME.out has the warnings, then the blocks as print-config shows them.
 * Names beginning with "file-" are no good inline.
 *
 * Also conf/README.md, which the program writes.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "conf/file.h"
#include "conf/load.h"
#include "conf/reference.h"
#include "proxy/base/err.h"

#define FILE_MAX_BYTES (1024 * 1024)

/* Content of NAME.SUFFIX, NULL if there is no such file. */
static char *
read_beside(const char *name, const char *suffix)
{
	char path[300];
	struct err err;
	size_t len;

	snprintf(path, sizeof(path), "%s.%s", name, suffix);
	return conf_file_read(path, FILE_MAX_BYTES, &len, &err);
}

static char *
print(const struct conf *conf)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	conf_print(conf, out);
	fclose(out);
	return text;
}

static int
differs(
    const char *name, const char *what, const char *got, const char *expected)
{
	if (strcmp(got, expected) == 0)
		return 0;
	print_error("%s: %s is\n%s\nexpected\n%s\n", name, what, got, expected);
	return 1;
}

/* The comment about the web config file is no part of what is configured. */
static const char *
skip_comment(const char *text)
{
	return text[0] == '#' ? strchr(text, '\n') + 1 : text;
}

static int
judge_again(const char *name, const char *printed)
{
	struct conf_source source = { .file = "printed.yml",
		.text = printed,
		.text_len = strlen(printed) };
	struct conf_report report;
	struct conf *conf = conf_load(&source, &report);
	char *again;
	int bad;

	/* Secrets are not printed, so they cannot come back. */
	if (strstr(printed, "<secret>") != NULL) {
		bad = conf != NULL;
		if (bad)
			print_error("%s: <secret> was taken\n", name);
	} else if (conf == NULL) {
		bad = differs(name, "what was printed", report.errors, "");
	} else {
		again = print(conf);
		bad = differs(
		    name, "printed twice", again, skip_comment(printed));
		free(again);
	}
	conf_unref(conf);
	conf_report_fini(&report);
	return bad;
}

static int
judge_good(const char *name, const struct conf *conf, const char *errors,
    const char *expected)
{
	char *printed;
	int bad;

	if (conf == NULL)
		return differs(name, "its errors", errors, "");
	printed = print(conf);
	bad = differs(name, "print-config", printed, expected);
	bad += judge_again(name, printed);
	if (strstr(printed, "hunter2") != NULL) {
		print_error("%s: a secret was printed\n", name);
		bad++;
	}
	free(printed);
	return bad;
}

static int
judge_file(const char *name)
{
	char path[300];
	struct conf_source source = { .file = path };
	struct conf_report report;
	char *err_text = read_beside(name, "err");
	char *out_text = read_beside(name, "out");
	struct conf *conf;
	int bad;

	snprintf(path, sizeof(path), "%s.yml", name);
	conf = conf_load(&source, &report);
	if (err_text != NULL)
		bad = differs(name, "its errors",
		    report.errors != NULL ? report.errors : "", err_text);
	else if (out_text != NULL)
		bad = judge_good(name, conf, report.errors, out_text);
	else
		bad = differs(name, "beside it", "nothing", ".err or .out");
	if (err_text != NULL && strstr(err_text, "hunter2") != NULL)
		bad += differs(name, "a secret", "in the errors", "");
	conf_unref(conf);
	conf_report_fini(&report);
	free(err_text);
	free(out_text);
	return bad;
}

typedef int judge_fn(const char *name);

/* Gives each NAME.yml below tests/config/FOLDER to `judge`. */
static void
judge_folder(const char *folder, judge_fn *judge, int at_least)
{
	struct dirent **entries;
	int count, i, judged = 0, bad = 0;
	char name[300];
	char *dot;

	assert_int_equal(chdir(TEST_DIR "/config"), 0);
	count = scandir(folder, &entries, NULL, alphasort);
	assert_true(count > 0);
	for (i = 0; i < count; i++) {
		dot = strrchr(entries[i]->d_name, '.');
		if (dot != NULL && strcmp(dot, ".yml") == 0) {
			*dot = '\0';
			snprintf(name, sizeof(name), "%s%s",
			    strcmp(folder, ".") == 0 ? "" : "web/",
			    entries[i]->d_name);
			bad += judge(name);
			judged++;
		}
		free(entries[i]);
	}
	free(entries);
	assert_true(judged >= at_least);
	assert_int_equal(bad, 0);
}

static void
test_files(void **state)
{
	(void)state;
	judge_folder(".", judge_file, 180);
}

/* The warnings, and the web blocks of what print-config shows. */
static char *
describe_web(const struct conf *conf, const char *warnings)
{
	static const char before[] = "\ninsecure_http: false\n";
	char *printed = print(conf), *text = NULL;
	char *start = strstr(printed, before), *end;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	assert_non_null(start);
	start += sizeof(before) - 1;
	end = strstr(start, "targets:\n");
	assert_non_null(end);
	fprintf(out, "%s%.*s", warnings != NULL ? warnings : "",
	    (int)(end - start), start);
	fclose(out);
	free(printed);
	return text;
}

static int
judge_web(const char *name, const char *how, const struct conf_source *source)
{
	struct conf_report report;
	struct conf *conf = conf_load(source, &report);
	char *expected = read_beside(name, conf == NULL ? "err" : "out");
	char *got = conf != NULL ? describe_web(conf, report.warnings) : NULL;
	int bad;

	bad = differs(name, how, got != NULL ? got : report.errors,
	    expected != NULL ? expected : "another verdict");
	if (strstr(got != NULL ? got : report.errors, "hunter2") != NULL)
		bad += differs(name, how, "shows a secret", "");
	free(got);
	free(expected);
	conf_unref(conf);
	conf_report_fini(&report);
	return bad;
}

/* As `--web.config.file`, and inline: as the configuration file itself. */
static int
judge_web_file(const char *name)
{
	char path[300];
	struct conf_flag flag = { "web.config.file", path };
	struct conf_source alone = {
		.flags = &flag, .flag_count = 1, .is_web_only = true
	};
	struct conf_source inlined = { .file = path };
	char *text;
	int bad;

	snprintf(path, sizeof(path), "%s.yml", name);
	bad = judge_web(name, "alone", &alone);
	if (strncmp(name, "web/file-", 9) == 0)
		return bad;
	text = read_beside(name, "yml");
	assert_non_null(text);
	inlined.is_web_only = true;
	inlined.text = text;
	inlined.text_len = strlen(text);
	bad += judge_web(name, "inline", &inlined);
	free(text);
	return bad;
}

static void
test_web_files(void **state)
{
	(void)state;
	judge_folder("web", judge_web_file, 150);
}

static void
test_reference_page(void **state)
{
	char *page = read_beside(TEST_DIR "/../conf/README", "md");
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	(void)state;
	assert_non_null(page);
	assert_non_null(out);
	conf_reference(out);
	fclose(out);
	if (strcmp(text, page) != 0)
		fail_msg("write it again: scrapegate help reference "
			 "> conf/README.md");
	free(text);
	free(page);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_web_files),
		cmocka_unit_test(test_reference_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
