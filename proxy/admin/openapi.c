#include "proxy/admin/openapi.h"

#include "proxy/base/alloc.h"

void
openapi_answer(
    const struct admin_view *view, const char *query, struct response *response)
{
	(void)view;
	(void)query;
	response_set(response, 200, "application/json", xstrdup(openapi_text));
}
