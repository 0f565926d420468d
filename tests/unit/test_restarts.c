#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proxy/diagnosis/restarts.h"

#define S UINT64_C(1000000)

struct step {
	unsigned pid;
	uint64_t start_s;
	uint64_t now_s;
	bool is_restart;
};

static void
check(const char *name, const struct step *steps, size_t count)
{
	struct restarts restarts = { .pid = 0 };
	size_t i;

	for (i = 0; i < count; i++)
		if (restarts_note(&restarts, steps[i].pid, steps[i].start_s * S,
			steps[i].now_s * S) != steps[i].is_restart)
			fail_msg("%s, step %zu", name, i);
}

#define CHECK(name, ...)                                                       \
	do {                                                                   \
		static const struct step steps[] = { __VA_ARGS__ };            \
		check(name, steps, sizeof(steps) / sizeof(steps[0]));          \
	} while (0)

static void
tells_each_once(void **state)
{
	(void)state;
	CHECK("nothing known", { 0, 0, 100, false }, { 0, 0, 115, false });
	CHECK("by process id", { 7, 0, 100, false }, { 7, 0, 115, false },
	    { 8, 0, 130, true }, { 8, 0, 145, false }, { 0, 0, 160, false },
	    { 9, 0, 175, true });
	CHECK("by its own word", { 0, 50, 100, false }, { 0, 50, 115, false },
	    { 0, 120, 130, true }, { 0, 120, 145, false });
	CHECK("by both", { 7, 50, 100, false }, { 8, 0, 115, true },
	    { 8, 0, 130, false }, { 8, 112, 145, false },
	    { 8, 112, 160, false }, { 9, 170, 175, true },
	    { 9, 170, 190, false });
	CHECK("its word comes first", { 7, 50, 100, false },
	    { 0, 0, 115, false }, { 0, 120, 130, true }, { 8, 120, 145, false },
	    { 8, 120, 160, false }, { 9, 120, 175, true });
	CHECK("its word alone, behind another", { 7, 50, 100, false },
	    { 7, 110, 115, true }, { 7, 110, 130, false },
	    { 8, 110, 145, true });
	CHECK("failed in between", { 0, 50, 100, false }, { 0, 0, 115, false },
	    { 0, 0, 130, false }, { 0, 120, 145, true });
	CHECK("three behind one name", { 0, 50, 100, false },
	    { 0, 80, 115, false }, { 0, 20, 130, false }, { 0, 80, 145, false },
	    { 0, 50, 160, false });
	CHECK("a clock that is a second off", { 0, 50, 100, false },
	    { 0, 101, 102, false });
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_each_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
