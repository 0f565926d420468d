#include "proxy/fetch/file_source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <event2/event.h>

#include "proxy/base/alloc.h"

#define PIECE ((size_t)256 << 10)

struct file_source {
	char *path;
	int fd;
	struct event *turn;
	bool is_paused;
	struct file_hooks hooks;
	char *piece;
};

static int
open_file(struct file_source *source)
{
	struct stat st;

	/* Not blocking, lest a FIFO holds up the loop. */
	source->fd = open(source->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (source->fd == -1 || fstat(source->fd, &st) == -1)
		return errno;
	if (S_ISDIR(st.st_mode))
		return EISDIR;
	return S_ISREG(st.st_mode) ? 0 : EINVAL;
}

static void
on_turn(evutil_socket_t fd, short events, void *arg)
{
	static const struct timeval now = { 0, 0 };
	struct file_source *source = arg;
	int code = 0;
	ssize_t n;

	(void)fd;
	(void)events;
	if (source->fd == -1)
		code = open_file(source);
	if (code != 0) {
		source->hooks.done(source->hooks.arg, code);
		return;
	}
	n = read(source->fd, source->piece, PIECE);
	if (n <= 0) {
		source->hooks.done(source->hooks.arg, n < 0 ? errno : 0);
		return;
	}
	if (source->hooks.bytes(source->hooks.arg, source->piece, (size_t)n) ==
		0 &&
	    !source->is_paused)
		evtimer_add(source->turn, &now);
}

void
file_source_pause(struct file_source *source)
{
	source->is_paused = true;
	event_del(source->turn);
}

void
file_source_resume(struct file_source *source)
{
	static const struct timeval now = { 0, 0 };

	source->is_paused = false;
	evtimer_add(source->turn, &now);
}

struct file_source *
file_source_start(
    struct event_base *base, const char *path, const struct file_hooks *hooks)
{
	static const struct timeval now = { 0, 0 };
	struct file_source *source = xcalloc(1, sizeof(*source));

	source->path = xstrdup(path);
	source->fd = -1;
	source->hooks = *hooks;
	source->piece = xmalloc(PIECE);
	source->turn = evtimer_new(base, on_turn, source);
	evtimer_add(source->turn, &now);
	return source;
}

void
file_source_free(struct file_source *source)
{
	if (source == NULL)
		return;
	event_free(source->turn);
	if (source->fd != -1)
		close(source->fd);
	free(source->piece);
	free(source->path);
	free(source);
}
