#include "proxy/diagnosis/restarts.h"

/* Two clocks' readings of one moment. */
#define SLACK_US UINT64_C(2000000)

static bool
has_new_pid(struct restarts *restarts, unsigned pid)
{
	bool is_new = pid != 0 && restarts->pid != 0 && pid != restarts->pid;

	if (pid != 0)
		restarts->pid = pid;
	return is_new;
}

bool
restarts_note(struct restarts *restarts, unsigned pid, uint64_t start_wall_us,
    uint64_t now_wall_us)
{
	bool is_told = has_new_pid(restarts, pid);

	if (start_wall_us == 0) {
		restarts->was_told |= is_told;
		return is_told;
	}
	if (!restarts->was_told && restarts->seen_wall_us != 0 &&
	    start_wall_us > restarts->seen_wall_us + SLACK_US)
		is_told = true;
	restarts->seen_wall_us = now_wall_us;
	restarts->was_told = false;
	return is_told;
}
