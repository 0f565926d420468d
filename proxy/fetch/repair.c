#include "proxy/fetch/repair.h"

#include <stdio.h>
#include <string.h>

#include "conf/conf.h"
#include "proxy/exposition/content_type.h"
#include "proxy/fetch/judge.h"

void
repair_content_type(const struct conf_target *target, struct judge_result *head)
{
	const char *name = target->fallback_scrape_protocol;
	const char *value = head->has_content_type ? head->content_type : NULL;
	struct content_verdict verdict;

	if (name == NULL)
		return;
	content_type_judge(
	    &verdict, value, value != NULL ? strlen(value) : 0, FORMAT_NONE);
	if (verdict.reason == REASON_OK)
		return;
	snprintf(head->content_type, sizeof(head->content_type), "%s",
	    content_type_of(content_type_protocol(name)));
	head->has_content_type = true;
}
