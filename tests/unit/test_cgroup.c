/*
 * Cgroups in made-up trees: version 1, version 2, a neighbour's container.
 * And what the kernel says of this machine's own sockets and processes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <ftw.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "proxy/base/clock.h"
#include "proxy/kernel/cgroup.h"
#include "proxy/kernel/listeners.h"
#include "proxy/kernel/owners.h"
#include "proxy/kernel/process.h"
#include "proxy/kernel/sock_diag.h"

static char root[] = "/tmp/test_cgroup.XXXXXX";

static void
put(const char *path, const char *text)
{
	char whole[512];
	char *slash;
	FILE *file;

	snprintf(whole, sizeof(whole), "%s%s", root, path);
	for (slash = strchr(whole + strlen(root) + 1, '/'); slash != NULL;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		assert_true(mkdir(whole, 0755) == 0 || errno == EEXIST);
		*slash = '/';
	}
	file = fopen(whole, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static int
make_root(void **state)
{
	(void)state;
	snprintf(root, sizeof(root), "/tmp/test_cgroup.XXXXXX");
	return mkdtemp(root) == NULL;
}

static int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static int
remove_root(void **state)
{
	(void)state;
	return nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void
put_v2(const char *dir)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/cpu.stat", dir);
	put(path, "usage_usec 5\nnr_periods 100\nnr_throttled 40\n"
		  "throttled_usec 8900000\n");
	snprintf(path, sizeof(path), "%s/cpu.max", dir);
	put(path, "10000 100000\n");
	snprintf(path, sizeof(path), "%s/memory.current", dir);
	put(path, "130000000\n");
	snprintf(path, sizeof(path), "%s/memory.max", dir);
	put(path, "134217728\n");
	snprintf(path, sizeof(path), "%s/memory.events", dir);
	put(path, "low 0\nhigh 0\nmax 7\noom 2\noom_kill 1\n");
	snprintf(path, sizeof(path), "%s/memory.stat", dir);
	put(path, "anon 1\ninactive_file 30000000\n");
	snprintf(path, sizeof(path), "%s/cpu.pressure", dir);
	put(path, "some avg10=33.00 avg60=0.00 avg300=0.00 total=0\n");
	snprintf(path, sizeof(path), "%s/memory.pressure", dir);
	put(path, "some avg10=9.00 avg60=0.00 avg300=0.00 total=0\n"
		  "full avg10=8.00 avg60=0.00 avg300=0.00 total=0\n");
}

static void
assert_v2(struct cgroup *cgroup)
{
	struct cgroup_sample sample;
	struct cgroup_state look;

	cgroup_take(cgroup, &sample, clock_now_us());
	assert_true(sample.has_cpu && sample.has_memory && sample.has_kills &&
		    sample.has_hits && !sample.is_gone);
	assert_true(sample.periods == 100 && sample.throttled_periods == 40);
	assert_true(sample.throttled_us == 8900000);
	assert_true(sample.memory == 130000000);
	assert_true(sample.kills == 1 && sample.hits == 7);
	cgroup_look(cgroup, &look);
	assert_true(look.has_cpu_limit && look.cpu_limit_millis == 100);
	assert_true(look.period_us == 100000);
	assert_true(look.has_memory_limit && look.memory_limit == 134217728);
	assert_true(look.has_working_set && look.working_set == 100000000);
	assert_true(look.has_cpu_pressure && look.cpu_pressure == 33);
	assert_true(look.has_memory_pressure && look.memory_pressure == 8);
}

#define V2_MOUNT "30 23 0:26 %s /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"

static void
test_v2(void **state)
{
	struct cgroup cgroup;

	(void)state;
	put("/proc/7/cgroup", "0::/a.slice/b.service\n");
	put("/proc/self/mountinfo",
	    "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
	put_v2("/sys/fs/cgroup/a.slice/b.service");
	assert_true(cgroup_open_of(&cgroup, root, 7));
	assert_string_equal(cgroup.path, "/a.slice/b.service");
	assert_v2(&cgroup);
	cgroup_close(&cgroup);
	assert_false(cgroup_is_open(&cgroup));
	/* By name, in three ways. */
	assert_true(cgroup_open_named(&cgroup, root, "/a.slice/b.service",
	    "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"));
	assert_v2(&cgroup);
	cgroup_close(&cgroup);
	assert_true(
	    cgroup_open_named(&cgroup, root, "/sys/fs/cgroup/a.slice/b.service",
		"30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"));
	assert_v2(&cgroup);
	cgroup_close(&cgroup);
	put("/sys/fs/cgroup/a.slice/b.service/cgroup.controllers", "cpu\n");
	assert_true(cgroup_open_named(
	    &cgroup, root, "/sys/fs/cgroup/a.slice/b.service", ""));
	assert_v2(&cgroup);
	cgroup_close(&cgroup);
	assert_false(cgroup_open_named(&cgroup, root, "/nowhere", ""));
	assert_false(cgroup_open_of(&cgroup, root, 8));
}

