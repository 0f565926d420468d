/*
 * What is known of one upstream attempt: the raw material of a diagnosis.
 * Plain data filled in by the attempt, read by classify(); a value that was
 * not measured is 0, NULL or the enum's first member.
 */
#ifndef PROXY_FETCH_REPORT_H
#define PROXY_FETCH_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "proxy/fetch/judge.h"
#include "proxy/fetch/phases.h"
#include "proxy/kernel/sock_diag.h"

struct said;

/* How far the attempt came: the step it is in, or ended in. */
enum step {
	STEP_QUEUED,
	STEP_RESOLVE,
	STEP_CONNECT,
	STEP_TLS,
	STEP_HEAD, /* connected, waiting for the end of the answer's head */
	STEP_BODY,
	STEP_DONE
};

enum attempt_end {
	ATTEMPT_RUNNING,  /* a view taken while it goes on */
	ATTEMPT_COMPLETE, /* libcurl is content; the judge may not be */
	ATTEMPT_FAILED,   /* resolver or libcurl gave up */
	ATTEMPT_TIMEOUT,  /* time ran out */
	ATTEMPT_CANCELLED /* nobody waits any more */
};

enum resolve_result {
	RESOLVE_OK,
	RESOLVE_NXDOMAIN,
	RESOLVE_NODATA,
	RESOLVE_SERVER_FAILURE, /* SERVFAIL, REFUSED, FORMERR, NOTIMP */
	RESOLVE_TIMEOUT,
	RESOLVE_UNREACHABLE, /* the name server itself */
	RESOLVE_TRUNCATED
};

struct content_verdict;
struct scanner_result;

struct report {
	enum attempt_end end;
	enum step step;
	struct phases phases;

	enum resolve_result resolve;
	char name_server[64]; /* "10.0.0.2:53" */

	char address[128]; /* ip:port or unix path dialled */
	bool is_unix;
	bool is_tls;
	bool is_connected; /* TCP or unix connect completed */
	bool is_reused;    /* a kept-alive connection */
	bool was_retried;
	/* Of the exporter's listener, if nobody accepted and it is here: see
	 * resources_look_at_listener(). */
	struct listen_queue queue;
	int os_errno;  /* of connect or read; 0 none */
	int curl_code; /* CURLcode */
	char curl_error[256];
	bool is_proxy_used;
	int redirects;         /* followed */
	bool redirect_refused; /* a redirect the configuration forbids */
	bool redirect_loop;    /* more than 10 */
	bool redirect_bad; /* Location missing scheme we speak, unparsable */

	int alert_received;             /* TLS alert number + 1; 0 none */
	int alert_sent;                 /* TLS alert number + 1; 0 none */
	long verify_result;             /* X509_V_*; 0 fine or not reached */
	bool is_name_mismatch;          /* certificate does not name the host */
	bool has_no_san;                /* certificate without any SAN */
	char certificate_names[192];    /* SANs, comma separated, escaped */
	char certificate_not_after[32]; /* RFC 3339 or "" */
	char certificate_not_before[32];
	unsigned long ssl_error;    /* OpenSSL's packed code */
	unsigned char tls_first[5]; /* first record header received */
	unsigned tls_first_len;

	bool credentials_unreadable; /* a credentials file: curl_error says */
	bool tls_files_unreadable;   /* ca, cert or key: curl_error says */

	struct judge_result judge; /* of the last answer */
	uint64_t wire_bytes;       /* body bytes as received, chunks decoded */
	uint64_t body_bytes;       /* after inflating */
	uint64_t last_byte_ago_us; /* since the last byte, for a timeout */
	bool is_over_limit;        /* body_size_limit */
	bool is_over_budget;       /* memory_budget */
	const struct said *said;   /* borrowed from the attempt, or NULL */
	/* Begin of a non-200's body, or of one that is no metrics; escaped. */
	char error_text[1024];

	/*
	 * What the body says, of a whole 200 of a scrape: valid until the
	 * attempt's done() returns.  NULL: nobody looked.  What was said of the
	 * Content-Type is in *content.
	 */
	const struct scanner_result *scan;
	const struct content_verdict *content;
	bool is_streamed;      /* it has gone out before it was judged */
	bool links_to_metrics; /* a page that does */
};

#endif
