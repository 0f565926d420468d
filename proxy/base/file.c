#include "proxy/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proxy/base/alloc.h"
#include "proxy/base/err.h"

#define FIRST_ROOM ((size_t)4096)

int
file_fail(const char *path, struct err *err)
{
	int code = errno;
	char words[64];

	return err_set(err, code == ENOENT ? ERR_MISSING : ERR_FILE,
	    "%s %s: %s", code == EISDIR || code == EFBIG ? "read" : "open",
	    path, err_words(code, words, sizeof(words)));
}

int
file_open(int folder, const char *path)
{
	return openat(folder, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
}

void
file_wipe(char *text, size_t len)
{
	if (text != NULL)
		explicit_bzero(text, len);
	free(text);
}

/* One byte more than the file has, which tells its end. */
static size_t
first_room(int fd, size_t max)
{
	struct stat st;
	size_t room = FIRST_ROOM;

	if (fstat(fd, &st) == 0 && st.st_size > 0)
		room = (size_t)st.st_size + 1;
	return room <= max ? room : max + 1;
}

/* Not realloc(), which may leave the old bytes where they were. */
static char *
grow(char *text, size_t len, size_t room)
{
	char *larger = xmalloc(room + 1);

	memcpy(larger, text, len);
	file_wipe(text, len);
	return larger;
}

/* Bytes read, at most `size`; -1 with errno. */
static ssize_t
read_some(int fd, char *bytes, size_t size)
{
	ssize_t n;

	do
		n = read(fd, bytes, size);
	while (n == -1 && errno == EINTR);
	return n;
}

char *
file_read(int fd, size_t max, size_t *len)
{
	size_t room = first_room(fd, max);
	char *text = xmalloc(room + 1);
	ssize_t n;

	*len = 0;
	while ((n = read_some(fd, text + *len, room - *len)) > 0) {
		*len += (size_t)n;
		if (*len > max) {
			errno = EFBIG;
			n = -1;
			break;
		}
		if (*len < room)
			continue;
		room = room <= max / 2 ? room * 2 : max + 1;
		text = grow(text, *len, room);
	}
	if (n == -1) {
		int code = errno;

		file_wipe(text, *len);
		errno = code;
		return NULL;
	}
	text[*len] = '\0';
	return text;
}

char *
file_load(const char *path, size_t max, size_t *len)
{
	int fd = file_open(AT_FDCWD, path), code;
	char *text;

	if (fd == -1)
		return NULL;
	text = file_read(fd, max, len);
	code = errno;
	close(fd);
	errno = code;
	return text;
}