/* Without descriptors: the same, and never another's counts. */
static void
test_let_go(void **state)
{
	struct rlimit before, none;
	struct cgroup cgroup;
	struct cgroup_sample sample;
	char dir[256], old[256];

	(void)state;
	put_v2("/sys/fs/cgroup/b.service");
	assert_true(cgroup_open_named(&cgroup, root, "/b.service",
	    "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"));
	assert_int_equal(cgroup_kept(&cgroup), 3);
	cgroup_let_go(&cgroup);
	assert_int_equal(cgroup_kept(&cgroup), 0);
	assert_true(cgroup_is_open(&cgroup));
	assert_v2(&cgroup);
	/* None to be had: that is not its end. */
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	cgroup_take(&cgroup, &sample, clock_now_us());
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_true(!sample.is_gone && !sample.has_cpu && !sample.has_memory);
	/* Another by the same name, and none. */
	snprintf(dir, sizeof(dir), "%s/sys/fs/cgroup/b.service", root);
	snprintf(old, sizeof(old), "%s/sys/fs/cgroup/old", root);
	assert_int_equal(rename(dir, old), 0);
	cgroup_take(&cgroup, &sample, clock_now_us());
	assert_true(sample.is_gone && !sample.has_cpu);
	put_v2("/sys/fs/cgroup/b.service");
	cgroup_take(&cgroup, &sample, clock_now_us());
	assert_true(sample.is_gone && !sample.has_cpu && !sample.has_kills);
	cgroup_close(&cgroup);
}

