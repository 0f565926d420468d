/*
 * What the program says about itself.
 */
#ifndef PROXY_CLI_HELP_H
#define PROXY_CLI_HELP_H

#include <stdio.h>

/* The subcommands, one a line. */
void cli_help(FILE *out);

/* How to call one subcommand; -1 if there is none of this name. */
int cli_help_command(FILE *out, const char *command);

/* One line per problem, for a subcommand that does not exist. */
void cli_help_unknown(FILE *out, const char *command);

#endif
