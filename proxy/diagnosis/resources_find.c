#include <ctype.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/base/alloc.h"
#include "proxy/base/clock.h"
#include "proxy/base/file.h"
#include "proxy/base/thread.h"
#include "proxy/diagnosis/resources_parts.h"
#include "proxy/kernel/flat.h"
#include "proxy/kernel/owners.h"

/*
 * Finding the exporter's process: a thread that lives as long as one walk
 * through /proc takes, for all targets that want one at the time.
 */

#define WAIT_MIN_US (UINT64_C(1) * 1000000)
#define WAIT_MAX_US (UINT64_C(300) * 1000000)
#define SEARCH_MAX_US (UINT64_C(5) * 1000000)
#define PROCESSES_MAX 20000
#define LINKS_MAX 1000000
#define ITEMS_MAX 64 /* the rest takes its turn */

struct item {
	struct resources *resources; /* NULL: forgotten meanwhile */
	struct listener_address address;
	bool may_be_v6;
	char *pid_setting;
	char *cgroup_setting;

	struct listener_found listener;
	unsigned pid;
	int folder;
	uint64_t start_ticks;
	struct cgroup cgroup;
	const char *unseen;
};

struct search {
	struct message message;
	struct resources_book *book; /* NULL: gone */
	pthread_t id;
	atomic_bool stop;
	char *root;
	struct owners_result walked;
	unsigned room; /* for descriptors to be kept */
	size_t count;
	struct item items[];
};

/* On the thread: nothing here touches a struct resources, and of the book only
 * what is atomic or never changes. */

static FILE *
open_net(const struct search *search, const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/proc/self/net/%s", search->root, name);
	return fopen(path, "re");
}

static void
read_net(struct search *search, const char *name, enum listener_family family)
{
	FILE *file = open_net(search, name);
	char line[512];
	bool goes_on = true;
	size_t i;

	if (file == NULL)
		return;
	while (goes_on && fgets(line, sizeof(line), file) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		for (i = 0; i < search->count; i++) {
			struct item *item = &search->items[i];

			if (item->address.family != family)
				continue;
			if (family == LISTENER_UNIX)
				listener_take_unix(
				    &item->listener, &item->address, line);
			else
				goes_on = listener_take_tcp(
				    &item->listener, &item->address, line);
		}
	}
	fclose(file);
}

/* "localhost" is ::1 where nobody listens at 127.0.0.1. */
static void
turn_to_v6(struct search *search)
{
	bool has_turned = false;
	size_t i;

	for (i = 0; i < search->count; i++) {
		struct item *item = &search->items[i];
		char text[32];

		if (!item->may_be_v6 || item->listener.inode != 0)
			continue;
		snprintf(text, sizeof(text), "[::1]:%u", item->address.port);
		has_turned = listener_address_parse(&item->address, text);
	}
	if (has_turned)
		read_net(search, "tcp6", LISTENER_TCP);
}

static void
find_listeners(struct search *search)
{
	read_net(search, "tcp", LISTENER_TCP);
	read_net(search, "tcp6", LISTENER_TCP);
	read_net(search, "unix", LISTENER_UNIX);
	turn_to_v6(search);
}

static void
walk(struct search *search)
{
	struct owners_limits limits = { PROCESSES_MAX, LINKS_MAX,
		clock_now_us() + SEARCH_MAX_US };
	struct owner owners[ITEMS_MAX];
	bool is_needed = false;
	size_t i;

	memset(owners, 0, sizeof(owners));
	for (i = 0; i < search->count; i++)
		if (strcmp(search->items[i].pid_setting, "auto") == 0) {
			owners[i].inode = search->items[i].listener.inode;
			is_needed = is_needed || owners[i].inode != 0;
		}
	if (!is_needed)
		return;
	owners_find(owners, search->count, search->root, &limits, &search->stop,
	    &search->walked);
	for (i = 0; i < search->count; i++)
		search->items[i].pid = owners[i].pid;
}

static const char *
why_unseen(const struct search *search, const struct item *item)
{
	if (item->listener.inode == 0)
		return "nobody in this network namespace";
	if (search->walked.gave_up)
		return "too many processes to look into";
	if (search->walked.denied > 0)
		return "a process the gate may not look into (another user's)";
	return "one outside this PID namespace (shareProcessNamespace: true "
	       "would show it)";
}

