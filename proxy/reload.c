#include "proxy/reload.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "conf/conf.h"
#include "conf/load.h"
#include "conf/protection.h"
#include "proxy/admin/view.h"
#include "proxy/base/alloc.h"
#include "proxy/base/clock.h"
#include "proxy/base/err.h"
#include "proxy/base/log.h"
#include "proxy/base/material.h"
#include "proxy/material_of.h"
#include "proxy/watch.h"

#define PAUSE_US 200000U

static const char by_files[] = "files";

/* A configuration and its files as they were when they were last tried. */
struct tried {
	struct conf *conf; /* NULL: none */
	struct material *material;
};

struct reloader {
	struct reloader_options options;
	struct watch *watch;
	struct event *later;  /* pending: a signal came */
	struct tried now;     /* in force, or waiting for its files */
	struct tried next;    /* once started: would be, but for its files */
	struct material *web; /* the web config file as it was */
	uint64_t loaded_us;
	char *conf_error; /* why the last whole load failed, or NULL */
	char *file_error; /* why the last change of files failed, or NULL */
	bool is_started;  /* a configuration is in force */
	bool is_stopped;
};

static bool
is_same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* What was tried. */

static void
forget(struct tried *tried)
{
	conf_unref(tried->conf);
	material_free(tried->material);
	*tried = (struct tried){ NULL, NULL };
}

/* Takes `material` over. */
static void
remember(struct tried *tried, struct conf *conf, struct material *material)
{
	conf_ref(conf);
	forget(tried);
	tried->conf = conf;
	tried->material = material;
}

static struct material *
read_web(const struct conf *conf)
{
	const char *path = conf->web_config_file;

	return material_load(&path, path != NULL ? 1 : 0);
}

static bool
has_changed(const struct tried *tried)
{
	struct material *material;
	bool is_equal;

	if (tried->conf == NULL)
		return false;
	material = conf_material(tried->conf);
	is_equal = material_is_equal(material, tried->material);
	material_free(material);
	return !is_equal;
}

/* The files of the one in force and of `other` (NULL: none). */
static void
watch_files(struct reloader *reloader, const struct conf *other)
{
	const struct tried *now = &reloader->now;
	size_t count, more = 0;
	const char **paths = conf_named_files(now->conf, &count);
	const char **others =
	    other == NULL ? NULL : conf_named_files(other, &more);
	size_t i;

	paths = xrealloc(paths, (count + more + 1) * sizeof(*paths));
	for (i = 0; i < more; i++)
		paths[count++] = others[i];
	if (now->conf->web_config_file != NULL)
		paths[count++] = now->conf->web_config_file;
	watch_set(reloader->watch, paths, count);
	free(others);
	free(paths);
}

static void
watch_tried(struct reloader *reloader)
{
	watch_files(reloader, reloader->next.conf);
}

static int
try_conf(struct reloader *reloader, struct conf *conf, struct err *err)
{
	const struct reloader_options *options = &reloader->options;
	bool is_other = reloader->now.conf != conf;
	struct material *material;
	int result;

	/* Before they are read, lest a change in between is missed. */
	if (is_other)
		watch_files(reloader, conf);
	material = conf_material(conf);
	result = options->apply(conf, material, err, options->arg);
	if (result == -1 && is_other && reloader->is_started) {
		remember(&reloader->next, conf, material);
	} else if (result == -1 && is_other && err->code == ERR_SYSTEM) {
		/* No file will mend it: the wait goes on with the other. */
		material_free(material);
	} else {
		remember(&reloader->now, conf, material);
		if (is_other)
			forget(&reloader->next);
	}
	watch_tried(reloader);
	if (result == -1)
		return -1;
	reloader->is_started = true;
	options->view->config_loaded_wall_us = clock_wall_us();
	return 0;
}

/* What became of it. */

static void
show(const struct reloader *reloader)
{
	struct admin_view *view = reloader->options.view;

	view->last_reload_error = reloader->conf_error != NULL
				      ? reloader->conf_error
				      : reloader->file_error;
	view->last_reload_ok = view->last_reload_error == NULL;
}

static void
clear(const struct reloader *reloader, char **slot)
{
	free(*slot);
	*slot = NULL;
	show(reloader);
}

/* One line; the API has the others. */
static void
log_failure(
    const struct reloader *reloader, const char *error, const char *trigger)
{
	char *first = xstrndup(error, strcspn(error, "\n"));

	log_error(reloader->is_started
		      ? "reload failed, the old configuration stays"
		      : "reload failed, the gate stays closed",
	    "trigger", trigger, "error", first, NULL);
	free(first);
}

/*
 * Takes `error` over.  Of one and the same fault in the files, what was asked
 * for is told, and not again what the watch makes of it.
 */
static void
tell(struct reloader *reloader, char **slot, char *error, const char *trigger)
{
	bool is_known = error != NULL && trigger == by_files &&
			(is_same_text(error, reloader->conf_error) ||
			    is_same_text(error, reloader->file_error));

	free(*slot);
	*slot = error;
	show(reloader);
	if (error == NULL) {
		log_info("reloaded", "trigger", trigger, NULL);
		return;
	}
	if (!is_known)
		log_failure(reloader, error, trigger);
}

