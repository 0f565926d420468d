/*
 * One call: its easy handle, options and callbacks.  Private to http_client.
 */
#ifndef PROXY_BASE_HTTP_CLIENT_CALL_H
#define PROXY_BASE_HTTP_CLIENT_CALL_H

#include <sys/queue.h>

#include <curl/curl.h>

#include "proxy/base/http_client.h"

struct http_lane;

struct http_call {
	LIST_ENTRY(http_call) link;
	struct http_lane *lane;
	CURL *easy;
	struct curl_slist *headers;
	char *body; /* NULL: GET */
	size_t body_len;
	struct curl_slist *pinned;
	char *addresses; /* of `pinned`: ",a,[b],"; NULL: any will do */
	struct http_hooks hooks;
	char error[CURL_ERROR_SIZE];
	char *unix_path;
	bool may_connect;
	unsigned dials;       /* addresses that libcurl has wanted to dial */
	unsigned nudged;      /* as many when it was last told to go on */
	bool has_lost_socket; /* since then, while it connects */
	bool needs_connect;
	bool was_stopped;
	bool is_paused;  /* wanted by the caller */
	bool is_resumed; /* and no more, which has not been seen to yet */
	bool is_halted;  /* libcurl was told */
	bool has_ended;  /* with `code`, which waits for what is kept */
	CURLcode code;
	char *kept; /* came while it was paused */
	size_t kept_len;
	size_t kept_done;  /* handed on since */
	size_t turn_bytes; /* of body, without a rest: see http_call_rest() */
	/* Since the last sending: */
	unsigned opens; /* sockets */
	int first_family;
	int first_errno; /* known if a second address was dialled */
	bool is_mixed;   /* of families, which are dialled side by side */
	char first_address[128];
	char last_address[128];

	unsigned sends;
	bool has_received; /* see http_result */
};

/* Takes `spare` over: NULL, or what another call left. */
struct http_call *http_call_new(const struct http_request *request,
    const struct http_hooks *hooks, CURL *spare, struct err *err);
void http_call_free(struct http_call *call);

/*
 * The easy handle of a call that went well, for the next one, or NULL if it
 * had better not be used again.  Its settings are half of what a call costs.
 */
CURL *http_call_leave_easy(struct http_call *call);

/* In http_client.c: others have their turn before it goes on reading. */
void http_call_rest(struct http_call *call);

/* Tells libcurl to read no more, from a hook or outside. */
void http_call_halt(struct http_call *call);

/* Hands on what is kept until it is paused again.  -1: a hook refused more. */
int http_call_hand_on(struct http_call *call);
void http_call_result(
    struct http_call *call, CURLcode code, struct http_result *result);

#endif
