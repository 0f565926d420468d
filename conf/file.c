#include "conf/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proxy/base/alloc.h"
#include "proxy/base/err.h"

static int
fail_errno(const char *path, struct err *err)
{
	return err_set(err, errno == ENOENT ? ERR_MISSING : ERR_FILE,
	    "%s: cannot read: %s", path, strerror(errno));
}

/* Closes `file`, which may be NULL: errno says why. */
static char *
read_all(FILE *file, const char *path, size_t max, size_t *len, struct err *err)
{
	char *data;
	size_t room = 4096, got;

	if (file == NULL) {
		fail_errno(path, err);
		return NULL;
	}
	data = xmalloc(room + 1);
	*len = 0;
	/* Pipes have no size to ask for, so the buffer grows. */
	while ((got = fread(data + *len, 1, room - *len, file)) > 0) {
		*len += got;
		if (*len == room && room <= max) {
			room *= 2;
			data = xrealloc(data, room + 1);
		}
	}
	data[*len] = '\0';
	if (!ferror(file) && *len <= max) {
		fclose(file);
		return data;
	}
	if (ferror(file))
		fail_errno(path, err);
	else
		err_set(
		    err, ERR_INVALID, "%s: larger than %zu bytes", path, max);
	free(data);
	fclose(file);
	return NULL;
}

char *
conf_file_read(const char *path, size_t max, size_t *len, struct err *err)
{
	return read_all(fopen(path, "re"), path, max, len, err);
}

char *
conf_file_read_regular(
    const char *path, size_t max, size_t *len, struct err *err)
{
	/* Not blocking: a FIFO without a writer would hold up the caller. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
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
		return read_all(fdopen(fd, "r"), path, max, len, err);
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
