/*
 * HTTP requests on an event loop: the one home of libcurl.
 *
 * A client owns the kept-alive connections of all calls made with it; a call
 * is one GET or POST.  The caller resolves names, verifies certificates and
 * judges the answer: it gets raw header lines and raw body bytes, chunk framing
 * included, and no redirect is followed.  There are no timeouts either, but for
 * the share that each of several addresses has: cancel.
 *
 * One thread, that of the event_base.  Hooks run inside libcurl, so a hook may
 * not start or cancel a call; done() may.
 */
#ifndef PROXY_BASE_HTTP_CLIENT_H
#define PROXY_BASE_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct event_base;
struct http_call;
struct http_client;

/* Everything is copied by http_call_start(). */
struct http_request {
	const char *origin;         /* "https://host:port", no path */
	const char *target;         /* as it stands in the request line */
	const char *const *headers; /* "Name: value", in this order, Host too */
	size_t header_count;
	const char *body; /* NULL: GET; else POST, with a Content-Length and
			   * without Expect; its type is one of the headers */
	size_t body_len;
	const char *unix_path; /* NULL: TCP */
	const char *proxy_url; /* NULL: none; the environment is ignored */

	/*
	 * "host:port:address[,address]" for the host that is dialled: no other
	 * address ever is, whatever calls to the same host are pinned to, and
	 * none at all if the list is empty.  NULL if the host is an address
	 * itself or a unix socket.
	 */
	const char *pinned;

	/* Connections are never shared by calls whose pools differ. */
	const char *pool;

	/*
	 * False: only a kept-alive connection will do; if there is none the
	 * call ends with result.needs_connect.
	 */
	bool may_connect;

	/*
	 * How long a caller with several pinned addresses means to wait: each
	 * gets its share, the first one half.  0: no end, for the first.
	 */
	uint64_t connect_us;

	bool is_fresh; /* true: no kept-alive connection */
};

struct http_result {
	int code;        /* CURLcode; 0 fine */
	char error[256]; /* libcurl's words */
	/*
	 * Of connect, send or receive; 0 unknown.  If none of several
	 * addresses took the connection, that of failed_address.
	 */
	int os_errno;
	char failed_address[128]; /* as in connecting(); "" none was dialled */
	bool was_stopped;         /* a hook refused more */
	bool needs_connect; /* no address of its own to dial: pin, again */
	bool has_received;  /* see http_call_has_received() */
};

/* What a CURLcode means to those who do not include libcurl. */
enum {
	HTTP_FINE = 0,
	HTTP_CONNECT_FAILED = 7,
	HTTP_WEIRD_ANSWER = 8,
	HTTP_PARTIAL = 18,
	HTTP_TIMED_OUT = 28,
	HTTP_TLS_FAILED = 35,
	HTTP_FILE_UNREADABLE = 37,
	HTTP_EMPTY_REPLY = 52,
	HTTP_SEND_FAILED = 55,
	HTTP_RECEIVE_FAILED = 56
};

struct http_hooks {
	/* A socket is being opened; `address` is "ip:port" or a unix path. */
	void (*connecting)(void *arg, const char *address);

	/*
	 * Connected (TLS included), the request goes out now.  A second time
	 * if a kept-alive connection died before its first byte.
	 */
	void (*sending)(void *arg, const char *address, bool is_reused);

	/*
	 * A TLS connection is being prepared; `ssl_ctx` is its own SSL_CTX.
	 * Nothing is verified but by what is set here.  -1 fails the call.
	 */
	int (*tls)(void *arg, void *ssl_ctx);

	/* Body bytes without any head line before are no HTTP. */
	int (*head_line)(void *arg, const char *bytes, size_t len);
	int (*body)(void *arg, const char *bytes, size_t len);

	/* Last, once, from the loop; the call is gone when it runs. */
	void (*done)(void *arg, const struct http_result *result);
	void *arg;
};

struct http_client *http_client_new(struct event_base *base, struct err *err);

/*
 * No connection made so far serves a call started from now on: idle ones are
 * closed, the others when their call ends.  Not from a hook.
 */
void http_client_renew(struct http_client *client);

/* Ends all calls without a callback. */
void http_client_free(struct http_client *client);

/* Never calls a hook before it returns.  NULL with `err` on a bad origin. */
struct http_call *http_call_start(struct http_client *client,
    const struct http_request *request, const struct http_hooks *hooks,
    struct err *err);

/* Ends it without done(); the connection is closed. */
void http_call_cancel(struct http_call *call);

/* From a hook: the connection is closed behind this answer. */
void http_call_forbid_reuse(struct http_call *call);

/*
 * No more of the body, please: from a hook or outside.  What libcurl has read
 * by then (64 KiB, over TLS more) waits here, the rest with the peer, who
 * stops sending when the kernel's buffers are full.  Nobody notices meanwhile
 * that the connection has died, and the call does not end.
 */
void http_call_pause(struct http_call *call);

/* Goes on from the loop: calls no hook before it returns. */
void http_call_resume(struct http_call *call);

/* Asks the kernel whether a socket of this call is connected by now. */
bool http_call_is_connected(const struct http_call *call);

/*
 * Has anything come in since the request went out, be it half a line that no
 * hook got to see?  Over TLS that may be records without an answer.
 */
bool http_call_has_received(const struct http_call *call);

/* A URL taken apart; strings are freed by http_url_fini(). */
struct http_url {
	char *scheme; /* lower case */
	char *host;   /* no brackets, lower case */
	uint16_t port;
	char *target; /* path and query, at least "/" */
};

/*
 * Resolves `reference` against the absolute `base` (NULL: must be absolute
 * itself).  -1 if it cannot be parsed, or has no host.
 */
int http_url_parse(
    struct http_url *url, const char *base, const char *reference);
void http_url_fini(struct http_url *url);

#endif
