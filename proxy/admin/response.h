/*
 * An answer of the admin or health listener before it is sent: plain data, so
 * that what makes answers needs no connection.
 */
#ifndef PROXY_ADMIN_RESPONSE_H
#define PROXY_ADMIN_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>

struct admin_view;

struct response {
	int status;
	const char *content_type;
	char *body; /* malloc'd; response_fini() frees it */
	size_t len;
	const char *location; /* header, NULL: none */
	const char *allow;    /* header, NULL: none */
};

/* Makes the answer to a GET; `query` is what follows '?', or NULL. */
typedef void (*response_fn)(const struct admin_view *view, const char *query,
    struct response *response);

/* The same, where a part of the path is a name; as it came, not decoded. */
typedef void (*response_named_fn)(const struct admin_view *view,
    const char *name, const char *query, struct response *response);

/* Takes `body` over; it is terminated text. */
void response_set(struct response *response, int status,
    const char *content_type, char *body);

/* text/plain; the text is copied. */
void response_set_text(struct response *response, int status, const char *text);

void response_fini(struct response *response);

#endif
