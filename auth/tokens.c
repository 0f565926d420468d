#include "auth/tokens.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "auth/identity.h"
#include "proxy/base/alloc.h"
#include "proxy/base/err.h"
#include "proxy/base/utf8.h"

#define DIGEST_SIZE 32
#define DIGEST_WORDS (DIGEST_SIZE / sizeof(uint64_t))
#define FIELDS_MAX 3

struct digest {
	uint64_t words[DIGEST_WORDS]; /* the bytes as they lie in memory */
};

struct owner {
	struct auth_identity *identity;
	int line; /* where it stands, for words about repeats */
};

struct tokens {
	size_t count;
	struct digest *digests; /* side by side: all are looked at */
	struct owner *owners;   /* of each */
	EVP_MD *sha256; /* fetched once: that costs more than a digest */
};

/* A piece of the file. */
struct span {
	const char *start;
	size_t len;
};

/* All words but these say only where: a token in plain text that was pasted
 * here by mistake must not get into a log. */
static const char no_digest[] =
    "the second field is no SHA-256 digest (64 hexadecimal digits); make one "
    "with: printf %s TOKEN | sha256sum";

/* The text of a file with nothing in it: what a failed command digests. */
static const unsigned char digest_of_nothing[DIGEST_SIZE] = { 0xe3, 0xb0, 0xc4,
	0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9,
	0x24, 0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99,
	0x1b, 0x78, 0x52, 0xb8, 0x55 };

static bool
is_blank(char byte)
{
	return byte == ' ' || byte == '\t';
}

/* Takes the next field of `rest`; false if there is none. */
static bool
next_field(struct span *rest, struct span *field)
{
	while (rest->len > 0 && is_blank(*rest->start)) {
		rest->start++;
		rest->len--;
	}
	field->start = rest->start;
	while (rest->len > 0 && !is_blank(*rest->start)) {
		rest->start++;
		rest->len--;
	}
	field->len = (size_t)(rest->start - field->start);
	return field->len > 0;
}

