#include "conf/reference.h"

#include <stdbool.h>
#include <string.h>

#include "conf/keys.h"

static const char intro[] =
    "# Configuration of scrapegate\n"
    "\n"
    "This page is written by `scrapegate help reference` from the table of\n"
    "keys in `keys*.c`, which also drives parsing, defaults and flags; a test\n"
    "compares the two.\n"
    "\n"
    "The file is strict YAML (JSON is YAML): unknown and repeated keys are\n"
    "errors, anchors, aliases and tags are not supported. `scrapegate\n"
    "check-config FILE` names every error with line and column, `scrapegate\n"
    "print-config FILE` shows the effective configuration without secrets. A\n"
    "flag wins over the file. A key without a value has its default.\n"
    "\n"
    "- durations: `30s`, `500ms`, `1h30m`, as in Prometheus; `0` is zero\n"
    "- Go durations: `1s`, `1.5h`, `500ms`, rounded up to milliseconds\n"
    "- sizes: `8MB` and `8MiB` are 8 * 2^20 bytes; a plain number is bytes\n"
    "- paths: relative ones are joined to the folder of the file that names\n"
    "  them, those in flags to the current one\n"
    "\n"
    "The gate's TLS: the certificate of `tls_server_config`; else a\n"
    "self-signed one if `self_signed`; else plain HTTP if `insecure_http`, or\n"
    "if a web configuration sets no TLS; else, with flags only, a\n"
    "self-signed one and a warning; with a file, an error.\n"
    "\n"
    "A file of exporter-toolkit's is read as exporter-toolkit reads it, with\n"
    "these exceptions, all of which are errors here: options of TLS without a\n"
    "certificate (it would serve plain HTTP), `min_version` above\n"
    "`max_version`, a verifying `client_auth_type` without a client CA (it\n"
    "would trust the system's), an empty `client_allowed_sans`,\n"
    "`cipher_suites` that `max_version` does not have, hashes that no\n"
    "password can match, a rate limit without a unit or below zero, anchors,\n"
    "aliases and tags.\n"
    "\n"
    "`reload` says whether a reload may change a key; the others need a\n"
    "restart.\n";

static const char auth_intro[] =
    "\n## Authentication\n"
    "\n"
    "`basic_auth_users` above and each of these make a login required:\n"
    "`bearer_tokens_file`, `jwt`, `kubernetes.token_review`,\n"
    "`client_certificate`. They may stand side by side. A scrape is judged\n"
    "by one of them:\n"
    "\n"
    "1. It has an `Authorization` header of a kind that is configured: that\n"
    "   decides alone, good or bad. `Basic` is looked up in\n"
    "   `basic_auth_users`. A bearer token is looked up in\n"
    "   `bearer_tokens_file`; else, if it is a JWT of `jwt.issuer`, that is\n"
    "   verified; else Kubernetes is asked (`token_review`).\n"
    "2. It has none of these: the verified client certificate says who it\n"
    "   is.\n"
    "\n"
    "Then `rules`, first match wins, and `access_review`, if configured, say\n"
    "whether that identity may; both have to agree. Without either everybody\n"
    "who is known may scrape everything. `anonymous_paths` come before all of\n"
    "that: they need no login and no rule. Without a login `rules` may still\n"
    "judge by address, listener and path.\n"
    "\n"
    "```yaml\n"
    "tls_server_config:\n"
    "  cert_file: tls.crt\n"
    "  key_file: tls.key\n"
    "  client_auth_type: VerifyClientCertIfGiven\n"
    "  client_ca_file: scrapers.crt\n"
    "auth:\n"
    "  client_certificate: {}        # {} turns it on, with its defaults\n"
    "  bearer_tokens_file: tokens    # lines: NAME SHA256-HEX [GROUP,GROUP]\n"
    "  rules:\n"
    "  - users: [spiffe://example.org/ns/monitoring/sa/prometheus]\n"
    "  - {groups: [dba], paths: [/metrics/mysql], networks: [10.0.0.0/8]}\n"
    "```\n"
    "\n"
    "A user is a name, whichever method found it: CN `ann`, the password's\n"
    "`ann` and a token's `ann` are the same to `rules` and to Kubernetes. A\n"
    "target goes by its own `path` in `rules` and `anonymous_paths`, however\n"
    "it is asked for (`/metrics` for the first one, `/proxy?module=NAME`). A\n"
    "parameter that a rewrite looks at may be there only once. All workers\n"
    "share what is remembered of logins (at most 256 good ones) and what\n"
    "is limited.\n"
    "\n"
    "In the example Prometheus with that certificate may scrape everything,\n"
    "a token of the group `dba` only `/metrics/mysql` and only from\n"
    "10.0.0.0/8. Nobody else gets more than 403.\n";

struct table {
	enum conf_scope scope;
	bool is_auth; /* only rows of auth; else only others */
	const char *title;
};

#define AUTH "auth."

