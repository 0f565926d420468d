#include "proxy/kernel/flat.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proxy/kernel/entry.h"

/* Digits alone, no sign; `end` is what comes behind them. */
static bool
read_number(const char *text, uint64_t *number, const char **end)
{
	char *behind;

	if (!isdigit((unsigned char)text[0]))
		return false;
	errno = 0;
	*number = strtoull(text, &behind, 10);
	*end = behind;
	return errno == 0;
}

bool
flat_whole(const char *text, uint64_t *number)
{
	const char *end;
	uint64_t value;

	if (!read_number(text, &value, &end) || end[strspn(end, " \n")] != '\0')
		return false;
	*number = value;
	return true;
}

/* The line behind `key` and blanks, or NULL. */
static const char *
find_line(const char *text, const char *key)
{
	size_t len = strlen(key);

	while (text != NULL && *text != '\0') {
		if (strncmp(text, key, len) == 0 && text[len] == ' ')
			return text + len + strspn(text + len, " ");
		text = strchr(text, '\n');
		if (text != NULL)
			text++;
	}
	return NULL;
}

bool
flat_value(const char *text, const char *key, uint64_t *number)
{
	const char *line = find_line(text, key), *end;
	uint64_t value;

	if (line == NULL || !read_number(line, &value, &end) ||
	    (*end != '\n' && *end != '\0' && *end != ' '))
		return false;
	*number = value;
	return true;
}

bool
flat_pressure(const char *text, const char *which, double *avg10)
{
	static const char field[] = "avg10=";
	const char *line = find_line(text, which);
	char *end;
	double value;

	if (line == NULL || strncmp(line, field, sizeof(field) - 1) != 0)
		return false;
	line += sizeof(field) - 1;
	if (!isdigit((unsigned char)*line))
		return false;
	value = strtod(line, &end);
	if ((*end != ' ' && *end != '\n') || value > 100)
		return false;
	*avg10 = value;
	return true;
}

long
flat_read(int fd, char *out, size_t size)
{
	ssize_t len;

	out[0] = '\0';
	if (fd == -1) {
		errno = EBADF;
		return -1;
	}
	len = pread(fd, out, size - 1, 0);
	out[len > 0 ? len : 0] = '\0';
	return len;
}

long
flat_load(int folder, const char *path, char *out, size_t size)
{
	int fd = entry_open(folder, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int error;
	long len;

	out[0] = '\0';
	if (fd == -1)
		return -1;
	len = flat_read(fd, out, size);
	error = errno;
	close(fd);
	errno = error;
	return len;
}
