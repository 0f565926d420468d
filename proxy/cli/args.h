/*
 * The command line of one subcommand: flags by the table of keys, and at most
 * one file.
 */
#ifndef PROXY_CLI_ARGS_H
#define PROXY_CLI_ARGS_H

#include <stdbool.h>
#include <stddef.h>

struct conf_flag;
struct err;

struct cli_args {
	struct conf_flag *flags; /* --config aside */
	size_t flag_count;
	const char *file; /* --config, or the argument without a flag */
	bool wants_help;
};

/*
 * Reads the arguments after the subcommand; strings are borrowed from argv.
 * "--flag value" and "--flag=value" are the same.  -1 with ERR_USAGE.  Free
 * with cli_args_fini() in any case.
 */
int cli_args_parse(int argc, char *const *argv, bool may_name_file,
    struct cli_args *args, struct err *err);
void cli_args_fini(struct cli_args *args);

#endif
