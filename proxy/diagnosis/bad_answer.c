#include "proxy/diagnosis/bad_answer.h"

#include <string.h>

#include "proxy/base/alloc.h"
#include "proxy/diagnosis/classify.h"
#include "proxy/fetch/report.h"
#include "proxy/fetch/said.h"

struct bad_answer *
bad_answer_new(const struct finding *finding, const struct report *report,
    uint64_t wall_us)
{
	struct bad_answer *answer;
	struct said said;

	if (report->said == NULL || report->said->len == 0 ||
	    finding->reason == REASON_CLIENT_GONE || finding->is_delivered)
		return NULL;
	said_mask(report->said, &said);
	answer = xcalloc(1, sizeof(*answer) + said.len);
	answer->wall_us = wall_us;
	answer->reason = finding->reason;
	memcpy(answer->words, finding->words, sizeof(answer->words));
	answer->head_len = said.head_len;
	answer->len = said.len;
	answer->is_cut = said.is_cut;
	answer->is_inflated = said.is_inflated;
	memcpy(answer->bytes, said.bytes, said.len);
	return answer;
}
