#include "conf/url.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <http_parser.h>

#include "conf/conf.h"
#include "conf/host.h"
#include "conf/text.h"
#include "proxy/base/alloc.h"
#include "proxy/base/err.h"

#define URL_MAX_BYTES 4096
#define DEFAULT_PATH "/metrics"

/* The authority of "scheme://authority/...": [start, end) and its '@'. */
struct authority {
	const char *start;
	const char *end;
	const char *at; /* NULL: no user info */
};

static bool
find_authority(const char *text, struct authority *part)
{
	const char *start = strstr(text, "://");
	const char *p;

	if (start == NULL)
		return false;
	part->start = start + 3;
	part->end = part->start + strcspn(part->start, "/?#");
	part->at = NULL;
	for (p = part->start; p < part->end; p++)
		if (*p == '@')
			part->at = p;
	return true;
}

char *
conf_url_masked(const char *text)
{
	struct authority part;

	if (!find_authority(text, &part) || part.at == NULL)
		return xstrdup(text);
	return xasprintf(
	    "%.*s<secret>%s", (int)(part.start - text), text, part.at);
}

static int
check_bytes(const char *text, struct err *err)
{
	const unsigned char *p;

	if (text[0] == '\0')
		return err_set(err, ERR_INVALID,
		    "is empty: write http://127.0.0.1:9100/metrics");
	if (strlen(text) > URL_MAX_BYTES)
		return err_set(
		    err, ERR_INVALID, "is longer than %d bytes", URL_MAX_BYTES);
	for (p = (const unsigned char *)text; *p != '\0'; p++) {
		if (*p == ' ')
			return err_set(err, ERR_INVALID,
			    "has a space: write it as %%20, or remove it");
		if (*p < ' ' || *p >= 0x7f)
			return err_set(err, ERR_INVALID,
			    "has the byte 0x%02x, which is not printable "
			    "ASCII: write it as %%%02X",
			    *p, *p);
	}
	if (strchr(text, '#') != NULL)
		return err_set(err, ERR_INVALID,
		    "has a fragment (#...), which is never sent: remove it");
	return 0;
}

/* "unix:///run/x" and "file:///x" are the same as with one slash. */
static const char *
skip_empty_host(const char *path)
{
	return strncmp(path, "///", 3) == 0 ? path + 2 : path;
}

static int
parse_unix(const char *rest, struct conf_url *url, struct err *err)
{
	const char *colon;
	size_t path_len;

	rest = skip_empty_host(rest);
	if (rest[0] != '/' || rest[1] == '/' || rest[1] == '\0')
		return err_set(err, ERR_INVALID,
		    "names no socket: write unix:/run/exporter.sock:/metrics");
	colon = strchr(rest, ':');
	if (colon != NULL && colon[1] != '/')
		return err_set(err, ERR_INVALID,
		    "needs a path after the socket: write "
		    "unix:/run/exporter.sock:/metrics");
	url->scheme = CONF_UNIX;
	url->unix_path = xstrndup(rest, strcspn(rest, ":"));
	if (conf_unix_path_check(url->unix_path, err) == -1)
		return -1;
	url->host = xstrdup("localhost");
	url->port = 80;
	url->is_loopback = true;
	if (colon == NULL) {
		url->path = xstrdup(DEFAULT_PATH);
		return 0;
	}
	path_len = strcspn(colon + 1, "?");
	url->path = xstrndup(colon + 1, path_len);
	if (colon[1 + path_len] == '?')
		url->query = xstrdup(colon + path_len + 2);
	return 0;
}

static int
parse_file(const char *rest, struct conf_url *url, struct err *err)
{
	rest = skip_empty_host(rest);
	if (rest[0] != '/' || rest[1] == '/' || rest[1] == '\0' ||
	    rest[strlen(rest) - 1] == '/')
		return err_set(err, ERR_INVALID,
		    "names no file: write file:/var/lib/exporter.prom");
	url->scheme = CONF_FILE;
	url->path = xstrdup(rest);
	url->host = xstrdup("localhost");
	url->is_loopback = true;
	return 0;
}

/* Host and port: http-parser would only say that the whole is wrong. */
static int
check_authority(const struct authority *part, struct err *err)
{
	const char *start = part->at != NULL ? part->at + 1 : part->start;
	size_t len = (size_t)(part->end - start);
	bool is_ipv6 = start[0] == '[';
	const char *host_end;
	uint16_t port;
	char *text;
	int result;

	if (is_ipv6)
		host_end = memchr(start, ']', len);
	else
		host_end = memchr(start, ':', len);
	if (host_end == NULL && is_ipv6)
		return err_set(
		    err, ERR_INVALID, "has a \"[\" without its \"]\"");
	if (host_end == NULL)
		host_end = part->end;
	if (host_end == start)
		return err_set(err, ERR_INVALID,
		    "has no host: write http://127.0.0.1:9100/metrics");
	text = is_ipv6 ? xstrndup(start + 1, (size_t)(host_end - start - 1))
		       : xstrndup(start, (size_t)(host_end - start));
	result = conf_host_check(text, is_ipv6, err);
	free(text);
	host_end += is_ipv6;
	if (result == -1 || host_end == part->end)
		return result;
	if (*host_end != ':')
		return err_set(err, ERR_INVALID,
		    "has something other than a port after \"]\"");
	text = xstrndup(host_end + 1, (size_t)(part->end - host_end - 1));
	result = conf_port_parse(text, &port, err);
	free(text);
	if (result == 0 && port == 0)
		return err_set(
		    err, ERR_INVALID, "port 0 cannot be connected to");
	return result;
}

