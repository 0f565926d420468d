#include "proxy/cli/check_metrics.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/base/alloc.h"
#include "proxy/base/clock.h"
#include "proxy/base/err.h"
#include "proxy/cli/check_report.h"
#include "proxy/cli/fetch_url.h"
#include "proxy/exposition/scanner.h"

#define PIECE ((size_t)65536)

struct arguments {
	const char *source; /* FILE, URL or - */
	const char *content_type;
	enum prometheus version;
	bool is_json;
};

static int
set_version(struct arguments *arguments, const char *text, struct err *err)
{
	if (strcmp(text, "3") == 0)
		arguments->version = PROMETHEUS_3;
	else if (strcmp(text, "2.42") == 0)
		arguments->version = PROMETHEUS_242;
	else
		return err_set(err, ERR_USAGE, "--as takes 3 or 2.42");
	return 0;
}

/* The value of `flag`, from behind its = or from the next argument. */
static const char *
flag_value(const char *flag, char *const *argv, int *i)
{
	size_t len = strlen(flag);

	if (strncmp(argv[*i], flag, len) != 0)
		return NULL;
	if (argv[*i][len] == '=')
		return argv[*i] + len + 1;
	if (argv[*i][len] != '\0' || argv[*i + 1] == NULL)
		return NULL;
	(*i)++;
	return argv[*i];
}

static int
take_argument(
    struct arguments *arguments, char *const *argv, int *i, struct err *err)
{
	const char *value;

	if (strcmp(argv[*i], "--json") == 0) {
		arguments->is_json = true;
		return 0;
	}
	if ((value = flag_value("--content-type", argv, i)) != NULL) {
		arguments->content_type = value;
		return 0;
	}
	if ((value = flag_value("--as", argv, i)) != NULL)
		return set_version(arguments, value, err);
	if (argv[*i][0] == '-' && argv[*i][1] != '\0')
		return err_set(err, ERR_USAGE,
		    "check-metrics does not know %.60s, or it needs a value",
		    argv[*i]);
	if (arguments->source != NULL)
		return err_set(err, ERR_USAGE, "check-metrics takes one FILE");
	arguments->source = argv[*i];
	return 0;
}

static int
parse(int argc, char *const *argv, struct arguments *arguments, struct err *err)
{
	int i;

	for (i = 0; i < argc; i++)
		if (take_argument(arguments, argv, &i, err) == -1)
			return -1;
	if (arguments->source != NULL)
		return 0;
	err_set(err, ERR_USAGE, "check-metrics needs FILE, URL or -");
	return -1;
}

static int
read_all(struct fetched *fetched, FILE *file)
{
	size_t room = 0, got;

	do {
		if (room - fetched->len < PIECE) {
			room = room * 2 + PIECE;
			fetched->body = xrealloc(fetched->body, room);
		}
		got = fread(
		    fetched->body + fetched->len, 1, room - fetched->len, file);
		fetched->len += got;
	} while (got > 0);
	return ferror(file) ? -1 : 0;
}

static int
read_file(struct fetched *fetched, const char *path, struct err *err)
{
	FILE *file = stdin;
	int result = 0;

	if (strcmp(path, "-") != 0)
		file = fopen(path, "rb");
	if (file == NULL || read_all(fetched, file) == -1)
		result =
		    err_set(err, ERR_FILE, "%s: %s", path, strerror(errno));
	if (file != NULL && file != stdin)
		fclose(file);
	return result;
}

/* What a file's owner would send. */
static int
read_source(
    const struct arguments *arguments, struct fetched *fetched, struct err *err)
{
	const char *source = arguments->source;

	if (strstr(source, "://") != NULL || strncmp(source, "unix:", 5) == 0)
		return fetch_url(fetched, source, err);
	if (strncmp(source, "file:", 5) == 0)
		source += 5;
	if (read_file(fetched, source, err) == -1)
		return -1;
	fetched->content_type = xstrdup(content_type_of(FORMAT_TEXT));
	return 0;
}

static const struct scanner_result *
scan(struct scanner *scanner, struct scanner_options *options,
    const struct fetched *fetched, const char *content_type)
{
	content_type_judge(&options->content, content_type,
	    content_type == NULL ? 0 : strlen(content_type), FORMAT_NONE);
	options->keeps_series = true;
	options->now_ms = (int64_t)(clock_wall_us() / 1000);
	scanner_begin(scanner, options);
	scanner_feed(scanner, fetched->body, fetched->len);
	return scanner_finish(scanner);
}

int
cli_check_metrics(int argc, char *const *argv, struct err *err)
{
	struct arguments arguments = { .version = PROMETHEUS_3 };
	struct scanner_options options = { .now_ms = 0 };
	struct check_report report = { .is_json = false };
	struct fetched fetched = { .body = NULL };
	struct scanner *scanner;

	if (parse(argc, argv, &arguments, err) == -1)
		return -1;
	if (read_source(&arguments, &fetched, err) == -1) {
		fetched_fini(&fetched);
		return -1;
	}
	/* For the counts: as many series as a body may have. */
	scanner = scanner_new((size_t)1 << 24);
	report.result = scan(scanner, &options, &fetched,
	    arguments.content_type != NULL ? arguments.content_type
					   : fetched.content_type);
	report.body = (const unsigned char *)fetched.body;
	report.len = fetched.len;
	report.format = options.content.formats[arguments.version];
	report.version = arguments.version;
	report.is_json = arguments.is_json;
	check_report_print(&report, stdout);
	scanner_free(scanner);
	fetched_fini(&fetched);
	return report.result_code;
}