/* A limit further up binds as well; kills are of the own. */
static void
test_limit_above(void **state)
{
	struct cgroup cgroup;
	struct cgroup_sample sample;
	struct cgroup_state look;

	(void)state;
	put("/proc/7/cgroup", "0::/pod/c\n");
	put("/proc/self/mountinfo",
	    "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
	put_v2("/sys/fs/cgroup/pod");
	put("/sys/fs/cgroup/pod/c/cpu.stat", "nr_periods 0\nnr_throttled 0\n"
					     "throttled_usec 0\n");
	put("/sys/fs/cgroup/pod/c/cpu.max", "max 100000\n");
	put("/sys/fs/cgroup/pod/c/memory.max", "max\n");
	put("/sys/fs/cgroup/pod/c/memory.current", "5\n");
	put("/sys/fs/cgroup/pod/c/memory.events", "max 0\noom_kill 9\n");
	assert_true(cgroup_open_of(&cgroup, root, 7));
	cgroup_take(&cgroup, &sample, clock_now_us());
	assert_true(sample.throttled_periods == 40);
	assert_true(sample.memory == 130000000);
	assert_true(sample.kills == 9);
	cgroup_look(&cgroup, &look);
	assert_true(look.has_cpu_limit && look.has_memory_limit);
	cgroup_close(&cgroup);
	/* No limit anywhere: the own counts, and no limit is told. */
	put("/sys/fs/cgroup/pod/cpu.max", "max 100000\n");
	put("/sys/fs/cgroup/pod/memory.max", "max\n");
	assert_true(cgroup_open_of(&cgroup, root, 7));
	cgroup_take(&cgroup, &sample, clock_now_us());
	assert_true(sample.has_cpu && sample.throttled_periods == 0);
	assert_true(sample.memory == 5);
	cgroup_look(&cgroup, &look);
	assert_false(look.has_cpu_limit || look.has_memory_limit);
	cgroup_close(&cgroup);
}

static void
put_v1(void)
{
	put("/proc/self/mountinfo",
	    "32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"
	    "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
	    "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n");
	put("/proc/7/cgroup", "4:memory:/m\n1:cpu:/c\n0::/u\n");
	put("/sys/fs/cgroup/unified/u/cpu.stat", "usage_usec 1\n");
	put("/sys/fs/cgroup/cpu/c/cpu.stat",
	    "nr_periods 10\nnr_throttled 9\nthrottled_time 800000000\n");
	put("/sys/fs/cgroup/cpu/c/cpu.cfs_quota_us", "10000\n");
	put("/sys/fs/cgroup/cpu/c/cpu.cfs_period_us", "100000\n");
	put("/sys/fs/cgroup/memory/m/memory.usage_in_bytes", "4096\n");
	put("/sys/fs/cgroup/memory/m/memory.limit_in_bytes",
	    "9223372036854771712\n");
	put("/sys/fs/cgroup/memory/memory.limit_in_bytes", "65536\n");
	put("/sys/fs/cgroup/memory/memory.usage_in_bytes", "8192\n");
	put("/sys/fs/cgroup/memory/memory.failcnt", "3\n");
	put("/sys/fs/cgroup/memory/memory.stat",
	    "inactive_file 1\ntotal_inactive_file 4096\n");
	put("/sys/fs/cgroup/memory/m/memory.oom_control",
	    "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n");
}

static void
test_v1(void **state)
{
	struct cgroup cgroup;
	struct cgroup_sample sample;
	struct cgroup_state look;

	(void)state;
	put_v1();
	assert_true(cgroup_open_of(&cgroup, root, 7));
	cgroup_take(&cgroup, &sample, clock_now_us());
	assert_true(sample.has_cpu && sample.has_memory && sample.has_kills &&
		    sample.has_hits);
	assert_true(sample.periods == 10 && sample.throttled_periods == 9);
	assert_true(sample.throttled_us == 800000);
	assert_true(sample.memory == 8192 && sample.hits == 3);
	assert_true(sample.kills == 2);
	cgroup_look(&cgroup, &look);
	assert_true(look.has_cpu_limit && look.cpu_limit_millis == 100);
	assert_true(look.has_memory_limit && look.memory_limit == 65536);
	assert_true(look.has_working_set && look.working_set == 4096);
	assert_false(look.has_cpu_pressure || look.has_memory_pressure);
	cgroup_close(&cgroup);
	/* No quota is -1. */
	put("/sys/fs/cgroup/cpu/c/cpu.cfs_quota_us", "-1\n");
	assert_true(cgroup_open_of(&cgroup, root, 7));
	cgroup_look(&cgroup, &look);
	assert_false(look.has_cpu_limit);
	cgroup_close(&cgroup);
}

/* Version 2 without controllers counts no periods: not known, not 0. */
static void
test_unreadable(void **state)
{
	struct cgroup cgroup;
	struct cgroup_sample sample;

	(void)state;
	put_v1();
	put("/proc/7/cgroup", "0::/u\n");
	assert_true(cgroup_open_of(&cgroup, root, 7));
	cgroup_take(&cgroup, &sample, clock_now_us());
	assert_false(sample.has_cpu || sample.has_memory || sample.has_kills ||
		     sample.has_hits || sample.is_gone);
	cgroup_close(&cgroup);
	put("/proc/7/cgroup", "4:memory:/m\n1:cpu:/c\n");
	put("/sys/fs/cgroup/cpu/c/cpu.stat", "junk\n");
	put("/sys/fs/cgroup/memory/memory.usage_in_bytes", "much\n");
	assert_true(cgroup_open_of(&cgroup, root, 7));
	cgroup_take(&cgroup, &sample, clock_now_us());
	assert_false(sample.has_cpu || sample.has_memory);
	assert_true(sample.has_kills);
	cgroup_close(&cgroup);
	cgroup_init(&cgroup);
	cgroup_take(&cgroup, &sample, clock_now_us());
	assert_true(sample.at_us == 0);
}

/* A container beside ours in the pod, as seen from ours. */
static void
test_neighbour(void **state)
{
	struct cgroup cgroup;

	(void)state;
	put("/proc/7/cgroup", "0::/../c2\n");
	put("/proc/self/mountinfo",
	    "30 23 0:26 / /sys/fs/cgroup ro - cgroup2 cgroup2 rw\n");
	put("/proc/7/mountinfo",
	    "90 80 0:26 /../c2 /sys/fs/cgroup ro - cgroup2 cgroup rw\n");
	put_v2("/proc/7/root/sys/fs/cgroup");
	put("/sys/fs/cgroup/cpu.stat", "nr_periods 1\nnr_throttled 1\n"
				       "throttled_usec 1\n");
	assert_true(cgroup_open_of(&cgroup, root, 7));
	assert_v2(&cgroup);
	cgroup_close(&cgroup);
}

/* The real kernel: sockets and processes of our own. */

static int
listen_on(struct listener_address *address, int backlog)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	socklen_t len = sizeof(in);
	char text[64];
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	assert_int_equal(listen(fd, backlog), 0);
	getsockname(fd, (struct sockaddr *)&in, &len);
	snprintf(text, sizeof(text), "127.0.0.1:%u", ntohs(in.sin_port));
	assert_true(listener_address_parse(address, text));
	return fd;
}

