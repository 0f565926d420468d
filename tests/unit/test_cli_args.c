/* The command line, apart from what its values mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "conf/load.h"
#include "proxy/base/err.h"
#include "proxy/cli/args.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define ARGS_MAX 6

static int
count_args(const char *const *args)
{
	int count = 0;

	while (count < ARGS_MAX && args[count] != NULL)
		count++;
	return count;
}

static int
parse(const char *const *words, bool may_name_file, struct cli_args *args,
    struct err *err)
{
	char *argv[ARGS_MAX + 1] = { NULL };
	int argc = count_args(words);

	memcpy(argv, words, (size_t)argc * sizeof(*argv));
	return cli_args_parse(argc, argv, may_name_file, args, err);
}

static void
test_good(void **state)
{
	static const struct {
		const char *words[ARGS_MAX];
		const char *file;
		size_t flag_count;
		const char *name, *value; /* of the last flag */
	} cases[] = {
		{ { NULL }, NULL, 0, NULL, NULL },
		{ { "x.yml" }, "x.yml", 0, NULL, NULL },
		{ { "--config", "x.yml" }, "x.yml", 0, NULL, NULL },
		{ { "--config=x.yml" }, "x.yml", 0, NULL, NULL },
		{ { "--log.level=debug" }, NULL, 1, "log.level", "debug" },
		{ { "--log.level", "debug" }, NULL, 1, "log.level", "debug" },
		{ { "--self-signed" }, NULL, 1, "self-signed", "true" },
		{ { "--self-signed=false" }, NULL, 1, "self-signed", "false" },
		{ { "--self-signed", "x.yml" }, "x.yml", 1, "self-signed",
		    "true" },
		{ { "--listen", ":1", "--listen=:2" }, NULL, 2, "listen",
		    ":2" },
		{ { "--upstream=http://h/?a=b" }, NULL, 1, "upstream",
		    "http://h/?a=b" },
		{ { "--admin.listen=" }, NULL, 1, "admin.listen", "" },
		{ { "--admin.listen", "" }, NULL, 1, "admin.listen", "" },
	};
	struct cli_args args;
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		assert_int_equal(parse(cases[i].words, true, &args, &err), 0);
		assert_false(args.wants_help);
		assert_int_equal(args.flag_count, cases[i].flag_count);
		if (cases[i].file == NULL)
			assert_null(args.file);
		else
			assert_string_equal(args.file, cases[i].file);
		if (args.flag_count > 0) {
			assert_string_equal(
			    args.flags[args.flag_count - 1].name,
			    cases[i].name);
			assert_string_equal(
			    args.flags[args.flag_count - 1].value,
			    cases[i].value);
		}
		cli_args_fini(&args);
	}
}

static void
test_bad(void **state)
{
	static const struct {
		const char *words[ARGS_MAX];
		const char *text;
	} cases[] = {
		{ { "--lisen", ":1" },
		    "unknown flag \"--lisen\", did you mean \"--listen\"?" },
		{ { "--self-singed" }, "unknown flag \"--self-singed\", did "
				       "you mean \"--self-signed\"?" },
		{ { "--frobnicate=1" }, "unknown flag \"--frobnicate\"" },
		{ { "--a\nb" }, "unknown flag \"--a\\x0ab\"" },
		{ { "--listen" }, "--listen needs a value" },
		{ { "--listen", "--self-signed" }, "--listen needs a value" },
		{ { "--log.level=info", "--log.level=info" },
		    "--log.level is given twice" },
		{ { "--config=a", "--config=b" },
		    "two configuration files: \"a\" and \"b\"" },
		{ { "a", "b" }, "two configuration files: \"a\" and \"b\"" },
		{ { "--config=" },
		    "the name of the configuration file is empty" },
		{ { "-v" },
		    "unknown flag \"-v\": flags begin with two dashes" },
	};
	struct cli_args args;
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		assert_int_equal(parse(cases[i].words, true, &args, &err), -1);
		assert_int_equal(err.code, ERR_USAGE);
		assert_string_equal(err.text, cases[i].text);
		cli_args_fini(&args);
	}
}

static void
test_file_where_none_may_be(void **state)
{
	static const char *const words[ARGS_MAX] = { "x.yml" };
	struct cli_args args;
	struct err err;

	(void)state;
	assert_int_equal(parse(words, false, &args, &err), -1);
	assert_string_equal(err.text, "unexpected argument \"x.yml\"");
	cli_args_fini(&args);
}

static void
test_help(void **state)
{
	static const char *const words[][ARGS_MAX] = { { "--help" }, { "-h" },
		{ "--self-signed", "--help" } };
	struct cli_args args;
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(words); i++) {
		assert_int_equal(parse(words[i], false, &args, &err), 0);
		assert_true(args.wants_help);
		cli_args_fini(&args);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_file_where_none_may_be),
		cmocka_unit_test(test_help),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
