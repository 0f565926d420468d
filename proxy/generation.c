#include "proxy/generation.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "auth/policy.h"
#include "conf/conf.h"
#include "conf/load.h"
#include "conf/size.h"
#include "proxy/base/alloc.h"
#include "proxy/base/err.h"
#include "proxy/base/log.h"
#include "proxy/base/material.h"
#include "proxy/gate/worker.h"
#include "proxy/material_of.h"
#include "tls/server.h"

/* One made in memory stays as long as it is wanted: clients may have pinned
 * it. */
static bool
has_self_signed(const struct generation *before)
{
	return before != NULL &&
	       before->conf->gate_tls == CONF_GATE_TLS_SELF_SIGNED;
}

static struct tls_server *
open_files(
    const struct conf *conf, const struct material *material, struct err *err)
{
	const struct conf_place *place = &conf->tls_server_config.place;
	struct tls_server *tls =
	    tls_server_new(&conf->tls_server_config, material, err);

	if (tls == NULL && place->file != NULL)
		err_prefix(
		    err, "%s:%d:%d", place->file, place->line, place->column);
	return tls;
}

static int
open_tls(struct generation *generation, const struct material *material,
    const struct generation *before, struct err *err)
{
	const struct conf *conf = generation->conf;

	if (conf->gate_tls == CONF_GATE_TLS_FILES)
		generation->tls = open_files(conf, material, err);
	else if (conf->gate_tls == CONF_GATE_TLS_OFF)
		return 0;
	else if (has_self_signed(before))
		generation->tls = tls_server_ref(before->tls);
	else
		generation->tls = tls_server_new_self_signed(err);
	return generation->tls == NULL ? -1 : 0;
}

static int
open_contexts(struct generation *generation, struct err *err)
{
	unsigned i;

	if (generation->tls == NULL)
		return 0;
	generation->contexts = xcalloc(generation->workers, sizeof(SSL_CTX *));
	for (i = 0; i < generation->workers; i++) {
		generation->contexts[i] =
		    tls_server_context(generation->tls, err);
		if (generation->contexts[i] == NULL)
			return -1;
	}
	return 0;
}

static int
check_tls(
    const struct conf *conf, const struct material *material, struct err *err)
{
	struct tls_server *tls = open_files(conf, material, err);
	SSL_CTX *context = NULL;

	if (tls != NULL)
		context = tls_server_context(tls, err);
	SSL_CTX_free(context);
	tls_server_unref(tls);
	return context != NULL ? 0 : -1;
}

int
generation_check(struct conf *conf, struct err *err)
{
	struct material *material = conf_material(conf);
	struct auth_policy *auth = auth_policy_new(conf, material, err);
	int result = auth != NULL ? 0 : -1;

	if (result == 0 && conf->gate_tls == CONF_GATE_TLS_FILES)
		result = check_tls(conf, material, err);
	auth_policy_unref(auth);
	material_free(material);
	return result;
}

/* By the address as it is written: port 0 stays what it became. */
static const struct door *
find_door(const struct generation *generation, const char *text)
{
	size_t i;

	if (generation == NULL)
		return NULL;
	for (i = 0; i < generation->conf->listen_count; i++)
		if (strcmp(generation->conf->listen[i].text, text) == 0)
			return &generation->doors[i];
	return NULL;
}

static bool
is_every(const char *host, size_t len)
{
	return len == 0 || (len == 2 && memcmp(host, "::", len) == 0) ||
	       (len == 7 && memcmp(host, "0.0.0.0", len) == 0);
}

/* Do both need the same port of the same host?  `own` is "host:port". */
static bool
collides(const char *own, const struct conf_address *address)
{
	const char *colon = strrchr(own, ':');
	size_t len;

	if (colon == NULL || address->host == NULL || address->port == 0 ||
	    strtol(colon + 1, NULL, 10) != address->port)
		return false;
	len = (size_t)(colon - own);
	if (own[0] == '[') {
		own++;
		len -= 2;
	}
	return is_every(own, len) ||
	       is_every(address->host, strlen(address->host)) ||
	       (strcmp(address->host, "localhost") == 0 &&
		   (strncmp(own, "127.0.0.1:", 10) == 0 ||
		       strncmp(own, "::1]", 4) == 0)) ||
	       (strlen(address->host) == len &&
		   strncmp(own, address->host, len) == 0);
}

/* The system's words would send one looking for another process. */
static void
explain_taken(const struct conf_address *address,
    const struct generation *before, struct err *err)
{
	const char *own = NULL;
	size_t i;

	if (before == NULL || strstr(err->text, strerror(EADDRINUSE)) == NULL)
		return;
	if (collides(before->conf->admin_listen.text, address))
		own = before->conf->admin_listen.text;
	if (collides(before->conf->health_listen.text, address))
		own = before->conf->health_listen.text;
	for (i = 0; i < before->conf->listen_count; i++)
		if (collides(before->doors[i].text, address))
			own = before->doors[i].text;
	if (own != NULL)
		err_set(err, ERR_SYSTEM,
		    "listen %s: Address already in use: "
		    "the gate itself listens there as %s; only a restart "
		    "changes this",
		    address->text, own);
}

static int
open_doors(struct generation *generation, const struct generation *before,
    struct err *err)
{
	const struct conf *conf = generation->conf;
	const struct door *old;
	size_t i;

	for (i = 0; i < conf->listen_count; i++) {
		struct door *door = &generation->doors[i];

		old = find_door(before, conf->listen[i].text);
		if (old != NULL)
			*door = *old;
		else
			door->fd =
			    listener_open(&conf->listen[i], door->text, err);
		if (door->fd == -1) {
			explain_taken(&conf->listen[i], before, err);
			return -1;
		}
	}
	return 0;
}

