#include "proxy/admin/refusals.h"

#include <inttypes.h>
#include <stdlib.h>

#include "auth/refusals.h"
#include "proxy/admin/envelope.h"
#include "proxy/admin/html.h"
#include "proxy/admin/view.h"
#include "proxy/base/alloc.h"
#include "proxy/base/json.h"
#include "proxy/diagnosis/reasons.h"
#include "proxy/gate/login.h"

#define ON_PAGE 20

/* The caller frees. */
static struct refusal *
take_list(const struct admin_view *view, size_t max, size_t *count)
{
	struct refusal *list = xcalloc(max, sizeof(*list));

	*count = 0;
	if (view->refusals != NULL)
		*count = refusals_list(view->refusals, list, max);
	return list;
}

static const char *
reason_id(const struct refusal *refusal)
{
	return reason_row(
	    login_refusal(refusal->result, refusal->is_authorization))
	    ->id;
}

static void
add_refusal(struct cJSON *list, const struct refusal *refusal)
{
	struct cJSON *object = json_add_object(list, NULL);

	envelope_time(object, "time", refusal->last_ms * 1000);
	envelope_time(object, "first", refusal->first_ms * 1000);
	envelope_time(object, "last", refusal->last_ms * 1000);
	json_add_number(object, "count", (double)refusal->count);
	json_add_string(object, "method", auth_method_name(refusal->method));
	json_add_string(object, "result", auth_result_name(refusal->result));
	json_add_string(object, "reason", reason_id(refusal));
	json_add_string(object, "peer", refusal->peer);
	json_add_string(object, "user", refusal->user);
	json_add_string(object, "path", refusal->path);
	json_add_string(object, "detail", refusal->detail);
}

void
refusals_api(
    const struct admin_view *view, const char *query, struct response *response)
{
	struct cJSON *data = json_object_new();
	struct cJSON *list = json_add_array(data, "refusals");
	size_t i, count;
	struct refusal *all = take_list(view, REFUSALS_MAX, &count);

	(void)query;
	for (i = 0; i < count; i++)
		add_refusal(list, &all[i]);
	free(all);
	envelope_data(response, data);
}

static void
put_refusal(FILE *out, const struct refusal *refusal)
{
	const char *const cells[] = { refusal->peer, refusal->user,
		refusal->path, auth_method_name(refusal->method) };
	size_t i;

	fputs("<tr><td>", out);
	html_ago(out, refusal->last_ms * 1000);
	fprintf(out,
	    "</td><td class=\"n\">%" PRIu64 "</td><td class=\"bad\">%s</td>",
	    refusal->count, reason_id(refusal));
	for (i = 0; i < sizeof(cells) / sizeof(cells[0]); i++) {
		fputs("<td>", out);
		html_text(out, cells[i]);
		fputs("</td>", out);
	}
	fputs("<td class=\"words\">", out);
	html_text(out, refusal->detail);
	fputs("</td></tr>\n", out);
}

void
refusals_page(FILE *out, const struct admin_view *view)
{
	size_t i, count;
	struct refusal *all = take_list(view, ON_PAGE, &count);

	if (count > 0) {
		fputs("<section class=\"plain\"><h2>Not let in</h2>\n<table>"
		      "<tr><th>When</th><th class=\"n\">Times</th>"
		      "<th>Reason</th><th>From</th><th>User</th><th>Path</th>"
		      "<th>By</th><th>Detail</th></tr>\n",
		    out);
		for (i = 0; i < count; i++)
			put_refusal(out, &all[i]);
		fputs("</table></section>\n", out);
	}
	free(all);
}
