/*
 * The program: subcommands and exit codes, nothing else.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/conf.h"
#include "conf/load.h"
#include "conf/reference.h"
#include "proxy/base/err.h"
#include "proxy/base/log.h"
#include "proxy/cli/args.h"
#include "proxy/cli/check_metrics.h"
#include "proxy/cli/hash_password.h"
#include "proxy/cli/help.h"
#include "proxy/environment.h"
#include "proxy/generation.h"
#include "proxy/reload.h"
#include "proxy/server.h"

enum exit_code { EXIT_FINE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

typedef int command_fn(const struct cli_args *args);

static int
fail(const struct err *err)
{
	fprintf(stderr, "scrapegate: %s\n", err->text);
	return err->code == ERR_USAGE ? EXIT_USAGE : EXIT_FAILED;
}

static struct conf_source
source_of(const struct cli_args *args, bool is_web_only)
{
	struct conf_source source = { .file = args->file,
		.flags = args->flags,
		.flag_count = args->flag_count,
		.is_web_only = is_web_only };

	return source;
}

/* The exit code, with the errors on standard error if it is not 0. */
static int
load(const struct conf_source *source, struct conf **conf,
    struct conf_report *report)
{
	*conf = conf_load(source, report);
	if (*conf != NULL)
		return EXIT_FINE;
	fputs(report->errors, stderr);
	return report->is_usage ? EXIT_USAGE : EXIT_FAILED;
}

static const char *
find_flag(const struct cli_args *args, const char *name)
{
	size_t i;

	for (i = 0; i < args->flag_count; i++)
		if (strcmp(args->flags[i].name, name) == 0)
			return args->flags[i].value;
	return NULL;
}

static int
serve(const struct cli_args *args)
{
	struct conf_source source = source_of(args, false);
	struct conf_report report;
	struct conf *conf;
	struct err err;
	int code;

	environment_hold_signals();
	code = load(&source, &conf, &report);
	if (code == EXIT_FINE) {
		log_init(conf->log_level, conf->log_format);
		reload_log_warnings(report.warnings);
		if (server_run(&source, conf, &err) == -1) {
			log_error("cannot serve", "error", err.text, NULL);
			code = EXIT_FAILED;
		}
	}
	conf_unref(conf);
	conf_report_fini(&report);
	return code;
}

/* One that does not exist yet is waited for, so it is no error here either. */
static int
check_files(struct conf *conf)
{
	struct err err;

	if (generation_check(conf, &err) == 0)
		return EXIT_FINE;
	if (err.code == ERR_MISSING) {
		fprintf(stderr, "warning: %s\n", err.text);
		return EXIT_FINE;
	}
	fprintf(stderr, "%s\n", err.text);
	return EXIT_FAILED;
}

static int
check_config(const struct cli_args *args)
{
	const char *web = find_flag(args, "web.config.file");
	bool is_web_only =
	    args->file == NULL && find_flag(args, "upstream") == NULL;
	struct conf_source source;
	struct conf_report report;
	struct conf *conf;
	int code;

	if (is_web_only && web == NULL) {
		fputs("scrapegate: check-config needs a FILE or "
		      "--web.config.file FILE\n",
		    stderr);
		return EXIT_USAGE;
	}
	source = source_of(args, is_web_only);
	code = load(&source, &conf, &report);
	if (code == EXIT_FINE && report.warnings != NULL)
		fputs(report.warnings, stderr);
	if (code == EXIT_FINE)
		code = check_files(conf);
	if (code == EXIT_FINE)
		printf("%s: valid\n", args->file != NULL ? args->file
				      : web != NULL      ? web
							 : "flags");
	conf_unref(conf);
	conf_report_fini(&report);
	return code;
}

static int
print_config(const struct cli_args *args)
{
	struct conf_report report;
	struct conf *conf;
	struct conf_source source = source_of(args, false);
	int code = load(&source, &conf, &report);

	if (code == EXIT_FINE)
		conf_print(conf, stdout);
	conf_unref(conf);
	conf_report_fini(&report);
	return code;
}

static int
hash_password(const struct cli_args *args)
{
	struct err err;

	(void)args;
	if (cli_hash_password(STDIN_FILENO, stdout, &err) == -1)
		return fail(&err);
	return EXIT_FINE;
}

static int
version(const struct cli_args *args)
{
	(void)args;
	puts("scrapegate " SCRAPEGATE_VERSION);
	return EXIT_FINE;
}

static int
help(const struct cli_args *args)
{
	if (args->file == NULL)
		cli_help(stdout);
	else if (strcmp(args->file, "reference") == 0)
		conf_reference(stdout);
	else if (cli_help_command(stdout, args->file) == -1) {
		cli_help_unknown(stderr, args->file);
		return EXIT_USAGE;
	}
	return EXIT_FINE;
}

struct command {
	const char *name;
	bool may_name_file;
	bool takes_flags;
	command_fn *run;
};

static const struct command commands[] = {
	{ "serve", false, true, serve },
	{ "check-config", true, true, check_config },
	{ "print-config", true, true, print_config },
	{ "hash-password", false, false, hash_password },
	{ "version", false, false, version },
	{ "--version", false, false, version },
	{ "help", true, false, help },
	{ "--help", false, false, help },
	{ "-h", false, false, help },
};
#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

/* Its flags are no keys of the configuration. */
static int
check_metrics(int argc, char *const *argv)
{
	struct err err;
	int code, i;

	for (i = 0; i < argc; i++)
		if (strcmp(argv[i], "--help") == 0 ||
		    strcmp(argv[i], "-h") == 0)
			return cli_help_command(stdout, "check-metrics");
	code = cli_check_metrics(argc, argv, &err);
	return code == -1 ? fail(&err) : code;
}

static int
run(const struct command *command, int argc, char *const *argv)
{
	struct cli_args args;
	struct err err;
	int code =
	    cli_args_parse(argc, argv, command->may_name_file, &args, &err);

	if (code == 0 && !command->takes_flags && args.flag_count > 0)
		code = err_set(
		    &err, ERR_USAGE, "%s takes no flags", command->name);
	if (code == -1)
		code = fail(&err);
	else if (args.wants_help) {
		if (cli_help_command(stdout, command->name) == -1)
			cli_help(stdout);
		code = EXIT_FINE;
	} else
		code = command->run(&args);
	cli_args_fini(&args);
	return code;
}

int
main(int argc, char **argv)
{
	size_t i;

	environment_guard_memory();
	if (argc < 2) {
		cli_help(stderr);
		return EXIT_USAGE;
	}
	if (strcmp(argv[1], "check-metrics") == 0)
		return check_metrics(argc - 2, argv + 2);
	for (i = 0; i < COMMAND_COUNT; i++)
		if (strcmp(commands[i].name, argv[1]) == 0)
			return run(&commands[i], argc - 2, argv + 2);
	cli_help_unknown(stderr, argv[1]);
	return EXIT_USAGE;
}
