/*
 * The document of the admin API and the table of endpoints say the same.  What
 * real answers look like is for tests/blackbox/test_openapi.py.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "proxy/admin/endpoints.h"
#include "proxy/admin/openapi.h"

static int
set_up(void **state)
{
	*state = cJSON_Parse(openapi_text);
	return *state == NULL;
}

static int
tear_down(void **state)
{
	cJSON_Delete(*state);
	return 0;
}

static const cJSON *
paths_of(const cJSON *document)
{
	return cJSON_GetObjectItemCaseSensitive(document, "paths");
}

static void
has_every_endpoint(void **state)
{
	const char *path, *methods;
	unsigned listeners;
	const cJSON *item;
	size_t i;

	for (i = 0; (path = endpoints_path(i, &methods, &listeners)) != NULL;
	     i++) {
		if ((listeners & ENDPOINTS_ADMIN) == 0)
			continue;
		item = cJSON_GetObjectItemCaseSensitive(paths_of(*state), path);
		if (item == NULL)
			fail_msg("openapi.json lacks %s", path);
		assert_int_equal(strstr(methods, "GET") != NULL,
		    cJSON_HasObjectItem(item, "get"));
		assert_int_equal(strstr(methods, "POST") != NULL,
		    cJSON_HasObjectItem(item, "post"));
	}
}

static bool
is_served(const char *wanted)
{
	const char *path, *methods;
	unsigned listeners;
	size_t i;

	for (i = 0; (path = endpoints_path(i, &methods, &listeners)) != NULL;
	     i++)
		if (strcmp(path, wanted) == 0)
			return (listeners & ENDPOINTS_ADMIN) != 0;
	return false;
}

static void
has_no_other(void **state)
{
	const cJSON *item;

	cJSON_ArrayForEach (item, paths_of(*state))
		if (!is_served(item->string))
			fail_msg("nobody serves %s", item->string);
}

static void
is_one_line_of_ascii(void **state)
{
	const char *at;

	(void)state;
	for (at = openapi_text; *at != '\0'; at++)
		assert_in_range(*at, ' ', '~');
	assert_memory_equal(openapi_text, "{\"openapi\": \"3.0.", 17);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(has_every_endpoint),
		cmocka_unit_test(has_no_other),
		cmocka_unit_test(is_one_line_of_ascii),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