static char *
field_text(const char *text, const struct http_parser_url *parts,
    enum http_parser_url_fields field)
{
	if ((parts->field_set & (1 << field)) == 0)
		return NULL;
	return xstrndup(
	    text + parts->field_data[field].off, parts->field_data[field].len);
}

/* Splits what was judged by check_authority(). */
static int
split(const char *text, struct http_parser_url *parts, struct err *err)
{
	http_parser_url_init(parts);
	if (http_parser_parse_url(text, strlen(text), 0, parts) != 0)
		return err_set(err, ERR_INVALID,
		    "is not a URL: write http://127.0.0.1:9100/metrics");
	return 0;
}

static int
parse_http(const char *text, struct conf_url *url, struct err *err)
{
	struct http_parser_url parts;
	struct authority part;

	if (!find_authority(text, &part))
		return err_set(err, ERR_INVALID,
		    "needs two slashes: write http://127.0.0.1:9100/metrics");
	if (part.at != NULL)
		return err_set(err, ERR_INVALID,
		    "has user info, which would show in logs: use basic_auth: "
		    "{username: ..., password_file: ...}");
	if (check_authority(&part, err) == -1 || split(text, &parts, err) == -1)
		return -1;
	url->scheme =
	    strncasecmp(text, "https:", 6) == 0 ? CONF_HTTPS : CONF_HTTP;
	url->host = field_text(text, &parts, UF_HOST);
	url->port = parts.port != 0             ? parts.port
		    : url->scheme == CONF_HTTPS ? 443
						: 80;
	url->path = field_text(text, &parts, UF_PATH);
	url->query = field_text(text, &parts, UF_QUERY);
	url->is_loopback = conf_host_is_loopback(url->host);
	if (url->path == NULL)
		url->path = xstrdup(DEFAULT_PATH);
	return 0;
}

static int
refuse_scheme(const char *text, struct err *err)
{
	char quoted[CONF_QUOTED_SIZE];
	const char *end = strstr(text, "://");
	char *scheme;

	/* Whoever writes user:password@host:9100 must not see it again. */
	if (end == NULL && strchr(text, '@') != NULL)
		return err_set(err, ERR_INVALID,
		    "has no scheme: write http://HOST:PORT/metrics");
	if (end == NULL)
		return err_set(err, ERR_INVALID,
		    "%s has no scheme: write http://%.80s",
		    conf_quote(text, quoted),
		    text[0] == '/' ? "127.0.0.1:9100/metrics" : text);
	scheme = xstrndup(text, (size_t)(end - text));
	err_set(err, ERR_INVALID,
	    "scheme %s is not supported: use http, https, unix or file",
	    conf_quote(scheme, quoted));
	free(scheme);
	return -1;
}

static bool
has_scheme(const char *text, const char *scheme)
{
	return strncasecmp(text, scheme, strlen(scheme)) == 0;
}

int
conf_url_parse(const char *text, struct conf_url *url, struct err *err)
{
	int result;

	memset(url, 0, sizeof(*url));
	if (check_bytes(text, err) == -1)
		return -1;
	if (has_scheme(text, "unix:"))
		result = parse_unix(text + 5, url, err);
	else if (has_scheme(text, "file:"))
		result = parse_file(text + 5, url, err);
	else if (has_scheme(text, "http:") || has_scheme(text, "https:"))
		result = parse_http(text, url, err);
	else
		result = refuse_scheme(text, err);
	if (result == -1) {
		conf_url_fini(url);
		return -1;
	}
	url->text = xstrdup(text);
	return 0;
}

void
conf_url_fini(struct conf_url *url)
{
	free(url->text);
	free(url->host);
	free(url->unix_path);
	free(url->path);
	free(url->query);
	memset(url, 0, sizeof(*url));
}

int
conf_url_check_proxy(const char *text, struct err *err)
{
	struct authority part;

	if (check_bytes(text, err) == -1)
		return -1;
	if (!find_authority(text, &part) ||
	    (!has_scheme(text, "http://") && !has_scheme(text, "https://") &&
		!has_scheme(text, "socks5://")))
		return err_set(err, ERR_INVALID,
		    "is no proxy: write http://HOST:PORT, https://HOST:PORT or "
		    "socks5://HOST:PORT");
	if (strstr(text, "<secret>") != NULL)
		return err_set(err, ERR_INVALID,
		    "has <secret>, which print-config shows instead of the "
		    "user info: write the user info itself");
	if (part.end[0] != '\0' && strcmp(part.end, "/") != 0)
		return err_set(err, ERR_INVALID,
		    "is a proxy and has no path: end it after the port");
	return check_authority(&part, err);
}