/* The number in a PID file, or the setting itself. */
static unsigned
configured_pid(const struct search *search, const char *setting)
{
	char path[512], text[64];
	unsigned long pid;
	char *end;

	snprintf(text, sizeof(text), "%s", setting);
	if (setting[0] == '/') {
		snprintf(path, sizeof(path), "%s%s", search->root, setting);
		if (flat_load(AT_FDCWD, path, text, sizeof(text)) <= 0)
			return 0;
	}
	pid = strtoul(text, &end, 10);
	return end != text && (*end == '\0' || isspace((unsigned char)*end)) &&
		       pid <= INT32_MAX
		   ? (unsigned)pid
		   : 0;
}

static void
open_process(struct search *search, struct item *item)
{
	struct process_stat stat;
	bool is_auto = strcmp(item->pid_setting, "auto") == 0;

	if (!is_auto && strcmp(item->pid_setting, "off") != 0)
		item->pid = configured_pid(search, item->pid_setting);
	if (item->pid != 0)
		item->folder = process_open(search->root, item->pid);
	if (item->folder != -1 && process_read_stat(item->folder, &stat)) {
		item->start_ticks = stat.start_ticks;
		return;
	}
	process_close(&item->folder);
	item->pid = 0;
	item->unseen = is_auto ? why_unseen(search, item)
			       : "not the one that resources.pid names";
}

static void
open_cgroup(const struct search *search, struct item *item)
{
	const char *setting = item->cgroup_setting;
	char path[512], *mountinfo;
	size_t len;

	if (setting[0] == '/') {
		snprintf(
		    path, sizeof(path), "%s/proc/self/mountinfo", search->root);
		mountinfo = file_load(path, 1024 * 1024, &len);
		cgroup_open_named(&item->cgroup, search->root, setting,
		    mountinfo != NULL ? mountinfo : "");
		free(mountinfo);
	} else if (strcmp(setting, "off") != 0 && item->pid != 0) {
		cgroup_open_of(&item->cgroup, search->root, item->pid);
	}
}

/* Who finds no room is looked at by opening things each time. */
static void
keep(struct search *search, struct item *item)
{
	unsigned wanted = cgroup_kept(&item->cgroup) + (item->folder != -1);

	if (wanted <= search->room) {
		search->room -= wanted;
		return;
	}
	process_close(&item->folder);
	cgroup_let_go(&item->cgroup);
}

/* Once in a way that may wait: the kernel may have to load a module. */
static void
ask_queue(struct search *search)
{
	struct listen_queue queue;
	size_t i;

	for (i = 0; i < search->count; i++)
		sock_diag_ask(&search->items[i].address, &queue);
	atomic_store(&search->book->has_asked_queue, true);
}

static void take(struct message *message, void *owner);

static void *
run(void *arg)
{
	struct search *search = arg;
	struct mailbox *mailbox = search->book->mailbox;
	size_t i;

	pthread_setname_np(pthread_self(), "find-exporter");
	ask_queue(search); /* first: who needs it does not wait for the rest */
	find_listeners(search);
	walk(search);
	for (i = 0; i < search->count; i++) {
		open_process(search, &search->items[i]);
		open_cgroup(search, &search->items[i]);
		keep(search, &search->items[i]);
	}
	search->message.deliver = take;
	mailbox_post(mailbox, &search->message);
	return NULL;
}

/* On the fetch thread. */

static void
free_search(struct search *search)
{
	size_t i;

	for (i = 0; i < search->count; i++) {
		process_close(&search->items[i].folder);
		cgroup_close(&search->items[i].cgroup);
		free(search->items[i].pid_setting);
		free(search->items[i].cgroup_setting);
	}
	free(search->root);
	free(search);
}

/* The same cgroup goes on counting where it was, whoever is in it. */
static bool
is_same_cgroup(const struct resources *resources, const struct item *item)
{
	struct cgroup_sample now;

	if (resources->cgroup == NULL ||
	    strcmp(resources->cgroup->cpu_dir, item->cgroup.cpu_dir) != 0 ||
	    strcmp(resources->cgroup->memory_dir, item->cgroup.memory_dir) != 0)
		return false;
	cgroup_take(resources->cgroup, &now, clock_now_us());
	return !now.is_gone;
}

static void
install_cgroup(struct resources *resources, struct item *item)
{
	struct cgroup_state state;

	if (is_same_cgroup(resources, item))
		return;
	resources->was_gone_near_limit = resources->was_near_limit;
	if (resources->cgroup != NULL)
		cgroup_close(resources->cgroup);
	free(resources->cgroup);
	resources->cgroup = NULL;
	memset(&resources->base, 0, sizeof(resources->base));
	memset(&resources->good, 0, sizeof(resources->good));
	memset(&resources->last, 0, sizeof(resources->last));
	resources->kill_at_us = 0;
	resources->memory_limit = 0;
	if (!cgroup_is_open(&item->cgroup))
		return;
	resources->cgroup = xmalloc(sizeof(*resources->cgroup));
	*resources->cgroup = item->cgroup;
	cgroup_init(&item->cgroup);
	cgroup_look(resources->cgroup, &state);
	if (state.has_memory_limit)
		resources->memory_limit = state.memory_limit;
}

