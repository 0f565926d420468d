#include "proxy/fetch/timeline.h"

#include <string.h>

void
timeline_start(struct timeline *line, uint64_t arrival_us, uint64_t now_us)
{
	memset(line, 0, sizeof(*line));
	line->phase = PHASE_QUEUE;
	line->since_us = arrival_us < now_us ? arrival_us : now_us;
	timeline_enter(line, PHASE_QUEUE, now_us);
}

void
timeline_enter(struct timeline *line, enum phase next, uint64_t now_us)
{
	if (now_us > line->since_us) {
		line->phases.us[line->phase] += now_us - line->since_us;
		line->since_us = now_us;
	}
	line->phase = next;
}

void
timeline_parsed(struct timeline *line, uint64_t us)
{
	/* Moving the start forward takes it out of the running phase. */
	line->since_us += us;
	line->phases.us[PHASE_PARSE] += us;
}