static int
connect_to(const struct listener_address *address)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	in.sin_port = htons(address->port);
	assert_int_equal(connect(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	return fd;
}

static void
test_queue_tcp(void **state)
{
	struct listener_address address, other;
	struct listen_queue queue;
	int fd = listen_on(&address, 0), client;

	(void)state;
	sock_diag_ask(&address, &queue);
	assert_true(queue.is_known);
	assert_int_equal(queue.waiting, 0);
	assert_int_equal(queue.room, 0);
	assert_false(listen_queue_is_full(&queue));
	client = connect_to(&address);
	sock_diag_ask(&address, &queue);
	assert_int_equal(queue.waiting, 1);
	assert_true(listen_queue_is_full(&queue));
	/* 127.0.0.2 is somebody else's. */
	other = address;
	other.ip[15] = 2;
	sock_diag_ask(&other, &queue);
	assert_false(queue.is_known);
	close(client);
	close(fd);
	sock_diag_ask(&address, &queue);
	assert_false(queue.is_known);
}

static void
test_queue_unix(void **state)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct listener_address address;
	struct listen_queue queue;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)state;
	snprintf(un.sun_path, sizeof(un.sun_path), "%.80s/s", root);
	assert_int_equal(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	assert_int_equal(listen(fd, 0), 0);
	assert_true(listener_address_parse(&address, un.sun_path));
	assert_int_equal(
	    connect(client, (struct sockaddr *)&un, sizeof(un)), 0);
	sock_diag_ask(&address, &queue);
	assert_true(queue.is_known);
	assert_int_equal(queue.waiting, 1);
	assert_true(listen_queue_is_full(&queue));
	close(client);
	close(fd);
}

static uint64_t
inode_of(const struct listener_address *address)
{
	struct listener_found found = { LISTENER_OTHER, 0 };
	char line[512];
	FILE *file = fopen("/proc/net/tcp", "r");

	while (fgets(line, sizeof(line), file) != NULL &&
	       listener_take_tcp(&found, address, line))
		continue;
	fclose(file);
	return found.inode;
}

static void
test_owner(void **state)
{
	struct listener_address address;
	int fd = listen_on(&address, 1);
	struct owner owner = { .inode = inode_of(&address) };
	struct owners_limits limits = { 100000, 1000000,
		clock_now_us() + 30000000 };
	struct owners_result result;
	struct process_stat stat;
	atomic_bool stop = false;
	pid_t child = fork();
	uint64_t cpu_us, open_fds, max_fds;
	int folder;

	(void)state;
	assert_true(owner.inode != 0);
	if (child == 0) {
		pause();
		_exit(0);
	}
	/* We hold it too, and do not count. */
	owners_find(&owner, 1, "", &limits, &stop, &result);
	assert_int_equal(owner.pid, child);
	assert_false(result.gave_up);
	folder = process_open("", (unsigned)child);
	assert_true(process_read_stat(folder, &stat));
	assert_true(stat.start_ticks == owner.start_ticks);
	assert_true(process_age_us(stat.start_ticks) < 60000000);
	assert_true(process_count_fds(folder, &open_fds, &max_fds));
	assert_true(open_fds >= 4 && max_fds >= open_fds);
	assert_true(process_cpu_us((unsigned)child, &cpu_us));
	assert_false(process_has_ended(folder));
	kill(child, SIGSTOP);
	waitpid(child, NULL, WUNTRACED);
	assert_true(process_read_stat(folder, &stat));
	assert_non_null(process_odd_state(stat.state));
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	assert_true(process_has_ended(folder));
	assert_false(process_cpu_us((unsigned)child, &cpu_us));
	assert_false(process_count_fds(folder, &open_fds, &max_fds));
	close(folder);
	/* Bounds are kept. */
	owner.pid = 0;
	limits.processes = 0;
	owners_find(&owner, 1, "", &limits, &stop, &result);
	assert_true(result.gave_up && owner.pid == 0);
	limits.processes = 100;
	stop = true;
	owners_find(&owner, 1, "", &limits, &stop, &result);
	assert_true(result.gave_up && result.processes == 0);
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define IN_ROOT(test)                                                          \
	cmocka_unit_test_setup_teardown(test, make_root, remove_root)
		IN_ROOT(test_v2),
		IN_ROOT(test_let_go),
		IN_ROOT(test_limit_above),
		IN_ROOT(test_v1),
		IN_ROOT(test_unreadable),
		IN_ROOT(test_neighbour),
		IN_ROOT(test_queue_unix),
		cmocka_unit_test(test_queue_tcp),
		cmocka_unit_test(test_owner),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
