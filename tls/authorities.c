#include "tls/authorities.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/stat.h>

#include <openssl/err.h>
#include <openssl/x509_vfy.h>

#include "conf/conf.h"
#include "proxy/base/alloc.h"
#include "proxy/base/err.h"
#include "proxy/base/material.h"
#include "tls/pem.h"
#include "tls/ssl_err.h"

/* More than this many ca_files are read again at each handshake. */
#define FILES_MAX 16

struct ca_file {
	TAILQ_ENTRY(ca_file) link;
	char *path;
	struct stat seen;
	X509_STORE *store;
};

struct authorities {
	X509_STORE *system;
	TAILQ_HEAD(ca_files, ca_file) files; /* most recently used first */
	unsigned count;
};

struct authorities *
authorities_new(void)
{
	struct authorities *all = xcalloc(1, sizeof(*all));

	TAILQ_INIT(&all->files);
	return all;
}

static void
drop_file(struct authorities *all, struct ca_file *file)
{
	TAILQ_REMOVE(&all->files, file, link);
	all->count--;
	X509_STORE_free(file->store);
	free(file->path);
	free(file);
}

void
authorities_free(struct authorities *all)
{
	struct ca_file *file;

	if (all == NULL)
		return;
	while ((file = TAILQ_FIRST(&all->files)) != NULL)
		drop_file(all, file);
	X509_STORE_free(all->system);
	free(all);
}

static X509_STORE *
share(X509_STORE *store)
{
	X509_STORE_up_ref(store);
	return store;
}

static X509_STORE *
system_store(struct authorities *all, struct err *err)
{
	if (all->system == NULL) {
		all->system = X509_STORE_new();
		/* A missing bundle is an empty one, as in Go. */
		if (X509_STORE_set_default_paths(all->system) != 1) {
			ssl_err(err, "system certificate authorities");
			X509_STORE_free(all->system);
			all->system = NULL;
			return NULL;
		}
		ERR_clear_error();
	}
	return share(all->system);
}

static X509_STORE *
parse(const char *text, size_t len, struct err *err)
{
	STACK_OF(X509) *certs = pem_certificates(text, len, err);
	X509_STORE *store;
	int i;

	if (certs == NULL)
		return NULL;
	store = X509_STORE_new();
	for (i = 0; i < sk_X509_num(certs); i++)
		X509_STORE_add_cert(store, sk_X509_value(certs, i));
	sk_X509_pop_free(certs, X509_free);
	ERR_clear_error();
	return store;
}

static bool
is_same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
	       a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static struct ca_file *
find_file(struct authorities *all, const char *path)
{
	struct ca_file *file;

	TAILQ_FOREACH (file, &all->files, link)
		if (strcmp(file->path, path) == 0)
			return file;
	return NULL;
}

static X509_STORE *
remember(struct authorities *all, const char *path, const struct stat *st,
    X509_STORE *store)
{
	struct ca_file *file = find_file(all, path);

	if (file != NULL)
		drop_file(all, file);
	if (all->count == FILES_MAX)
		drop_file(all, TAILQ_LAST(&all->files, ca_files));
	file = xcalloc(1, sizeof(*file));
	file->path = xstrdup(path);
	file->seen = *st;
	file->store = store;
	TAILQ_INSERT_HEAD(&all->files, file, link);
	all->count++;
	return share(store);
}

static X509_STORE *
file_store(struct authorities *all, const char *path, struct err *err)
{
	struct ca_file *file = find_file(all, path);
	struct material *material;
	X509_STORE *store = NULL;
	struct stat st;
	const char *text;
	size_t len;

	memset(&st, 0, sizeof(st));
	if (stat(path, &st) == 0 && file != NULL &&
	    is_same_file(&st, &file->seen))
		return share(file->store);
	material = material_load(&path, 1);
	text = material_get(material, path, &len, err);
	if (text == NULL)
		err_prefix(err,
		    "unable to read CA cert: unable to read file "
		    "%s",
		    path);
	else if ((store = parse(text, len, err)) == NULL)
		err_set(err, ERR_INVALID,
		    "unable to use specified CA cert "
		    "file %s",
		    path);
	material_free(material);
	return store == NULL ? NULL : remember(all, path, &st, store);
}

X509_STORE *
authorities_get(struct authorities *all, const struct conf_tls_client *conf,
    struct err *err)
{
	X509_STORE *store;

	if (conf->ca_file != NULL)
		return file_store(all, conf->ca_file, err);
	if (conf->ca == NULL)
		return system_store(all, err);
	store = parse(conf->ca, strlen(conf->ca), err);
	if (store == NULL)
		err_set(
		    err, ERR_INVALID, "unable to use specified CA cert inline");
	return store;
}
