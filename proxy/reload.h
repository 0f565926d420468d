/*
 * When to load the configuration again, and what became of it.
 *
 * All of it on a signal or request; and by itself what changed: with the
 * content of a certificate, key or other file that the configuration names
 * only these are taken again, so that a rotation succeeds even while
 * somebody edits the configuration; with the web config file all, unless that
 * would lower what protects the gate.  A load that fails changes nothing and
 * says why: one log line, a metric, the API.  Only as long as the gate waits
 * for its first files, a configuration that lacks files, too, is waited for
 * instead.
 *
 * Main thread.
 */
#ifndef PROXY_RELOAD_H
#define PROXY_RELOAD_H

struct admin_view;
struct conf;
struct conf_source;
struct err;
struct event_base;
struct material;
struct reloader;

struct reloader_options {
	struct event_base *base;
	const struct conf_source *source; /* outlives it */
	/*
	 * Puts `conf` in force, with the content of its files: all of it, or
	 * -1 with `err`.  It may be the one in force: then files changed.
	 */
	int (*apply)(struct conf *conf, const struct material *material,
	    struct err *err, void *arg);
	void *arg;
	/* Gets config_loaded_wall_us, last_reload_ok, last_reload_error. */
	struct admin_view *view;
};

struct reloader *reloader_new(const struct reloader_options *options);
void reloader_free(struct reloader *reloader);

/*
 * Applies the first configuration.  -1 with `err`: it is tried again, without
 * further words, whenever its files change.
 */
int reloader_start(
    struct reloader *reloader, struct conf *conf, struct err *err);

/* At once, or 200 ms after the load before: many signals are one load. */
void reloader_signal(struct reloader *reloader);

/* At once.  NULL, or what is wrong, as long as the reloader does no more. */
const char *reloader_now(struct reloader *reloader);

/* Have the files changed?  Then takes them again. */
void reloader_look(struct reloader *reloader);

/* Nothing is loaded any more. */
void reloader_stop(struct reloader *reloader);

/* A report's warnings, lines "warning: ...", to the log. */
void reload_log_warnings(const char *warnings);

#endif
