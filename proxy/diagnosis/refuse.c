#include "proxy/diagnosis/classify.h"

void
finding_refuse(
    struct finding *finding, enum reason reason, const struct facts *facts)
{
	const struct reason_row *row = reason_row(reason);

	finding->reason = reason;
	finding->is_starting_up = false;
	finding->retry_after_s = 0;
	finding->challenge = NULL;
	finding->lasterror[0] = '\0';
	finding->seen[0] = '\0';
	facts_expand(
	    finding->words, sizeof(finding->words), row->words, facts, false);
	facts_expand(
	    finding->cause, sizeof(finding->cause), row->cause, facts, true);
	facts_expand(finding->fix, sizeof(finding->fix), row->fix, facts, true);
}
