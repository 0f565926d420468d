#include "conf/header_name.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "conf/text.h"
#include "proxy/base/err.h"

#define NAME_MAX_BYTES 64

static const char *const reserved[] = {
	"Accept",
	"Accept-Charset",
	"Accept-Encoding",
	"Authorization",
	"Connection",
	"Date",
	"Expect",
	"Forwarded",
	"Host",
	"Keep-Alive",
	"Proxy-Authenticate",
	"Proxy-Authorization",
	"Proxy-Connection",
	"Range",
	"TE",
	"Trailer",
	"Transfer-Encoding",
	"Upgrade",
	"User-Agent",
	"Via",
	"WWW-Authenticate",
	"X-Prometheus-Scrape-Timeout-Seconds",
};

static const char *const reserved_prefixes[] = { "Content-", "If-",
	"X-Scrapegate-" };

static int
check_token(const char *name, struct err *err)
{
	char quoted[CONF_QUOTED_SIZE];
	const unsigned char *p = (const unsigned char *)name;

	while (isalnum(*p) || (*p != '\0' && strchr("!#$%&'*+-.^_`|~", *p)))
		p++;
	if (*p == '\0' && name[0] != '\0' && strlen(name) <= NAME_MAX_BYTES)
		return 0;
	return err_set(err, ERR_INVALID,
	    "%s is not the name of a header: letters, digits and -, at most "
	    "%d",
	    conf_quote(name, quoted), NAME_MAX_BYTES);
}

int
conf_header_name_check_readable(const char *name, struct err *err)
{
	static const char *const secret[] = { "Authorization", "Cookie",
		"Proxy-Authorization" };
	size_t i;

	if (check_token(name, err) == -1)
		return -1;
	for (i = 0; i < sizeof(secret) / sizeof(secret[0]); i++)
		if (strcasecmp(name, secret[i]) == 0)
			return err_set(err, ERR_INVALID,
			    "%s holds credentials: name another header",
			    secret[i]);
	return 0;
}

int
conf_header_name_check(const char *name, struct err *err)
{
	size_t i;

	if (check_token(name, err) == -1)
		return -1;
	if (strcasecmp(name, "Authorization") == 0)
		return err_set(err, ERR_INVALID,
		    "may not set Authorization: use authorization or "
		    "basic_auth");
	for (i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
		if (strcasecmp(name, reserved[i]) == 0)
			return err_set(err, ERR_INVALID,
			    "may not set %s: the gate sets it itself",
			    reserved[i]);
	for (i = 0; i < sizeof(reserved_prefixes) / sizeof(char *); i++)
		if (strncasecmp(name, reserved_prefixes[i],
			strlen(reserved_prefixes[i])) == 0)
			return err_set(err, ERR_INVALID,
			    "may not set %s: %s... is reserved", name,
			    reserved_prefixes[i]);
	return 0;
}
