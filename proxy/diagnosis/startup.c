#include "proxy/diagnosis/startup.h"

#include <string.h>

#include "proxy/diagnosis/classify.h"
#include "proxy/diagnosis/evidence.h"
#include "proxy/diagnosis/sketch.h"

int
finding_status(const struct finding *finding)
{
	return finding->is_starting_up ? 503
				       : reason_row(finding->reason)->status;
}

/* Comes first: whatever else was seen, this is how to read it. */
void
finding_starting_up(struct finding *finding, uint64_t age_us, int64_t grace_ms)
{
	struct evidence whole = { .out = finding->seen,
		.size = sizeof(finding->seen) };
	struct evidence *evidence = &whole;
	char was[sizeof(finding->seen)];
	char age[SKETCH_DURATION_SIZE], grace[SKETCH_DURATION_SIZE];

	finding->is_starting_up = true;
	memcpy(was, finding->seen, sizeof(was));
	MEASURED("starting up: no answer yet in the %s since the gate serves "
		 "it, startup_grace is %s",
	    sketch_duration(age, age_us, " "),
	    sketch_duration(grace, (uint64_t)grace_ms * 1000, " "));
	evidence_add_pieces(finding->seen, sizeof(finding->seen), was);
}
