#include "proxy/base/material.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "proxy/base/alloc.h"
#include "proxy/base/err.h"
#include "proxy/base/file.h"

/* Kubernetes' name for the generation in force. */
#define GENERATION "..data"

/* A generation that goes away under our hands is followed this often. */
#define RETRIES 5
#define RETRY_MS 20

struct file {
	char *path;
	char *text; /* NULL: `err` says why */
	size_t len;
	struct err err;

	/* Of a file behind `..data`, else NULL: the folder that holds that
	 * link, and the file's name below it. */
	char *folder;
	char *name;
};

struct material {
	struct file *files;
	size_t count;
};

/* One folder's `..data`, opened. */
struct generation {
	int fd; /* -1: could not be opened, errno in `error` */
	int error;
	struct stat seen;
};

static int
fail_errno(struct file *file, const char *verb, int code)
{
	char words[64];

	return err_set(&file->err,
	    code == ENOENT || code == ENOTDIR ? ERR_MISSING : ERR_FILE,
	    "%s %s: %s", verb, file->path,
	    err_words(code, words, sizeof(words)));
}

static int
read_all(struct file *file, int fd)
{
	file->text = file_read(fd, MATERIAL_FILE_MAX, &file->len);
	if (file->text != NULL)
		return 0;
	if (errno == EFBIG)
		return err_set(
		    &file->err, ERR_FILE, "%s is larger than 1 MB", file->path);
	return fail_errno(file, "read", errno);
}

static void
wipe_text(struct file *file)
{
	file_wipe(file->text, file->len);
	file->text = NULL;
	file->len = 0;
}

static int
judge_kind(struct file *file, const struct stat *st)
{
	if (S_ISDIR(st->st_mode))
		return err_set(
		    &file->err, ERR_FILE, "%s is a directory", file->path);
	if (!S_ISREG(st->st_mode))
		return err_set(&file->err, ERR_FILE,
		    "%s is not a regular "
		    "file",
		    file->path);
	return 0;
}

/* `name` below `folder`, or AT_FDCWD. */
static void
read_at(struct file *file, int folder, const char *name)
{
	int fd = file_open(folder, name);
	struct stat st;
	int result;

	file->err.code = ERR_NONE;
	if (fd == -1) {
		fail_errno(file, "open", errno);
		return;
	}
	if (fstat(fd, &st) == -1)
		result = fail_errno(file, "read", errno);
	else if ((result = judge_kind(file, &st)) == 0)
		result = read_all(file, fd);
	close(fd);
	if (result == -1)
		wipe_text(file);
}

/* Generations. */

static char *
join(const char *folder, const char *name)
{
	return xasprintf("%s/%s", folder, name);
}

/*
 * A Secret's entry is a link to `..data/ENTRY`; the file may be that entry or
 * lie in it.  Looks at each folder of the path, the innermost first.
 */
static void
find_generation(struct file *file)
{
	static const char prefix[] = GENERATION "/";
	const size_t prefix_len = sizeof(prefix) - 1;
	char *path = xstrdup(file->path);
	char target[PATH_MAX];
	size_t end = strlen(path);

	for (;;) {
		char *slash = memrchr(path, '/', end);
		const char *own = slash == NULL ? path : slash + 1;
		ssize_t len = readlink(path, target, sizeof(target) - 1);

		if (strcmp(own, GENERATION) == 0 && file->path[end] == '/') {
			/* Somebody wrote the link itself into the path. */
			file->name = xstrdup(file->path + end + 1);
		} else if (len > 0 && (size_t)len > prefix_len &&
			   memcmp(target, prefix, prefix_len) == 0) {
			target[len] = '\0';
			file->name = xasprintf(
			    "%s%s", target + prefix_len, file->path + end);
		}
		if (file->name != NULL)
			file->folder =
			    slash == NULL
				? xstrdup(".")
				: xstrndup(file->path,
				      slash == path ? 1
						    : (size_t)(slash - path));
		if (file->name != NULL || slash == NULL || slash == path)
			break;
		end = (size_t)(slash - path);
		*slash = '\0';
	}
	free(path);
}

