/*
 * URLs of upstreams: http, https, unix:/run/x.sock:/metrics and
 * file:/var/lib/x.prom.  http-parser splits the first two; what it lets pass
 * or refuses without a word is judged here, in words that say what to write.
 */
#ifndef CONF_URL_H
#define CONF_URL_H

struct conf_url;
struct err;

/*
 * Fills `url`, whose strings the caller frees with conf_url_fini().  A URL
 * that ends at the host or the socket asks for /metrics, as Prometheus would.
 * -1 with err, `url` zeroed; the text of the error never shows user info.
 */
int conf_url_parse(const char *text, struct conf_url *url, struct err *err);
void conf_url_fini(struct conf_url *url);

/* A proxy_url: http, https or socks5, host and port, user info allowed. */
int conf_url_check_proxy(const char *text, struct err *err);

/* malloc'd copy with user info as <secret>. */
char *conf_url_masked(const char *text);

#endif