void
reload_log_warnings(const char *warnings)
{
	static const char prefix[] = "warning: ";
	char *copy, *line, *rest;

	if (warnings == NULL)
		return;
	copy = xstrdup(warnings);
	for (line = strtok_r(copy, "\n", &rest); line != NULL;
	     line = strtok_r(NULL, "\n", &rest)) {
		if (strncmp(line, prefix, sizeof(prefix) - 1) == 0)
			line += sizeof(prefix) - 1;
		log_warn("configuration", "detail", line, NULL);
	}
	free(copy);
}

/* Without the end of the last line. */
static size_t
trimmed_len(const char *lines)
{
	size_t len = strlen(lines);

	while (len > 0 && lines[len - 1] == '\n')
		len--;
	return len;
}

/*
 * NULL, or what is wrong, malloc'd.  A file that was cut off by accident reads
 * like one that asks for less protection; only a person can mean that.
 */
static char *
load_conf(struct reloader *reloader, const char *trigger)
{
	struct conf_source source = *reloader->options.source;
	struct conf_report report;
	struct conf *conf;
	char *error = NULL;
	struct err err;

	source.is_reload = true;
	conf = conf_load(&source, &report);
	if (conf == NULL)
		error = xstrndup(report.errors, trimmed_len(report.errors));
	else if (trigger == by_files &&
		 conf_protection_keep(reloader->now.conf, conf, &err) == -1)
		error = xstrdup(err.text);
	if (error != NULL) {
		/* It is not what is wanted any more. */
		forget(&reloader->next);
		watch_tried(reloader);
	} else if (try_conf(reloader, conf, &err) == -1) {
		error = xstrdup(err.text);
	} else {
		reload_log_warnings(report.warnings);
	}
	conf_unref(conf);
	conf_report_fini(&report);
	return error;
}

static int
reload_conf(struct reloader *reloader, const char *trigger)
{
	struct conf *was = conf_ref(reloader->now.conf);
	struct material *web = read_web(was);
	char *error = load_conf(reloader, trigger);
	bool is_fine = error == NULL;
	/* Loaded, and the gate waits for its files instead. */
	bool is_waiting = !is_fine && reloader->now.conf != was;

	/* Read before it was loaded: a change since then will be seen. */
	material_free(reloader->web);
	if (is_same_text(
		was->web_config_file, reloader->now.conf->web_config_file)) {
		reloader->web = web;
	} else {
		reloader->web = read_web(reloader->now.conf);
		material_free(web);
	}
	conf_unref(was);
	reloader->loaded_us = clock_now_us();
	if (is_fine)
		clear(reloader, &reloader->file_error);
	tell(reloader,
	    is_waiting ? &reloader->file_error : &reloader->conf_error, error,
	    trigger);
	if (is_waiting)
		clear(reloader, &reloader->conf_error);
	return is_fine ? 0 : -1;
}

static void
reload_files(struct reloader *reloader)
{
	bool was_started = reloader->is_started;
	struct err err;
	char *error = NULL;

	if (try_conf(reloader, reloader->now.conf, &err) == -1)
		error = xstrdup(err.text);
	if (was_started) {
		tell(reloader, &reloader->file_error, error, by_files);
		return;
	}
	/* Whoever waits for it has words of its own. */
	if (error == NULL)
		clear(reloader, &reloader->file_error);
	free(error);
}

void
reloader_look(struct reloader *reloader)
{
	struct material *web;
	bool is_web_equal;

	if (reloader->is_stopped)
		return;
	web = read_web(reloader->now.conf);
	is_web_equal = material_is_equal(web, reloader->web);
	material_free(web);
	if ((!is_web_equal || has_changed(&reloader->next)) &&
	    reload_conf(reloader, by_files) == 0)
		return;
	if (has_changed(&reloader->now))
		reload_files(reloader);
}

static void
on_change(void *arg)
{
	reloader_look(arg);
}

static void
on_later(evutil_socket_t fd, short events, void *arg)
{
	(void)fd;
	(void)events;
	reload_conf(arg, "signal");
}

void
reloader_signal(struct reloader *reloader)
{
	struct timeval wait;

	if (reloader->is_stopped || evtimer_pending(reloader->later, NULL))
		return;
	wait = clock_until(reloader->loaded_us + PAUSE_US);
	evtimer_add(reloader->later, &wait);
}

const char *
reloader_now(struct reloader *reloader)
{
	if (reloader->is_stopped)
		return "the gate is draining";
	/* A signal that came before is answered by this, too. */
	evtimer_del(reloader->later);
	return reload_conf(reloader, "request") == 0
		   ? NULL
		   : reloader->options.view->last_reload_error;
}

void
reloader_stop(struct reloader *reloader)
{
	reloader->is_stopped = true;
	evtimer_del(reloader->later);
}

/* Life. */

struct reloader *
reloader_new(const struct reloader_options *options)
{
	struct reloader *reloader = xcalloc(1, sizeof(*reloader));

	reloader->options = *options;
	reloader->watch = watch_new(options->base, on_change, reloader);
	reloader->later = evtimer_new(options->base, on_later, reloader);
	return reloader;
}

void
reloader_free(struct reloader *reloader)
{
	if (reloader == NULL)
		return;
	watch_free(reloader->watch);
	event_free(reloader->later);
	forget(&reloader->now);
	forget(&reloader->next);
	material_free(reloader->web);
	free(reloader->conf_error);
	free(reloader->file_error);
	free(reloader);
}

int
reloader_start(struct reloader *reloader, struct conf *conf, struct err *err)
{
	reloader->now.conf = conf_ref(conf);
	watch_tried(reloader);
	reloader->web = read_web(conf);
	return try_conf(reloader, conf, err);
}