static const struct table tables[] = {
	{ CONF_SCOPE_ROOT, false,
	    "\n## The gate\n\n"
	    "`tls_server_config`, `http_server_config`, `basic_auth_users` "
	    "and\n"
	    "`rate_limit` are exporter-toolkit's web configuration: they may\n"
	    "stand in a file of their own instead, which `web.config.file`\n"
	    "names.\n" },
	{ CONF_SCOPE_TARGET, false,
	    "\n## Targets\n\nEach item of `targets`:\n" },
	{ CONF_SCOPE_HEADER, false,
	    "\n## Headers\n\n"
	    "`http_headers: {NAME: {...}}` of a target, each NAME:\n" },
	{ CONF_SCOPE_ROOT, true, auth_intro },
	{ CONF_SCOPE_RULE, false,
	    "\n## Rules\n\nEach item of `auth.rules`. A rule matches if all "
	    "its lists do; one without a\nlist matches everybody and stands "
	    "last:\n" },
};

/* A bar would end the cell. */
static void
print_cell(FILE *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '|')
			fputc('\\', out);
		fputc(*text, out);
	}
}

static void
print_default(FILE *out, const struct conf_key *key)
{
	if (key->def == NULL)
		return;
	fputc('`', out);
	print_cell(out, key->def[0] == '\0' ? "\"\"" : key->def);
	fputc('`', out);
}

static void
print_type(FILE *out, const struct conf_key *key)
{
	size_t i;

	if (key->choices == NULL) {
		fputs(conf_type_text(key->type), out);
		return;
	}
	if (key->type == CONF_TYPE_WORDS)
		fputs("list of ", out);
	for (i = 0; key->choices[i] != NULL; i++)
		fprintf(out, "%s`%s`", i > 0 ? ", " : "", key->choices[i]);
}

static void
print_row(FILE *out, const struct conf_key *key)
{
	if (key->is_flag_only)
		fputs("| |", out);
	else
		fprintf(out, "| `%s` |", key->name);
	if (key->scope == CONF_SCOPE_ROOT)
		fprintf(out, key->flag != NULL ? " `--%s` |" : " |", key->flag);
	fputc(' ', out);
	print_type(out, key);
	fputs(" | ", out);
	print_default(out, key);
	fprintf(out, " | %s | ", key->is_reloadable ? "yes" : "no");
	print_cell(out, key->help);
	fputs(" |\n", out);
}

static bool
is_auth(const struct conf_key *key)
{
	return strncmp(key->name, AUTH, strlen(AUTH)) == 0;
}

static void
print_table(FILE *out, const struct table *table)
{
	const struct conf_key *key;

	fputs(table->title, out);
	if (table->scope == CONF_SCOPE_ROOT)
		fputs("\n| key | flag | value | default | reload | meaning |\n"
		      "|---|---|---|---|---|---|\n",
		    out);
	else
		fputs("\n| key | value | default | reload | meaning |\n"
		      "|---|---|---|---|---|\n",
		    out);
	for (key = conf_key_next(NULL); key != NULL; key = conf_key_next(key))
		if (key->scope == table->scope &&
		    is_auth(key) == table->is_auth &&
		    (key->type != CONF_TYPE_GROUP || key->is_switch))
			print_row(out, key);
}

void
conf_reference(FILE *out)
{
	size_t i;

	fputs(intro, out);
	for (i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		print_table(out, &tables[i]);
}

/* Breaks the help after a word before column 80. */
static void
print_wrapped(FILE *out, const char *text)
{
	const size_t width = 70;
	size_t len;

	while (strlen(text) > width) {
		for (len = width; len > 0 && text[len] != ' ';)
			len--;
		fprintf(out, "        %.*s\n", (int)len, text);
		text += len + 1;
	}
	fprintf(out, "        %s\n", text);
}

/* What stands for the value: "FILE", "error|warn|info|debug". */
static void
print_placeholder(FILE *out, const struct conf_key *key)
{
	static const char *const words[CONF_TYPE_COUNT] = {
		[CONF_TYPE_STRING] = "FILE",
		[CONF_TYPE_PATH] = "FILE",
		[CONF_TYPE_UINT] = "NUMBER",
		[CONF_TYPE_ADDRESS] = "ADDRESS",
		[CONF_TYPE_ADDRESSES] = "ADDRESS",
		[CONF_TYPE_URL] = "URL",
	};
	size_t i;

	if (words[key->type] != NULL)
		fprintf(out, " %s", words[key->type]);
	for (i = 0; key->choices != NULL && key->choices[i] != NULL; i++)
		fprintf(out, "%c%s", i == 0 ? ' ' : '|', key->choices[i]);
}

void
conf_flags_help(FILE *out)
{
	const struct conf_key *key;

	for (key = conf_key_next(NULL); key != NULL; key = conf_key_next(key)) {
		if (key->flag == NULL)
			continue;
		fprintf(out, "  --%s", key->flag);
		print_placeholder(out, key);
		if (key->def != NULL && key->def[0] != '\0' &&
		    key->type != CONF_TYPE_BOOL)
			fprintf(out, " (default %s)", key->def);
		fputc('\n', out);
		print_wrapped(out, key->help);
	}
}
