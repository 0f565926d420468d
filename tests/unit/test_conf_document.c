/* YAML and JSON to a tree, and the bounds of that. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "conf/document.h"
#include "conf/errors.h"

static struct conf_node *
parse(const char *text, struct conf_errors *errors)
{
	memset(errors, 0, sizeof(*errors));
	return conf_document_parse("f", text, strlen(text), errors);
}

static void
done(struct conf_node *node, struct conf_errors *errors)
{
	conf_node_free(node);
	free(errors->errors.text);
	free(errors->warnings.text);
}

static void
test_tree(void **state)
{
	struct conf_errors errors;
	struct conf_node *root =
	    parse("a: 1\nb:\n  - x\n  - {c: 'null'}\n", &errors);
	const struct conf_node *list;

	(void)state;
	assert_non_null(root);
	assert_null(errors.errors.text);
	assert_int_equal(root->kind, CONF_NODE_MAP);
	assert_int_equal(root->count, 2);
	assert_string_equal(root->keys[0]->text, "a");
	assert_string_equal(root->items[0]->text, "1");
	assert_int_equal(root->items[0]->line, 1);
	assert_int_equal(root->items[0]->column, 4);
	list = root->items[1];
	assert_int_equal(list->kind, CONF_NODE_LIST);
	assert_int_equal(list->count, 2);
	assert_int_equal(list->items[1]->line, 4);
	assert_int_equal(list->items[1]->column, 5);
	assert_int_equal(list->items[1]->keys[0]->column, 6);
	assert_false(conf_node_is_null(list->items[1]->items[0]));
	done(root, &errors);
}

static void
test_json(void **state)
{
	struct conf_errors errors;
	struct conf_node *root = parse(
	    "{\"a\": [1, true, null, \"\\u00e9\\/\"], \"b\": {}}", &errors);

	(void)state;
	assert_non_null(root);
	assert_int_equal(root->items[0]->count, 4);
	assert_true(conf_node_is_null(root->items[0]->items[2]));
	assert_string_equal(root->items[0]->items[3]->text, "\xc3\xa9/");
	assert_int_equal(root->items[1]->count, 0);
	done(root, &errors);
}

static void
test_empty_is_an_empty_map(void **state)
{
	static const char *const cases[] = { "", "\n", "# a\n", "---\n",
		"--- ~\n", "null", "{}", "---\n...\n", "\xef\xbb\xbf" };
	struct conf_errors errors;
	struct conf_node *root;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		root = parse(cases[i], &errors);
		if (root == NULL)
			fail_msg("\"%s\": %s", cases[i], errors.errors.text);
		assert_int_equal(root->kind, CONF_NODE_MAP);
		assert_int_equal(root->count, 0);
		done(root, &errors);
	}
}

static void
test_first_of_repeated_keys_stays(void **state)
{
	struct conf_errors errors;
	struct conf_node *root = parse("a: 1\nb: 2\na: {c: 3}\n", &errors);

	(void)state;
	assert_non_null(root);
	assert_int_equal(root->count, 2);
	assert_string_equal(root->items[0]->text, "1");
	assert_string_equal(errors.errors.text,
	    "f:3:1: repeated key \"a\", the first one is at f:1:1\n");
	done(root, &errors);
}

/* A text of `count` copies of `piece`. */
static char *
repeat(const char *piece, size_t count)
{
	size_t len = strlen(piece), i;
	char *text = malloc(len * count + 1);

	assert_non_null(text);
	for (i = 0; i < count; i++)
		memcpy(text + i * len, piece, len);
	text[len * count] = '\0';
	return text;
}

static void
test_bounds(void **state)
{
	static const struct {
		const char *piece;
		size_t count;
		const char *words;
	} cases[] = {
		{ "[", 500000, "nested too deeply" },
		{ "{a: ", 200000, "nested too deeply" },
		{ "- a\n", 100001, "too many values" },
		{ "# comment\n", 110000, "larger than 1048576 bytes" },
	};
	struct conf_errors errors;
	struct conf_node *root;
	char *text;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		text = repeat(cases[i].piece, cases[i].count);
		root = parse(text, &errors);
		assert_null(root);
		assert_non_null(strstr(errors.errors.text, cases[i].words));
		free(text);
		done(root, &errors);
	}
}

static void
test_too_many_keys(void **state)
{
	struct conf_errors errors;
	struct conf_node *root;
	char *text = malloc(20000);
	size_t len = 0;
	int i;

	(void)state;
	assert_non_null(text);
	for (i = 0; i <= 1000; i++)
		len += (size_t)snprintf(text + len, 20000 - len, "k%d: 1\n", i);
	root = parse(text, &errors);
	assert_null(root);
	assert_string_equal(
	    errors.errors.text, "f:1001:1: too many keys in one block\n");
	free(text);
	done(root, &errors);
}

static void
test_every_cut_is_survived(void **state)
{
	static const char text[] =
	    "a: &x [1, {b: !!str 'c'}]\n\"d\\x41\": |\n  e\nf: *x\n---\ng\n";
	struct conf_errors errors;
	struct conf_node *root;
	size_t len;

	(void)state;
	for (len = 0; len < sizeof(text); len++) {
		memset(&errors, 0, sizeof(errors));
		root = conf_document_parse("f", text, len, &errors);
		assert_true(root != NULL || errors.errors.count > 0);
		done(root, &errors);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tree),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_empty_is_an_empty_map),
		cmocka_unit_test(test_first_of_repeated_keys_stays),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_too_many_keys),
		cmocka_unit_test(test_every_cut_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