struct generation *
generation_new(struct conf *conf, const struct material *material,
    const struct generation *before, struct err *err)
{
	struct generation *generation = xcalloc(1, sizeof(*generation));
	size_t i;

	generation->conf = conf_ref(conf);
	generation->workers = conf->workers;
	policy_init(&generation->policy, conf, material);
	generation->doors =
	    xcalloc(conf->listen_count + 1, sizeof(*generation->doors));
	for (i = 0; i < conf->listen_count; i++)
		generation->doors[i].fd = -1;
	generation->auth = auth_policy_new(conf, material, err);
	if (generation->auth != NULL &&
	    open_tls(generation, material, before, err) == 0 &&
	    open_contexts(generation, err) == 0 &&
	    open_doors(generation, before, err) == 0)
		return generation;
	generation_close_doors(generation, before);
	generation_free(generation);
	return NULL;
}

void
generation_free(struct generation *generation)
{
	unsigned i;

	if (generation == NULL)
		return;
	for (i = 0; generation->contexts != NULL && i < generation->workers;
	     i++)
		SSL_CTX_free(generation->contexts[i]);
	tls_server_unref(generation->tls);
	auth_policy_unref(generation->auth);
	conf_unref(generation->conf);
	free(generation->contexts);
	free(generation->doors);
	free(generation);
}

size_t
generation_extra_doors(const struct generation *one,
    const struct generation *other, struct worker_door **doors)
{
	const struct conf *conf = one->conf;
	size_t count = 0, i;

	*doors = xcalloc(conf->listen_count + 1, sizeof(**doors));
	for (i = 0; i < conf->listen_count; i++)
		if (find_door(other, conf->listen[i].text) == NULL)
			(*doors)[count++] = (struct worker_door){
				.fd = one->doors[i].fd,
				.name = conf->listen[i].text,
			};
	return count;
}

void
generation_announce(
    const struct generation *generation, const struct generation *before)
{
	const struct conf *conf = generation->conf;
	bool is_tls = generation->tls != NULL;
	size_t i;

	if (before != NULL && is_tls != (before->tls != NULL))
		log_warn("the gate's TLS has changed", "was",
		    is_tls ? "plain HTTP" : "TLS", "is",
		    is_tls ? "TLS" : "plain HTTP", NULL);
	for (i = 0; i < conf->listen_count; i++)
		if (find_door(before, conf->listen[i].text) == NULL)
			log_info("listening", "role", "gate", "address",
			    generation->doors[i].text, "tls",
			    generation->tls != NULL ? "yes" : "no", NULL);
}

void
generation_close_doors(
    struct generation *generation, const struct generation *next)
{
	const struct conf *conf = generation->conf;
	size_t i;

	for (i = 0; i < conf->listen_count; i++) {
		struct door *door = &generation->doors[i];

		if (door->fd == -1 ||
		    find_door(next, conf->listen[i].text) != NULL)
			continue;
		close(door->fd);
		door->fd = -1;
		if (conf->listen[i].unix_path != NULL)
			unlink(conf->listen[i].unix_path);
	}
}

/* What only a restart changes. */

static void
say_fixed(const char *key, const char *value, const char *wanted)
{
	log_warn("only a restart changes this", "key", key, "value", value,
	    "wanted", wanted, NULL);
}

static void
keep_address(const char *key, struct conf_address *address,
    const struct conf_address *was)
{
	if (strcmp(address->text, was->text) == 0)
		return;
	say_fixed(key, was->text, address->text);
	free(address->text);
	free(address->host);
	free(address->unix_path);
	address->text = xstrdup(was->text);
	address->host = was->host != NULL ? xstrdup(was->host) : NULL;
	address->unix_path =
	    was->unix_path != NULL ? xstrdup(was->unix_path) : NULL;
	address->port = was->port;
}

static void
keep_workers(struct conf *conf, const struct conf *was)
{
	char value[16], wanted[16];

	if (conf->workers == was->workers)
		return;
	snprintf(value, sizeof(value), "%u", was->workers);
	snprintf(wanted, sizeof(wanted), "%u", conf->workers);
	say_fixed("workers", value, wanted);
	conf->workers = was->workers;
}

static void
keep_size(const char *key, uint64_t *size, uint64_t was)
{
	char value[CONF_SIZE_SIZE], wanted[CONF_SIZE_SIZE];

	if (*size == was)
		return;
	say_fixed(
	    key, conf_size_text(was, value), conf_size_text(*size, wanted));
	*size = was;
}

static void
keep_path(const char *key, char **path, const char *was)
{
	const char *wanted = *path != NULL ? *path : "";

	if (strcmp(wanted, was != NULL ? was : "") == 0)
		return;
	say_fixed(key, was != NULL ? was : "", wanted);
	free(*path);
	*path = was != NULL ? xstrdup(was) : NULL;
}

void
generation_keep_fixed(struct conf *conf, const struct conf *was, bool has_crew)
{
	if (has_crew) {
		keep_workers(conf, was);
		keep_size(
		    "memory_budget", &conf->memory_budget, was->memory_budget);
	}
	keep_address("admin.listen", &conf->admin_listen, &was->admin_listen);
	keep_address(
	    "health.listen", &conf->health_listen, &was->health_listen);
	keep_path("journal.path", &conf->journal.path, was->journal.path);
	keep_size(
	    "journal.max_size", &conf->journal.max_size, was->journal.max_size);
}
