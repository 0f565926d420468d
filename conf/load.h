/*
 * From a file, a web config file and flags to one struct conf, or to errors
 * that name file, line and column.  Reads the disk: start, reload and
 * check-config only, on the main thread.
 *
 * Precedence: default < file < flag.  The rules across keys (duplicate target
 * names, paths that collide, TLS choices of design: certificate, self_signed,
 * insecure_http) are judged here, so that check-config and serve agree.
 */
#ifndef CONF_LOAD_H
#define CONF_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct conf;
struct err;

/* One flag as given: "--log.level" with "debug"; boolean flags "true". */
struct conf_flag {
	const char *name; /* without the dashes */
	const char *value;
};

struct conf_source {
	const char *file; /* NULL: none */
	const char *text; /* its content, instead of reading it; or NULL */
	size_t text_len;
	const struct conf_flag *flags;
	size_t flag_count;
	bool is_web_only; /* judge the web config file alone: needs no target */
	bool is_reload; /* must not wait: refuses pipes, which are fine else */
};

/* What is to be said about a configuration; free with conf_report_fini(). */
struct conf_report {
	char *errors;   /* lines, or NULL */
	char *warnings; /* lines "warning: message", or NULL */
	bool is_usage;  /* the command line is wrong, not the file */
};

/*
 * Collects every error, one a line "FILE:LINE:COL: message" (flags:
 * "--log.level: message").  Returns the configuration with one reference, or
 * NULL with report->errors set.
 */
struct conf *conf_load(
    const struct conf_source *source, struct conf_report *report);
void conf_report_fini(struct conf_report *report);

/*
 * References may be taken and dropped on any thread; the last one frees.
 * conf_unref(NULL) does nothing.
 */
struct conf *conf_ref(struct conf *conf);
void conf_unref(struct conf *conf);

/* The effective configuration as YAML, secrets as <secret>. */
void conf_print(const struct conf *conf, FILE *out);

/* One group of it: "auth". */
void conf_print_group(const struct conf *conf, const char *group, FILE *out);

#endif
