#include "proxy/admin/response.h"

#include <stdlib.h>
#include <string.h>

#include "proxy/base/alloc.h"

void
response_set(
    struct response *response, int status, const char *content_type, char *body)
{
	response->status = status;
	response->content_type = content_type;
	response->body = body;
	response->len = strlen(body);
}

void
response_set_text(struct response *response, int status, const char *text)
{
	response_set(
	    response, status, "text/plain; charset=utf-8", xstrdup(text));
}

void
response_fini(struct response *response)
{
	free(response->body);
	response->body = NULL;
}
