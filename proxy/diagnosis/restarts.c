#include "proxy/diagnosis/restarts.h"

/* Two clocks' readings of one moment. */
#define SLACK_US UINT64_C(2000000)

/* The search for a process takes a while: its start may be known by then. */
static bool
has_new_pid(struct restarts *restarts, unsigned pid)
{
	bool is_new = pid != 0 && restarts->pid != 0 && pid != restarts->pid;
	bool was_due = restarts->is_id_due;

	if (pid == 0)
		return false;
	restarts->pid = pid;
	restarts->is_id_due = false;
	return is_new && !was_due;
}

bool
restarts_note(struct restarts *restarts, unsigned pid, uint64_t start_wall_us,
    uint64_t now_wall_us)
{
	unsigned before = restarts->pid;
	bool is_told = has_new_pid(restarts, pid);

	if (start_wall_us == 0) {
		restarts->was_told |= is_told;
		return is_told;
	}
	if (!is_told && !restarts->was_told && restarts->seen_wall_us != 0 &&
	    start_wall_us > restarts->seen_wall_us + SLACK_US) {
		is_told = true;
		restarts->is_id_due = before != 0 && restarts->pid == before;
	}
	restarts->seen_wall_us = now_wall_us;
	restarts->was_told = false;
	return is_told;
}