static int
hex_value(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (digit >= 'a' && digit <= 'f')
		return digit - 'a' + 10;
	return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

static int
read_digest(const struct span *field, struct digest *digest)
{
	unsigned char bytes[DIGEST_SIZE];
	size_t i;

	if (field->len != 2 * sizeof(bytes))
		return -1;
	for (i = 0; i < sizeof(bytes); i++) {
		int high = hex_value(field->start[2 * i]);
		int low = hex_value(field->start[2 * i + 1]);

		if (high == -1 || low == -1)
			return -1;
		bytes[i] = (unsigned char)(high << 4 | low);
	}
	memcpy(digest, bytes, sizeof(bytes));
	return 0;
}

/* Cuts at commas, in place of a copy of `field`.  -1 with `err`. */
static int
read_groups(char *text, const char **groups, size_t *count, struct err *err)
{
	char *comma;

	*count = 0;
	/* What sha256sum puts behind a digest for standard input. */
	if (strcmp(text, "-") == 0)
		return err_set(err, ERR_INVALID,
		    "the third field is \"-\": leave out what sha256sum "
		    "writes behind the digest");
	for (; text != NULL; text = comma) {
		comma = strchr(text, ',');
		if (comma != NULL)
			*comma++ = '\0';
		if (*text == '\0')
			return err_set(err, ERR_INVALID,
			    "an empty group: groups are separated by one "
			    "comma each, without blanks");
		if (*count == AUTH_GROUPS_MAX)
			return err_set(err, ERR_INVALID, "more than %d groups",
			    AUTH_GROUPS_MAX);
		groups[(*count)++] = text;
	}
	return 0;
}

static struct auth_identity *
make_identity(
    const struct span *name, const struct span *group_list, struct err *err)
{
	const char *groups[AUTH_GROUPS_MAX];
	struct auth_identity *identity = NULL;
	char *user, *text = NULL;
	size_t count = 0;

	if (name->len > AUTH_USER_MAX) {
		err_set(err, ERR_INVALID, "the name has more than %d bytes",
		    AUTH_USER_MAX);
		return NULL;
	}
	if (group_list->len > AUTH_GROUPS_BYTES_MAX) {
		err_set(err, ERR_INVALID, "the groups have more than %d bytes",
		    AUTH_GROUPS_BYTES_MAX);
		return NULL;
	}
	if (group_list->len > 0) {
		text = xstrndup(group_list->start, group_list->len);
		if (read_groups(text, groups, &count, err) == -1) {
			free(text);
			return NULL;
		}
	}
	user = xstrndup(name->start, name->len);
	identity = auth_identity_new(AUTH_METHOD_BEARER, user, groups, count);
	free(user);
	free(text);
	return identity;
}

static int
check_digest(
    const struct tokens *tokens, const struct digest *digest, struct err *err)
{
	size_t i;

	if (memcmp(digest, digest_of_nothing, sizeof(*digest)) == 0)
		return err_set(
		    err, ERR_INVALID, "this is the digest of nothing at all");
	for (i = 0; i < tokens->count; i++)
		if (memcmp(&tokens->digests[i], digest, sizeof(*digest)) == 0)
			return err_set(err, ERR_INVALID,
			    "the same digest as in line %d",
			    tokens->owners[i].line);
	return 0;
}

/* More room, twice as much each time. */
static void
grow(struct tokens *tokens)
{
	size_t count = tokens->count == 0 ? 8 : 2 * tokens->count;

	if ((tokens->count & (tokens->count - 1)) != 0 ||
	    (tokens->count > 0 && tokens->count < 8))
		return;
	tokens->digests =
	    xrealloc(tokens->digests, count * sizeof(*tokens->digests));
	tokens->owners =
	    xrealloc(tokens->owners, count * sizeof(*tokens->owners));
}

static int
add_token(struct tokens *tokens, const struct span fields[FIELDS_MAX], int line,
    struct err *err)
{
	struct auth_identity *identity;
	struct digest digest;

	if (read_digest(&fields[1], &digest) == -1)
		return err_set(err, ERR_INVALID, "%s", no_digest);
	if (check_digest(tokens, &digest, err) == -1)
		return -1;
	if (tokens->count == TOKENS_MAX)
		return err_set(
		    err, ERR_INVALID, "more than %d tokens", TOKENS_MAX);
	identity = make_identity(&fields[0], &fields[2], err);
	if (identity == NULL)
		return -1;
	grow(tokens);
	tokens->digests[tokens->count] = digest;
	tokens->owners[tokens->count] = (struct owner){ identity, line };
	tokens->count++;
	return 0;
}

static int
read_line(struct tokens *tokens, struct span text, int line, struct err *err)
{
	struct span fields[FIELDS_MAX] = { 0 }, more;
	size_t count = 0;

	if (text.len > 0 && text.start[text.len - 1] == '\r')
		text.len--;
	if (memchr(text.start, '\0', text.len) != NULL)
		return err_set(err, ERR_INVALID, "a NUL byte");
	while (count < FIELDS_MAX && next_field(&text, &fields[count])) {
		/* Anything may stand in a comment. */
		if (count == 0 && fields[0].start[0] == '#')
			return 0;
		if (!utf8_is_printable(fields[count].start, fields[count].len))
			return err_set(err, ERR_INVALID,
			    "a control character, or no UTF-8");
		count++;
	}
	if (count == 0)
		return 0;
	if (count == 1)
		return err_set(err, ERR_INVALID,
		    "one field only; a line is: NAME SHA256-HEX [GROUP,GROUP]");
	if (next_field(&text, &more))
		return err_set(err, ERR_INVALID,
		    "more than three fields; a line is: NAME SHA256-HEX "
		    "[GROUP,GROUP]");
	return add_token(tokens, fields, line, err);
}

struct tokens *
tokens_parse(const char *text, size_t len, struct err *err)
{
	struct tokens *tokens = xcalloc(1, sizeof(*tokens));
	const char *end = text + len, *stop;
	int line = 1;

	tokens->sha256 = xrequire(EVP_MD_fetch(NULL, "SHA256", NULL));
	for (; text < end; text = stop + 1, line++) {
		stop = memchr(text, '\n', (size_t)(end - text));
		if (stop == NULL)
			stop = end;
		if (read_line(tokens,
			(struct span){ text, (size_t)(stop - text) }, line,
			err) == -1) {
			err_prefix(err, "%d", line);
			tokens_free(tokens);
			return NULL;
		}
		if (stop == end)
			break;
	}
	return tokens;
}

void
tokens_free(struct tokens *tokens)
{
	size_t i;

	if (tokens == NULL)
		return;
	for (i = 0; i < tokens->count; i++)
		auth_identity_unref(tokens->owners[i].identity);
	free(tokens->digests);
	free(tokens->owners);
	EVP_MD_free(tokens->sha256);
	free(tokens);
}

size_t
tokens_count(const struct tokens *tokens)
{
	return tokens->count;
}

/* All ones if they are equal, else 0, in the same steps. */
static size_t
equal_mask(const struct digest *a, const struct digest *b)
{
	uint64_t difference = 0;
	size_t i;

	for (i = 0; i < DIGEST_WORDS; i++)
		difference |= a->words[i] ^ b->words[i];
	return (size_t)(((difference | (0 - difference)) >> 63) - 1);
}

struct auth_identity *
tokens_find(const struct tokens *tokens, const char *token)
{
	size_t i, found = 0; /* 1 more than the index */
	const struct owner *owner;
	struct digest digest;
	uintptr_t mask;

	if (tokens->count == 0)
		return NULL;
	if (EVP_Digest(token, strlen(token), (unsigned char *)&digest, NULL,
		tokens->sha256, NULL) != 1)
		return NULL;
	for (i = 0; i < tokens->count; i++)
		found |= equal_mask(&digest, &tokens->digests[i]) & (i + 1);
	OPENSSL_cleanse(&digest, sizeof(digest));
	/* No branch here either: which way it went would be measured. */
	mask = 0 - (uintptr_t)(found != 0);
	owner = &tokens->owners[(found - 1) & mask];
	return (struct auth_identity *)((uintptr_t)owner->identity & mask);
}