static void
install(struct resources *resources, struct item *item)
{
	bool is_known = resources->generation != 0 && !resources->has_ended &&
			resources->pid == item->pid &&
			resources->start_ticks == item->start_ticks;

	resources->unseen = item->unseen;
	resources->book->newest_of = NULL;
	if (is_known || (item->pid == 0 && !cgroup_is_open(&item->cgroup)))
		return;
	install_cgroup(resources, item);
	process_close(&resources->folder);
	resources->folder = item->folder;
	item->folder = -1;
	resources->pid = item->pid;
	resources->start_ticks = item->start_ticks;
	resources->has_ended = false;
	resources->address = item->address;
	resources->generation = ++resources->book->last_generation;
	resources_take_cpu(
	    resources, &resources->has_first_cpu, &resources->first_cpu_us);
	resources_take(resources, clock_now_us());
	resources->first = resources->last;
	if (resources->base.at_us == 0)
		resources->base = resources->last;
	resources->first_us = clock_now_us();
}

static bool
is_found(const struct resources *resources)
{
	return resources->generation != 0 && !resources->has_ended &&
	       (resources->pid != 0 ||
		   strcmp(resources->pid_setting, "off") == 0);
}

static void
put_off(struct resources *resources)
{
	resources->wait_us = is_found(resources) || resources->wait_us == 0
				 ? WAIT_MIN_US
				 : 2 * resources->wait_us;
	if (resources->wait_us > WAIT_MAX_US)
		resources->wait_us = WAIT_MAX_US;
	resources->search_at_us = clock_now_us() + resources->wait_us;
}

static void
take(struct message *message, void *owner)
{
	struct search *search = (struct search *)message;
	struct resources *resources;
	size_t i;

	(void)owner;
	if (search->book != NULL) {
		pthread_join(search->id, NULL);
		search->book->search = NULL;
		for (i = 0; i < search->count; i++) {
			resources = search->items[i].resources;
			if (resources == NULL)
				continue;
			install(resources, &search->items[i]);
			put_off(resources);
		}
	}
	free_search(search);
}

static void
add_item(struct search *search, struct resources *resources)
{
	struct item *item = &search->items[search->count++];

	item->resources = resources;
	item->address = resources->address;
	item->may_be_v6 = resources->may_be_v6 && resources->dialled[0] == '\0';
	item->pid_setting = xstrdup(resources->pid_setting);
	item->cgroup_setting = xstrdup(resources->cgroup_setting);
	item->folder = -1;
	cgroup_init(&item->cgroup);
}

static bool
is_due(const struct resources *resources, uint64_t now_us)
{
	return !resources_is_off(resources) && !is_found(resources) &&
	       now_us >= resources->search_at_us;
}

void
resources_search(struct resources *resources, uint64_t now_us)
{
	struct resources_book *book = resources->book;
	struct resources *other;
	struct search *search;
	size_t room = 1;

	if (book->search != NULL || !is_due(resources, now_us))
		return;
	TAILQ_FOREACH (other, &book->all, link)
		if (room < ITEMS_MAX && other != resources &&
		    is_due(other, now_us))
			room++;
	search = xcalloc(1, sizeof(*search) + room * sizeof(search->items[0]));
	search->book = book;
	search->root = xstrdup(book->root);
	search->room = resources_room(book);
	atomic_init(&search->stop, false);
	add_item(search, resources);
	/* One walk serves all that are due. */
	TAILQ_FOREACH (other, &book->all, link)
		if (other != resources && search->count < room &&
		    is_due(other, now_us))
			add_item(search, other);
	book->search = search;
	if (thread_spawn(&search->id, run, search) != 0) {
		book->search = NULL;
		put_off(resources);
		free_search(search);
	}
}

void
resources_search_stop(struct resources_book *book)
{
	struct search *search = book->search;

	if (search == NULL)
		return;
	atomic_store(&search->stop, true);
	pthread_join(search->id, NULL);
	search->book = NULL;
	book->search = NULL;
}

void
resources_search_forget(struct resources *resources)
{
	struct search *search = resources->book->search;
	size_t i;

	for (i = 0; search != NULL && i < search->count; i++)
		if (search->items[i].resources == resources)
			search->items[i].resources = NULL;
}