static void
open_generation(struct generation *generation, const char *folder)
{
	char *path = join(folder, GENERATION);

	generation->fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	generation->error = generation->fd == -1 ? errno : 0;
	if (generation->fd != -1)
		fstat(generation->fd, &generation->seen);
	free(path);
}

static bool
is_in_force(const struct generation *generation, const char *folder)
{
	char *path = join(folder, GENERATION);
	struct stat now;
	bool result = stat(path, &now) == 0 &&
		      now.st_dev == generation->seen.st_dev &&
		      now.st_ino == generation->seen.st_ino;

	free(path);
	return result;
}

static bool
is_of_folder(const struct file *file, const char *folder)
{
	return file->folder != NULL && strcmp(file->folder, folder) == 0;
}

/* False if a file was gone because the generation was. */
static bool
read_generation(struct material *material, const char *folder)
{
	struct generation generation;
	bool is_whole = true;
	size_t i;

	open_generation(&generation, folder);
	for (i = 0; i < material->count; i++) {
		struct file *file = &material->files[i];

		if (!is_of_folder(file, folder))
			continue;
		wipe_text(file);
		if (generation.fd == -1)
			fail_errno(file, "open", generation.error);
		else
			read_at(file, generation.fd, file->name);
		if (file->text == NULL && file->err.code == ERR_MISSING)
			is_whole = false;
	}
	if (generation.fd == -1)
		return generation.error != ENOENT;
	/* Missing in the generation in force is missing for good. */
	if (!is_whole)
		is_whole = is_in_force(&generation, folder);
	close(generation.fd);
	return is_whole;
}

static void
read_folder(struct material *material, const char *folder)
{
	static const struct timespec pause = { .tv_nsec = RETRY_MS * 1000000L };
	unsigned tries;

	for (tries = 0; !read_generation(material, folder) && tries < RETRIES;
	     tries++)
		nanosleep(&pause, NULL);
}

struct material *
material_load(const char *const *paths, size_t count)
{
	struct material *material = xcalloc(1, sizeof(*material));
	size_t i, k;

	material->files = xcalloc(count + 1, sizeof(*material->files));
	material->count = count;
	for (i = 0; i < count; i++) {
		material->files[i].path = xstrdup(paths[i]);
		find_generation(&material->files[i]);
	}
	for (i = 0; i < count; i++) {
		struct file *file = &material->files[i];

		if (file->folder == NULL) {
			read_at(file, AT_FDCWD, file->path);
			continue;
		}
		/* A folder is read whole with its first file. */
		for (k = 0; !is_of_folder(&material->files[k], file->folder);
		     k++)
			continue;
		if (k == i)
			read_folder(material, file->folder);
	}
	return material;
}

void
material_free(struct material *material)
{
	size_t i;

	if (material == NULL)
		return;
	for (i = 0; i < material->count; i++) {
		wipe_text(&material->files[i]);
		free(material->files[i].path);
		free(material->files[i].folder);
		free(material->files[i].name);
	}
	free(material->files);
	free(material);
}

static const struct file *
find_file(const struct material *material, const char *path)
{
	size_t i;

	for (i = 0; i < material->count; i++)
		if (strcmp(material->files[i].path, path) == 0)
			return &material->files[i];
	return NULL;
}

const char *
material_get(const struct material *material, const char *path, size_t *len,
    struct err *err)
{
	const struct file *file = find_file(material, path);

	if (file == NULL) {
		err_set(err, ERR_FILE, "%s was not read", path);
		return NULL;
	}
	if (file->text == NULL)
		*err = file->err;
	else
		*len = file->len;
	return file->text;
}

static bool
is_same(const struct file *a, const struct file *b)
{
	if (a->text == NULL || b->text == NULL)
		return a->text == b->text && a->err.code == b->err.code &&
		       strcmp(a->err.text, b->err.text) == 0;
	return a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
}

static bool
has_all(const struct material *a, const struct material *b)
{
	size_t i;

	for (i = 0; i < b->count; i++) {
		const struct file *other = find_file(a, b->files[i].path);

		if (other == NULL || !is_same(other, &b->files[i]))
			return false;
	}
	return true;
}

bool
material_is_equal(const struct material *a, const struct material *b)
{
	return has_all(a, b) && has_all(b, a);
}
