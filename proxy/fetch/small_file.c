#include "proxy/fetch/small_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proxy/base/alloc.h"

void
small_file_fini(struct small_file *file)
{
	if (file->text != NULL)
		explicit_bzero(file->text, file->len);
	free(file->text);
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

static int
read_all(struct small_file *file, int fd, size_t max)
{
	size_t size = max + 1;
	ssize_t n;

	/* Not st_size: files below /proc and pipes have none. */
	if (file->seen.st_size > 0 && (size_t)file->seen.st_size < max)
		size = (size_t)file->seen.st_size + 1;
	file->text = xmalloc(size + 1);
	while ((n = read(fd, file->text + file->len, size - file->len)) > 0)
		file->len += (size_t)n;
	if (n < 0)
		return -1;
	if (file->len > max) {
		errno = EFBIG;
		return -1;
	}
	file->text[file->len] = '\0';
	if (file->len < size)
		file->text = xrealloc(file->text, file->len + 1);
	return 0;
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
	/* Not blocking, lest a FIFO holds up the loop. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd == -1)
		return -1;
	if (fstat(fd, &file->seen) == 0 && read_all(file, fd, max) == 0) {
		close(fd);
		return 0;
	}
	code = errno;
	close(fd);
	small_file_fini(file);
	errno = code;
	return -1;
}
