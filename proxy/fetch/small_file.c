#include "proxy/fetch/small_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proxy/base/file.h"

void
small_file_fini(struct small_file *file)
{
	file_wipe(file->text, file->len);
	memset(file, 0, sizeof(*file));
}

static bool
is_unchanged(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
	       a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
	       a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

int
small_file_refresh(struct small_file *file, const char *path, size_t max)
{
	struct stat now;
	int fd, code;

	if (file->text != NULL && stat(path, &now) == 0 &&
	    is_unchanged(&now, &file->seen))
		return 0;
	small_file_fini(file);
	fd = file_open(AT_FDCWD, path);
	if (fd == -1)
		return -1;
	if (fstat(fd, &file->seen) == 0)
		file->text = file_read(fd, max, &file->len);
	code = errno;
	close(fd);
	if (file->text != NULL)
		return 0;
	small_file_fini(file);
	errno = code;
	return -1;
}
