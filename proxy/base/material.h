/*
 * The files behind one configuration (certificates, keys, CAs, revocation
 * lists, tokens), read together so that they belong together.
 *
 * Kubernetes swaps a Secret by renaming the symlink `..data` in its folder:
 * each folder's `..data`, if there is one, is opened once and all its files
 * are read through that one descriptor, so a certificate never meets the key
 * of another generation.  Reading again is how a change is noticed: contents
 * are compared, not times.
 *
 * Main thread (or the watcher's); immutable once loaded.
 */
#ifndef PROXY_BASE_MATERIAL_H
#define PROXY_BASE_MATERIAL_H

#include <stdbool.h>
#include <stddef.h>

struct err;
struct material;

/* 1 MB: more than any certificate bundle or token file. */
#define MATERIAL_FILE_MAX ((size_t)1 << 20)

/*
 * Reads each of `paths`.  A file that cannot be read does not fail the whole:
 * its error is kept and told by material_get(), so that the one who needs it
 * says for what.  Paths may repeat.  Never NULL.
 */
struct material *material_load(const char *const *paths, size_t count);
void material_free(struct material *material);

/*
 * The content, NUL-terminated, valid as long as `material`; NULL with `err`:
 * ERR_MISSING if the file does not exist, ERR_FILE otherwise ("open PATH:
 * permission denied", "PATH is a directory", "PATH is larger than 1 MB").
 */
const char *material_get(const struct material *material, const char *path,
    size_t *len, struct err *err);

/* Same paths with the same contents (or the same errors)? */
bool material_is_equal(const struct material *a, const struct material *b);

#endif
