#include "proxy/environment.h"

#include <signal.h>
#include <stddef.h>
#include <sys/resource.h>

static void
set_mask(int how)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	pthread_sigmask(how, &set, NULL);
}

void
environment_hold_signals(void)
{
	set_mask(SIG_BLOCK);
}

void
environment_release_signals(void)
{
	set_mask(SIG_UNBLOCK);
}

/* Thousands of connections need descriptors; the hard limit is ours to use. */
void
environment_prepare(void)
{
	struct rlimit limit;

	signal(SIGPIPE, SIG_IGN);
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}
