/* What a scraper asks for, from any bytes a guard could have let through. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"
#include "conf/path.h"
#include "proxy/gate/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(condition)                                                       \
	do {                                                                   \
		if (!(condition)) {                                            \
			fprintf(stderr, "%s: %s\n", __func__, #condition);     \
			abort();                                               \
		}                                                              \
	} while (0)

static char *modules[] = { (char *)"http_2xx", (char *)"icmp" };

static struct conf_query_rule rules[] = {
	{ (char *)"collect[]", { NULL, 0 }, NULL },
	{ (char *)"x", { NULL, 0 }, NULL },
	{ (char *)"", { NULL, 0 }, NULL },
	{ (char *)"target", { NULL, 0 }, NULL },
	{ (char *)"module", { modules, 2 }, NULL },
	{ (char *)"t", { NULL, 0 }, (char *)"[a-z.]+(:[0-9]{1,5})?|\\[.*\\]" },
};

static const struct conf_target target = { .query_rules = rules,
	.query_rule_count = sizeof(rules) / sizeof(rules[0]) };

static void
check_path(const char *path, size_t len)
{
	char text[1024] = "";
	size_t i;

	if (len >= sizeof(text) || memchr(path, '\0', len) != NULL)
		return;
	memcpy(text, path, len);
	if (!conf_path_is_plain(text))
		return;
	CHECK(path[0] == '/');
	CHECK(memmem(path, len, "//", 2) == NULL);
	CHECK(memmem(path, len, "/./", 3) == NULL);
	CHECK(memmem(path, len, "/../", 4) == NULL);
	CHECK(len < 2 || memcmp(path + len - 2, "/.", 2) != 0);
	CHECK(len < 3 || memcmp(path + len - 3, "/..", 3) != 0);
	for (i = 0; i < len; i++)
		CHECK(strchr("%;\\ ?#*", path[i]) == NULL);
}

static void
check_canonical(const char *canonical)
{
	static const char allowed[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "abcdefghijklmnopqrstuvwxyz._~%+&=-";
	char refused[32], *again;
	bool is_extended;

	CHECK(canonical[strspn(canonical, allowed)] == '\0');
	again = request_query(
	    &target, canonical, NULL, &is_extended, refused, sizeof(refused));
	CHECK(again != NULL);
	CHECK(strcmp(again, canonical) == 0);
	CHECK(is_extended == (canonical[0] != '\0'));
	free(again);
}

static void
check_query(const char *query, const char *skip)
{
	char refused[32], *canonical;
	bool is_extended;
	size_t i;

	memset(refused, 'x', sizeof(refused));
	canonical = request_query(
	    &target, query, skip, &is_extended, refused, sizeof(refused));
	if (canonical != NULL) {
		check_canonical(canonical);
		free(canonical);
		return;
	}
	CHECK(memchr(refused, '\0', sizeof(refused)) != NULL);
	CHECK(refused[0] != '\0');
	for (i = 0; refused[i] != '\0'; i++)
		CHECK(refused[i] >= ' ' && refused[i] <= '~');
}

/* As the operator's own query nothing is refused. */
static void
check_configured(char *query)
{
	struct conf_target own = { .url = { .query = query } };
	char refused[32], *canonical, *again;
	bool is_extended;

	canonical = request_query(
	    &own, NULL, NULL, &is_extended, refused, sizeof(refused));
	CHECK(canonical != NULL);
	CHECK(!is_extended);
	own.url.query = canonical;
	again = request_query(
	    &own, NULL, NULL, &is_extended, refused, sizeof(refused));
	CHECK(again != NULL && strcmp(again, canonical) == 0);
	free(canonical);
	free(again);
}

static void
check_headers(const char *text)
{
	const char *accept = request_accept(text);
	int64_t timeout_ms = request_timeout_ms(text, 10000, 120000);
	int64_t answer_ms = request_answer_ms(timeout_ms, 500);

	CHECK(accept[0] != '\0' && strlen(accept) <= 1024);
	CHECK(timeout_ms >= 100 && timeout_ms <= 120000);
	CHECK(answer_ms >= 50 && answer_ms <= timeout_ms - 50);
	request_accepts_gzip(text);
	CHECK(!request_target_is_inside(text, NULL) ||
	      request_target_is_inside(text, "10.96.0.1"));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	const char *query;
	size_t path_len;

	if (text == NULL)
		abort();
	memcpy(text, data, size);
	text[size] = '\0';
	check_path(text, size);
	check_headers(text);
	request_split(text, &path_len, &query);
	CHECK(path_len <= strlen(text));
	check_path(text, path_len);
	if (query != NULL) {
		check_query(query, NULL);
		check_query(query, "module");
		free(request_query_value(query, "module"));
		check_configured(text + path_len + 1);
	}
	free(text);
	return 0;
}
