#include "proxy/cli/args.h"

#include <stdlib.h>
#include <string.h>

#include "conf/keys.h"
#include "conf/load.h"
#include "conf/suggest.h"
#include "conf/text.h"
#include "proxy/base/alloc.h"
#include "proxy/base/err.h"

static int
refuse_unknown(const char *name, struct err *err)
{
	struct conf_suggestion suggestion = { .word = name };
	const struct conf_key *key;
	char quoted[CONF_QUOTED_SIZE], *dashed;

	for (key = conf_key_next(NULL); key != NULL; key = conf_key_next(key))
		if (key->flag != NULL)
			conf_suggest_add(&suggestion, key->flag);
	dashed = xasprintf("--%s", name);
	conf_quote(dashed, quoted);
	free(dashed);
	if (suggestion.nearest != NULL)
		return err_set(err, ERR_USAGE,
		    "unknown flag %s, did you mean \"--%s\"?", quoted,
		    suggestion.nearest);
	return err_set(err, ERR_USAGE, "unknown flag %s", quoted);
}

static int
set_file(struct cli_args *args, const char *file, struct err *err)
{
	if (args->file != NULL)
		return err_set(err, ERR_USAGE,
		    "two configuration files: \"%s\" and \"%s\"", args->file,
		    file);
	if (file[0] == '\0')
		return err_set(err, ERR_USAGE,
		    "the name of the configuration file is empty");
	args->file = file;
	return 0;
}

static int
add_flag(struct cli_args *args, const struct conf_key *key, const char *value,
    struct err *err)
{
	size_t i;

	if (strcmp(key->flag, "config") == 0)
		return set_file(args, value, err);
	for (i = 0; i < args->flag_count; i++)
		if (strcmp(args->flags[i].name, key->flag) == 0 &&
		    key->type != CONF_TYPE_ADDRESSES)
			return err_set(
			    err, ERR_USAGE, "--%s is given twice", key->flag);
	args->flags[args->flag_count].name = key->flag;
	args->flags[args->flag_count++].value = value;
	return 0;
}

/*
 * Takes the flag argv[*i], and its value, which may be argv[*i + 1]; argv is
 * ended by NULL.
 */
static int
take_flag(struct cli_args *args, char *const *argv, int *i, struct err *err)
{
	const char *name = argv[*i] + 2;
	size_t len = strcspn(name, "=");
	const struct conf_key *key;
	char *flag = xstrndup(name, len);
	int result;

	key = conf_key_for_flag(flag);
	if (key == NULL) {
		result = refuse_unknown(flag, err);
		free(flag);
		return result;
	}
	free(flag);
	if (name[len] == '=')
		return add_flag(args, key, name + len + 1, err);
	if (key->type == CONF_TYPE_BOOL)
		return add_flag(args, key, "true", err);
	/* A value that looks like a flag is a forgotten one. */
	if (argv[*i + 1] == NULL || strncmp(argv[*i + 1], "--", 2) == 0)
		return err_set(err, ERR_USAGE, "--%s needs a value", key->flag);
	(*i)++;
	return add_flag(args, key, argv[*i], err);
}

int
cli_args_parse(int argc, char *const *argv, bool may_name_file,
    struct cli_args *args, struct err *err)
{
	char quoted[CONF_QUOTED_SIZE];
	int i, result = 0;

	memset(args, 0, sizeof(*args));
	args->flags = xcalloc((size_t)argc + 1, sizeof(*args->flags));
	for (i = 0; i < argc && result == 0; i++) {
		if (strcmp(argv[i], "--help") == 0 ||
		    strcmp(argv[i], "-h") == 0)
			args->wants_help = true;
		else if (strncmp(argv[i], "--", 2) == 0 && argv[i][2] != '\0')
			result = take_flag(args, argv, &i, err);
		else if (argv[i][0] == '-' && argv[i][1] != '\0')
			result = err_set(err, ERR_USAGE,
			    "unknown flag %s: flags begin with two dashes",
			    conf_quote(argv[i], quoted));
		else if (may_name_file)
			result = set_file(args, argv[i], err);
		else
			result =
			    err_set(err, ERR_USAGE, "unexpected argument %s",
				conf_quote(argv[i], quoted));
	}
	return result;
}

void
cli_args_fini(struct cli_args *args)
{
	free(args->flags);
	memset(args, 0, sizeof(*args));
}
