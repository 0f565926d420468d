/*
 * /api/v1/targets/NAME/last-bad-answer: the first 4 KB of the last answer that
 * was no good, as the exporter sent it.
 */
#ifndef PROXY_ADMIN_LAST_BAD_ANSWER_H
#define PROXY_ADMIN_LAST_BAD_ANSWER_H

#include "proxy/admin/response.h"

struct board_target;

/* An error with status 404 if there is none. */
void last_bad_answer(const struct admin_view *view, const char *name,
    const char *query, struct response *response);

#endif
