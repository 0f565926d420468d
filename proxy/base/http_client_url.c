#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "proxy/base/alloc.h"
#include "proxy/base/http_client.h"

static char *
take_part(CURLU *u, CURLUPart what, unsigned flags)
{
	char *part = NULL;
	char *copy;

	if (curl_url_get(u, what, &part, flags) != CURLUE_OK)
		return NULL;
	copy = xstrdup(part);
	curl_free(part);
	return copy;
}

static void
lower(char *text)
{
	for (; *text != '\0'; text++)
		if (*text >= 'A' && *text <= 'Z')
			*text = (char)(*text | 0x20);
}

static char *
take_target(CURLU *u)
{
	char *path = take_part(u, CURLUPART_PATH, 0);
	char *query = take_part(u, CURLUPART_QUERY, 0);
	char *target = xasprintf("%s%s%s", path != NULL ? path : "/",
	    query != NULL ? "?" : "", query != NULL ? query : "");

	free(path);
	free(query);
	return target;
}

static char *
take_host(CURLU *u)
{
	char *host = take_part(u, CURLUPART_HOST, 0);
	size_t len;

	if (host == NULL || host[0] != '[')
		return host;
	len = strlen(host);
	memmove(host, host + 1, len - 2);
	host[len - 2] = '\0';
	return host;
}

int
http_url_parse(struct http_url *url, const char *base, const char *reference)
{
	/* Foreign schemes are taken apart too: the caller names them. */
	unsigned flags = CURLU_NON_SUPPORT_SCHEME | CURLU_PATH_AS_IS;
	CURLU *u = curl_url();
	char *port;

	memset(url, 0, sizeof(*url));
	if (u == NULL)
		return -1;
	if ((base != NULL && curl_url_set(u, CURLUPART_URL, base, flags)) ||
	    curl_url_set(u, CURLUPART_URL, reference, flags) != CURLUE_OK) {
		curl_url_cleanup(u);
		return -1;
	}
	url->scheme = take_part(u, CURLUPART_SCHEME, 0);
	url->host = take_host(u);
	url->target = take_target(u);
	port = take_part(u, CURLUPART_PORT, CURLU_DEFAULT_PORT);
	url->port = (uint16_t)(port != NULL ? atoi(port) : 0);
	free(port);
	curl_url_cleanup(u);
	if (url->scheme == NULL || url->host == NULL || url->host[0] == '\0') {
		http_url_fini(url);
		return -1;
	}
	lower(url->scheme);
	lower(url->host);
	return 0;
}

void
http_url_fini(struct http_url *url)
{
	free(url->scheme);
	free(url->host);
	free(url->target);
	memset(url, 0, sizeof(*url));
}
