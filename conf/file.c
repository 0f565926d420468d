#include "conf/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proxy/base/alloc.h"
#include "proxy/base/err.h"
#include "proxy/base/file.h"

static int
fail_errno(const char *path, struct err *err)
{
	return err_set(err, errno == ENOENT ? ERR_MISSING : ERR_FILE,
	    "%s: cannot read: %s", path, strerror(errno));
}

/* Closes `fd`, which may be -1: errno says why. */
static char *
read_all(int fd, const char *path, size_t max, size_t *len, struct err *err)
{
	char *text = fd != -1 ? file_read(fd, max, len) : NULL;

	if (text == NULL && errno == EFBIG)
		err_set(
		    err, ERR_INVALID, "%s: larger than %zu bytes", path, max);
	else if (text == NULL)
		fail_errno(path, err);
	if (fd != -1)
		close(fd);
	return text;
}

char *
conf_file_read(const char *path, size_t max, size_t *len, struct err *err)
{
	/* Waits for a pipe's writer: `--config <(...)`. */
	return read_all(open(path, O_RDONLY | O_CLOEXEC), path, max, len, err);
}

char *
conf_file_read_regular(
    const char *path, size_t max, size_t *len, struct err *err)
{
	int fd = file_open(AT_FDCWD, path);
	struct stat st;

	if (fd == -1 || fstat(fd, &st) == -1) {
		fail_errno(path, err);
	} else if (!S_ISREG(st.st_mode)) {
		err_set(err, ERR_FILE,
		    "%s: cannot read: %s; a reload reads regular files only",
		    path,
		    S_ISDIR(st.st_mode) ? "Is a directory"
					: "Not a regular file");
	} else {
		return read_all(fd, path, max, len, err);
	}
	if (fd != -1)
		close(fd);
	return NULL;
}

char *
conf_file_folder(const char *path)
{
	const char *slash = strrchr(path, '/');

	return xstrndup(path, slash == NULL ? 0 : (size_t)(slash + 1 - path));
}

char *
conf_file_join(const char *folder, const char *path)
{
	return xasprintf("%s%s", path[0] == '/' ? "" : folder, path);
}
