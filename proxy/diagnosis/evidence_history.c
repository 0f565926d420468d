#include "proxy/diagnosis/evidence.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "conf/duration.h"
#include "proxy/diagnosis/baseline.h"
#include "proxy/diagnosis/sketch.h"
#include "proxy/fetch/report.h"

#define DAY_S 86400

size_t
evidence_phases(char *out, size_t size, const struct phases *phases)
{
	char took[SKETCH_DURATION_SIZE];
	size_t used = 0;
	int i;

	out[0] = '\0';
	for (i = 0; i < PHASE_COUNT; i++) {
		if (phases->us[i] < 1000)
			continue;
		sketch_print(out + used, size - used, "%s%s %s",
		    used > 0 ? ", " : "", phase_name((enum phase)i),
		    sketch_duration(took, phases->us[i], " "));
		used += strlen(out + used);
	}
	return used;
}

static void
see_growth(struct evidence *evidence)
{
	const struct baseline_verdict *verdict = evidence->sketch->baseline;

	if (verdict->has_grown && verdict->normal_bytes > 0)
		MEASURED("%llu bytes, normally %llu",
		    (unsigned long long)evidence->sketch->report->body_bytes,
		    (unsigned long long)verdict->normal_bytes);
	if (verdict->has_grown && verdict->normal_samples > 0)
		MEASURED("%llu samples, normally %llu",
		    (unsigned long long)verdict->samples,
		    (unsigned long long)verdict->normal_samples);
}

static void
see_normal(struct evidence *evidence)
{
	const struct baseline_verdict *verdict = evidence->sketch->baseline;
	char text[200], took[SKETCH_DURATION_SIZE];

	if (verdict->normal_duration_us == 0) {
		UNKNOWN("what is normal: fewer than %d good scrapes so far",
		    BASELINE_READY);
		return;
	}
	sketch_duration(took, verdict->normal_duration_us, " ");
	if (evidence_phases(text, sizeof(text), &verdict->normal) > 0)
		MEASURED("normally %s: %s", took, text);
	else
		MEASURED("normally %s", took);
}

void
evidence_slow(struct evidence *evidence)
{
	const struct sketch *sketch = evidence->sketch;
	char text[200], took[SKETCH_DURATION_SIZE];

	sketch_duration(took, sketch->elapsed_us, " ");
	if (evidence_phases(text, sizeof(text), &sketch->report->phases) > 0)
		MEASURED("took %s: %s", took, text);
	else
		MEASURED("took %s", took);
	see_normal(evidence);
	see_growth(evidence);
}

/* "22:10:03 UTC", "yesterday 22:10 UTC" or "2026-11-20 22:10 UTC". */
static void
say_when(char out[40], uint64_t wall_us, uint64_t now_us)
{
	time_t then = (time_t)(wall_us / 1000000);
	time_t days = (time_t)(now_us / 1000000) / DAY_S - then / DAY_S;
	struct tm tm;
	size_t len;

	gmtime_r(&then, &tm);
	if (days == 0)
		len = strftime(out, 40, "%H:%M:%S UTC", &tm);
	else if (days == 1)
		len = strftime(out, 40, "yesterday %H:%M UTC", &tm);
	else
		len = strftime(out, 40, "%Y-%m-%d %H:%M UTC", &tm);
	out[len] = '\0';
}

void
evidence_history(struct evidence *evidence)
{
	const struct circumstances *circumstances =
	    &evidence->sketch->circumstances;
	char when[40];

	if (circumstances->last_good_wall_us == 0 ||
	    reason_is_slow(evidence->sketch->reason))
		return;
	say_when(
	    when, circumstances->last_good_wall_us, circumstances->now_wall_us);
	MEASURED("last good %s", when);
}
