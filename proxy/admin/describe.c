#include "proxy/admin/describe.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "conf/conf.h"
#include "proxy/diagnosis/board.h"
#include "proxy/diagnosis/record.h"

const char *
describe_scheme(const struct conf_url *url)
{
	static const char *const names[] = { "http", "https", "unix", "file" };

	return names[url->scheme];
}

const char *
describe_address(const struct conf_url *url, char text[DESCRIBE_ADDRESS_SIZE])
{
	bool is_ipv6;

	if (url->scheme == CONF_UNIX)
		return url->unix_path;
	if (url->scheme == CONF_FILE)
		return url->path;
	is_ipv6 = strchr(url->host, ':') != NULL;
	snprintf(text, DESCRIBE_ADDRESS_SIZE, "%s%s%s:%u", is_ipv6 ? "[" : "",
	    url->host, is_ipv6 ? "]" : "", url->port);
	return text;
}

int64_t
describe_timeout_ms(const struct board_target *target)
{
	int64_t ms = target->conf->scrape_timeout;

	if (target->last != NULL && target->last->timeout_ms > 0)
		ms = target->last->timeout_ms;
	return ms;
}

const char *
describe_last_error(
    const struct board_target *target, char text[DESCRIBE_ERROR_SIZE])
{
	const struct reason_row *row;
	const struct finding *finding;

	if (target->last == NULL)
		return "";
	finding = target->last->finding;
	/* What was delivered may be refused by Prometheus all the same. */
	if (board_health(target) != BOARD_DOWN && finding->lasterror[0] == '\0')
		return "";
	if (finding->lasterror[0] != '\0')
		return finding->lasterror;
	row = reason_row(finding->reason);
	snprintf(text, DESCRIBE_ERROR_SIZE,
	    "server returned HTTP status %d %s: %s", row->status, row->id,
	    finding->words);
	return text;
}
