#include "proxy/kernel/folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "proxy/kernel/entry.h"

bool
folder_open(struct folder *folder, int at, const char *name)
{
	folder->fd = entry_open(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	folder->len = folder->at = 0;
	return folder->fd != -1;
}

static bool
fill(struct folder *folder)
{
	folder->len =
	    getdents64(folder->fd, folder->buffer, sizeof(folder->buffer));
	folder->at = 0;
	return folder->len > 0;
}

const char *
folder_next(struct folder *folder)
{
	const struct dirent64 *entry;

	do {
		if (folder->at >= folder->len && !fill(folder))
			return NULL;
		entry = (const struct dirent64 *)(const void
			*)((const char *)folder->buffer + folder->at);
		folder->at += entry->d_reclen;
	} while (strcmp(entry->d_name, ".") == 0 ||
		 strcmp(entry->d_name, "..") == 0);
	return entry->d_name;
}

void
folder_close(struct folder *folder)
{
	close(folder->fd);
}
