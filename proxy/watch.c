#include "proxy/watch.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <event2/event.h>

#include "proxy/base/alloc.h"
#include "proxy/base/clock.h"
#include "proxy/base/log.h"

#define QUIET_US 200000U
#define BURST_MAX_US 2000000U
#define POLL_SECONDS 60

/* As many symlinks as the kernel follows. */
#define HOPS_MAX 40

#define EVENTS                                                                 \
	(IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM |            \
	    IN_DELETE | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF |            \
	    IN_ONLYDIR)

/* Of a folder on the way; IN_MASK_ADD: it may be watched for a name, too. */
#define FATE (IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR | IN_MASK_ADD)

/* Of the file itself: it may be written to by another name, as through a bind
 * mount, of which its folder here hears nothing. */
#define OWN (IN_CLOSE_WRITE | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF)

/* Of one path; deeper ones are left to the poll. */
#define STEPS_MAX 512

/* A name in a folder that is watched. */
struct interest {
	int folder; /* inotify's watch descriptor */
	char *name; /* "": the folder's own fate */
};

struct interests {
	struct interest *items;
	size_t count;
};

struct watch {
	watch_fn *changed;
	void *arg;
	char **paths;
	size_t path_count;
	int fd; /* inotify; -1: the system has none left */
	struct event *readable;
	struct event *quiet; /* pending during a burst */
	struct event *poll;  /* pending while something cannot be watched */
	bool is_blind;       /* so it is with one of the paths */
	uint64_t burst_us;   /* its first event; 0: none */
	struct interests interests;
};

/* The part of a path that is still to be followed. */
struct way {
	char here[PATH_MAX]; /* a folder, without symlinks */
	char rest[2 * PATH_MAX];
	unsigned hops;
	unsigned steps;
};

/*
 * Where all that happens goes through this kernel.  Others (NFS, FUSE, 9P and
 * what is not known here) change behind its back, and inotify is silent.
 */
static bool
is_local(const char *path)
{
	static const unsigned long kinds[] = {
		0xef53,     /* ext2, ext3, ext4 */
		0x58465342, /* xfs */
		0x9123683e, /* btrfs */
		0x01021994, /* tmpfs: Secrets */
		0x858458f6, /* ramfs */
		0x794c7630, /* overlay: containers */
		0xf2f52010, /* f2fs */
		0x2fc12fc1, /* zfs */
		0xca451a4e, /* bcachefs */
	};
	struct statfs fs;
	size_t i;

	if (statfs(path, &fs) == -1)
		return false;
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if ((unsigned long)fs.f_type == kinds[i])
			return true;
	return false;
}

/* What cannot be watched the poll will see. */
static void
add_interest(
    struct watch *watch, const char *path, uint32_t events, const char *name)
{
	struct interests *all = &watch->interests;
	int wd = inotify_add_watch(watch->fd, path, events);

	if (wd == -1 || !is_local(path))
		watch->is_blind = true;
	if (wd == -1)
		return;
	all->items =
	    xrealloc(all->items, (all->count + 1) * sizeof(*all->items));
	all->items[all->count].folder = wd;
	all->items[all->count++].name = xstrdup(name);
}

/* The next part of the way; false at its end. */
static bool
take_name(struct way *way, char name[NAME_MAX + 1])
{
	char *begin = way->rest + strspn(way->rest, "/");
	size_t len = strcspn(begin, "/");

	if (len == 0 || len > NAME_MAX)
		return false;
	memcpy(name, begin, len);
	name[len] = '\0';
	begin += len;
	begin += strspn(begin, "/");
	memmove(way->rest, begin, strlen(begin) + 1);
	return true;
}

static int
follow_link(struct way *way, const char *link)
{
	char target[PATH_MAX], rest[sizeof(way->rest)];
	ssize_t len = readlink(link, target, sizeof(target) - 1);

	if (len <= 0 || ++way->hops > HOPS_MAX)
		return -1;
	target[len] = '\0';
	if ((size_t)snprintf(rest, sizeof(rest), "%s/%s", target, way->rest) >=
	    sizeof(rest))
		return -1;
	memcpy(way->rest, rest, sizeof(rest));
	if (target[0] == '/')
		snprintf(way->here, sizeof(way->here), "/");
	return 0;
}

/* -1 at the end: of the way, or of what exists of it. */
static int
step(struct watch *watch, struct way *way)
{
	char name[NAME_MAX + 1], next[PATH_MAX + NAME_MAX + 2];
	struct stat st;
	bool is_there, is_last;

	if (!take_name(way, name))
		return -1;
	if (++way->steps > STEPS_MAX) {
		watch->is_blind = true;
		return -1;
	}
	snprintf(next, sizeof(next), "%s/%s", way->here, name);
	is_there = lstat(next, &st) == 0;
	is_last = way->rest[0] == '\0';
	if (!is_there || is_last || S_ISLNK(st.st_mode))
		add_interest(watch, way->here, EVENTS, name);
	if (is_there && S_ISLNK(st.st_mode))
		return follow_link(way, next);
	if (is_there && is_last && S_ISREG(st.st_mode))
		add_interest(watch, next, OWN, "");
	if (!is_there || is_last || strlen(next) >= sizeof(way->here))
		return -1;
	/* Not its parent, which may be as busy as /tmp. */
	add_interest(watch, next, FATE, "");
	memcpy(way->here, next, strlen(next) + 1);
	return 0;
}

