#include "proxy/cli/help.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "conf/reference.h"
#include "conf/suggest.h"
#include "conf/text.h"

struct help {
	const char *command;
	const char *arguments;
	const char *line;
	const char *text;
	bool has_flags; /* those of the table of keys */
};

static const struct help helps[] = {
	{ "serve", "[--config FILE] [--upstream URL] [FLAG...]", "run the gate",
	    "Runs the gate until SIGTERM. It needs no file:\n"
	    "  scrapegate serve --upstream http://127.0.0.1:9100/metrics\n",
	    true },
	{ "check-config", "[FILE] [--web.config.file FILE] [FLAG...]",
	    "say all that is wrong with a configuration",
	    "Prints every error as FILE:LINE:COL: message. Without FILE only\n"
	    "the web config file is judged.\n",
	    true },
	{ "print-config", "[FILE] [FLAG...]",
	    "show the effective configuration",
	    "Prints what serve would run with, as YAML, secrets as <secret>.\n",
	    true },
	{ "check-metrics",
	    "[--content-type CT] [--as 3|2.42] [--json] FILE|URL|-",
	    "say whether Prometheus would take this",
	    "Reads an exposition from a file, a URL or standard input and says "
	    "what\nPrometheus 3 and 2.42 make of it: the line and column they "
	    "refuse, in their\nwords; what they drop without a word; hints "
	    "about names and units.\n\n"
	    "  --content-type CT  as if it were sent with that header; of a "
	    "file text/plain\n"
	    "  --as 3|2.42        whose verdict is the exit code; 3\n"
	    "  --json             for programs\n\n"
	    "  curl -s http://127.0.0.1:9100/metrics | scrapegate "
	    "check-metrics "
	    "-\n",
	    false },
	{ "hash-password", "", "make a hash for basic_auth_users",
	    "Prints the bcrypt of standard input, one newline at its end "
	    "dropped, for\nbasic_auth_users: {NAME: HASH}.\n"
	    "  printf %s \"$PASSWORD\" | scrapegate hash-password\n",
	    false },
	{ "version", "", "show the version", "Prints name and version.\n",
	    false },
	{ "help", "[COMMAND|reference]",
	    "explain a command, or show all keys of the file",
	    "help reference prints all keys and flags as Markdown.\n", false },
};
#define HELP_COUNT (sizeof(helps) / sizeof(helps[0]))

void
cli_help(FILE *out)
{
	size_t i;

	fputs("scrapegate stands in front of a Prometheus exporter: TLS, one "
	      "shared answer,\nand the reason of every scrape that fails.\n\n"
	      "Usage: scrapegate COMMAND [--help]\n\n",
	    out);
	for (i = 0; i < HELP_COUNT; i++)
		fprintf(out, "  %-13s %s\n", helps[i].command, helps[i].line);
	fputs("\nExit codes: 0 fine, 2 wrong usage, 1 everything else.\n", out);
}

int
cli_help_command(FILE *out, const char *command)
{
	const struct help *help = helps;

	while (help < helps + HELP_COUNT && strcmp(help->command, command) != 0)
		help++;
	if (help == helps + HELP_COUNT)
		return -1;
	fprintf(out, "Usage: scrapegate %s %s\n\n%s", help->command,
	    help->arguments, help->text);
	if (help->has_flags) {
		fputs("\nFlags (each also a key of the file):\n", out);
		conf_flags_help(out);
	}
	return 0;
}

void
cli_help_unknown(FILE *out, const char *command)
{
	struct conf_suggestion suggestion = { .word = command };
	char quoted[CONF_QUOTED_SIZE];
	size_t i;

	for (i = 0; i < HELP_COUNT; i++)
		conf_suggest_add(&suggestion, helps[i].command);
	fprintf(
	    out, "scrapegate: unknown command %s", conf_quote(command, quoted));
	if (suggestion.nearest != NULL)
		fprintf(out, ", did you mean \"%s\"?", suggestion.nearest);
	fputs("; known commands:", out);
	for (i = 0; i < HELP_COUNT; i++)
		fprintf(out, "%s %s", i > 0 ? "," : "", helps[i].command);
	fputc('\n', out);
}
