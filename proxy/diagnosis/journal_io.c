#include "proxy/diagnosis/journal_io.h"

#include <fcntl.h>
#include <unistd.h>

static int
system_open(int folder, const char *name, int flags, mode_t mode)
{
	return openat(folder, name, flags, mode);
}

static int
system_unlink(int folder, const char *name)
{
	return unlinkat(folder, name, 0);
}

const struct journal_io journal_io_system = {
	.open = system_open,
	.read = read,
	.write = write,
	.sync = fsync,
	.truncate = ftruncate,
	.unlink = system_unlink,
};