static void
follow(struct watch *watch, const char *path)
{
	struct way way = { .hops = 0 };

	if (strlen(path) >= PATH_MAX) {
		watch->is_blind = true;
		return;
	}
	snprintf(way.here, sizeof(way.here), "%s", path[0] == '/' ? "/" : ".");
	snprintf(way.rest, sizeof(way.rest), "%s", path);
	while (step(watch, &way) == 0)
		;
}

static bool
is_watched(const struct interests *interests, int folder)
{
	size_t i;

	for (i = 0; i < interests->count; i++)
		if (interests->items[i].folder == folder)
			return true;
	return false;
}

static void
free_interests(struct interests *interests)
{
	size_t i;

	for (i = 0; i < interests->count; i++)
		free(interests->items[i].name);
	free(interests->items);
}

/* Nobody is woken once a minute for what inotify tells of by itself. */
static void
set_poll(struct watch *watch)
{
	static const struct timeval poll = { .tv_sec = POLL_SECONDS };

	if (watch->path_count == 0 || !watch->is_blind)
		event_del(watch->poll);
	else if (!event_pending(watch->poll, EV_TIMEOUT, NULL))
		event_add(watch->poll, &poll);
}

/* What the paths mean may have changed with what happened. */
static void
look_again(struct watch *watch)
{
	struct interests old = watch->interests;
	size_t i;

	watch->is_blind = watch->fd == -1;
	if (watch->fd == -1)
		return;
	watch->interests = (struct interests){ NULL, 0 };
	for (i = 0; i < watch->path_count; i++)
		follow(watch, watch->paths[i]);
	for (i = 0; i < old.count; i++)
		if (!is_watched(&watch->interests, old.items[i].folder))
			inotify_rm_watch(watch->fd, old.items[i].folder);
	free_interests(&old);
}

static void
tell(struct watch *watch)
{
	/* First the watching: what happens during the look is not missed. */
	look_again(watch);
	set_poll(watch);
	watch->changed(watch->arg);
}

static void
on_quiet(evutil_socket_t fd, short events, void *arg)
{
	struct watch *watch = arg;

	(void)fd;
	(void)events;
	watch->burst_us = 0;
	tell(watch);
}

static void
on_poll(evutil_socket_t fd, short events, void *arg)
{
	(void)fd;
	(void)events;
	tell(arg);
}

static void
wait_for_quiet(struct watch *watch)
{
	uint64_t now = clock_now_us(), due = now + QUIET_US;
	struct timeval wait;

	if (watch->burst_us == 0)
		watch->burst_us = now;
	if (due > watch->burst_us + BURST_MAX_US)
		due = watch->burst_us + BURST_MAX_US;
	wait = clock_until(due);
	evtimer_add(watch->quiet, &wait);
}

/*
 * Other names in the folder are not ours.  A folder's own fate is, and our
 * own inotify_rm_watch() is not: of that one IN_IGNORED tells.
 */
static bool
is_ours(const struct watch *watch, const struct inotify_event *event)
{
	size_t i;

	if (event->mask & IN_Q_OVERFLOW)
		return true;
	for (i = 0; i < watch->interests.count; i++)
		if (watch->interests.items[i].folder == event->wd &&
		    (event->len == 0 || strcmp(watch->interests.items[i].name,
					    event->name) == 0))
			return true;
	return false;
}

static void
on_readable(evutil_socket_t fd, short events, void *arg)
{
	_Alignas(struct inotify_event) char buffer[4096];
	struct watch *watch = arg;
	const struct inotify_event *event;
	bool is_any = false;
	ssize_t len;
	char *at;

	(void)events;
	while ((len = read(fd, buffer, sizeof(buffer))) > 0)
		for (at = buffer; at < buffer + len;
		     at += sizeof(*event) + event->len) {
			event = (const void *)at;
			is_any |= is_ours(watch, event);
		}
	if (is_any)
		wait_for_quiet(watch);
}

struct watch *
watch_new(struct event_base *base, watch_fn *changed, void *arg)
{
	struct watch *watch = xcalloc(1, sizeof(*watch));

	watch->changed = changed;
	watch->arg = arg;
	watch->quiet = evtimer_new(base, on_quiet, watch);
	watch->poll = event_new(base, -1, EV_PERSIST, on_poll, watch);
	watch->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (watch->fd == -1) {
		log_warn("changes of files are seen once a minute only",
		    "error", strerror(errno), NULL);
		return watch;
	}
	watch->readable = event_new(
	    base, watch->fd, EV_READ | EV_PERSIST, on_readable, watch);
	event_add(watch->readable, NULL);
	return watch;
}

static void
free_paths(struct watch *watch)
{
	size_t i;

	for (i = 0; i < watch->path_count; i++)
		free(watch->paths[i]);
	free(watch->paths);
}

void
watch_free(struct watch *watch)
{
	if (watch == NULL)
		return;
	free_paths(watch);
	free_interests(&watch->interests);
	event_free(watch->quiet);
	event_free(watch->poll);
	if (watch->readable != NULL)
		event_free(watch->readable);
	if (watch->fd != -1)
		close(watch->fd);
	free(watch);
}

void
watch_set(struct watch *watch, const char *const *paths, size_t count)
{
	size_t i;

	free_paths(watch);
	watch->paths = xcalloc(count + 1, sizeof(*watch->paths));
	watch->path_count = count;
	for (i = 0; i < count; i++)
		watch->paths[i] = xstrdup(paths[i]);
	look_again(watch);
	set_poll(watch);
}
