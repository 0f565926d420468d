#include "proxy/material_of.h"

#include <stdlib.h>

#include "conf/conf.h"
#include "proxy/base/alloc.h"
#include "proxy/base/material.h"

struct list {
	const char **paths;
	size_t count;
	size_t room;
};

static void
add(struct list *list, const char *path)
{
	if (path == NULL)
		return;
	if (list->count == list->room) {
		list->room = list->room * 2 + 8;
		list->paths =
		    xrealloc(list->paths, list->room * sizeof(*list->paths));
	}
	list->paths[list->count++] = path;
}

static void
add_gate(struct list *list, const struct conf_tls_server *tls)
{
	add(list, tls->cert_file);
	add(list, tls->key_file);
	add(list, tls->client_ca_file);
	add(list, tls->client_crl_file);
}

/* What else auth names is read when it is used. */
static void
add_auth(struct list *list, const struct conf_auth *auth)
{
	add(list, auth->bearer_tokens_file);
	add(list, auth->jwt.jwks_file);
}

static void
add_target(struct list *list, const struct conf_target *target)
{
	size_t i, j;

	add(list, target->tls_config.ca_file);
	add(list, target->tls_config.cert_file);
	add(list, target->tls_config.key_file);
	add(list, target->basic_auth.username_file);
	add(list, target->basic_auth.password_file);
	add(list, target->authorization.credentials_file);
	for (i = 0; i < target->http_header_count; i++)
		for (j = 0; j < target->http_headers[i].files.count; j++)
			add(list, target->http_headers[i].files.items[j]);
}

const char **
conf_named_files(const struct conf *conf, size_t *count)
{
	struct list list = { NULL, 0, 0 };
	size_t i;

	add_gate(&list, &conf->tls_server_config);
	add_auth(&list, &conf->auth);
	for (i = 0; i < conf->target_count; i++)
		add_target(&list, &conf->targets[i]);
	*count = list.count;
	return list.paths;
}

struct material *
conf_material(const struct conf *conf)
{
	size_t count;
	const char **paths = conf_named_files(conf, &count);
	struct material *material = material_load(paths, count);

	free(paths);
	return material;
}
