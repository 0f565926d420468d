#include "proxy/fetch/request.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/base/alloc.h"
#include "proxy/base/http_client.h"
#include "proxy/fetch/attempt.h"
#include "proxy/fetch/credentials.h"

void
fetch_request_seconds(uint64_t us, char *out, size_t size)
{
	uint64_t ms = us / 1000;
	size_t len;

	snprintf(out, size, "%" PRIu64 ".%03" PRIu64, ms / 1000, ms % 1000);
	len = strlen(out);
	while (out[len - 1] == '0')
		out[--len] = '\0';
	if (out[len - 1] == '.')
		out[len - 1] = '\0';
}

static void
append(struct conf_strings *lines, const char *name, const char *value)
{
	size_t name_len = strlen(name), value_len = strlen(value);
	char *line = xmalloc(name_len + strlen(": ") + value_len + 1);

	memcpy(line, name, name_len);
	memcpy(line + name_len, ": ", 2);
	memcpy(line + name_len + 2, value, value_len + 1);
	lines->items =
	    xrealloc(lines->items, (lines->count + 1) * sizeof(*lines->items));
	lines->items[lines->count++] = line;
}

/* A port that goes without saying is not said, as in every client. */
static char *
authority(const struct http_url *url)
{
	bool is_v6 = strchr(url->host, ':') != NULL;
	bool is_usual =
	    url->port == (strcmp(url->scheme, "https") == 0 ? 443 : 80);
	char port[8] = "";

	if (!is_usual)
		snprintf(port, sizeof(port), ":%u", url->port);
	return xasprintf(
	    "%s%s%s%s", is_v6 ? "[" : "", url->host, is_v6 ? "]" : "", port);
}

/* Small, rare, and read at once: not worth a coding. */
static void
append_call(struct fetch_request *request, const struct attempt_call *call)
{
	append(&request->headers, "Accept-Encoding", "identity");
	if (call->body != NULL)
		append(&request->headers, "Content-Type", call->content_type);
}

/* One after the other, as struct key has them. */
static void
append_lines(struct conf_strings *lines, const char *text)
{
	while (*text != '\0') {
		size_t len = strcspn(text, "\n");

		lines->items = xrealloc(
		    lines->items, (lines->count + 1) * sizeof(*lines->items));
		lines->items[lines->count++] = xstrndup(text, len);
		text += len + (text[len] == '\n');
	}
}

static void
append_own(struct fetch_request *request, const char *host,
    const struct fetch_request_facts *facts)
{
	char seconds[32];

	append(&request->headers, "Host", host);
	append(
	    &request->headers, "User-Agent", "scrapegate/" SCRAPEGATE_VERSION);
	append(&request->headers, "Accept", facts->accept);
	if (facts->call != NULL) {
		append_call(request, facts->call);
		return;
	}
	/* Near by, compressing costs the exporter more than sending. */
	append(&request->headers, "Accept-Encoding",
	    facts->target->url.is_loopback ? "identity" : "gzip");
	fetch_request_seconds(facts->left_us, seconds, sizeof(seconds));
	append(
	    &request->headers, "X-Prometheus-Scrape-Timeout-Seconds", seconds);
}

int
fetch_request_build(struct fetch_request *request, const struct http_url *url,
    const struct fetch_request_facts *facts, struct credentials *credentials,
    struct err *err)
{
	bool is_v6 = strchr(url->host, ':') != NULL;
	bool is_plain = strcmp(url->scheme, "http") == 0;
	char *host = authority(url);

	memset(request, 0, sizeof(*request));
	request->origin = xasprintf("%s://%s%s%s:%u", url->scheme,
	    is_v6 ? "[" : "", url->host, is_v6 ? "]" : "", url->port);
	request->target = facts->is_via_proxy && is_plain
			      ? xasprintf("http://%s%s", host, url->target)
			      : xstrdup(url->target);
	append_own(request, host, facts);
	free(host);
	if (!facts->has_credentials)
		return 0;
	append_lines(&request->headers, facts->identity);
	return credentials_append(
	    credentials, facts->target, &request->headers, err);
}

void
fetch_request_fini(struct fetch_request *request)
{
	free(request->origin);
	free(request->target);
	credentials_free_lines(&request->headers);
	memset(request, 0, sizeof(*request));
}
