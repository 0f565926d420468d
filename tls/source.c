#include "tls/source.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "proxy/base/err.h"
#include "proxy/base/material.h"
#include "tls/pem.h"

#define BEGIN "-----BEGIN "
#define END "-----END "

/* What a text should hold, and how to get it out of DER. */
struct kind {
	const char *noun;
	const char *label; /* the end of its BEGIN lines */
	const char *convert;
};

static const struct kind certificates = { "certificate", "CERTIFICATE",
	"openssl x509 -inform der" };
static const struct kind private_key = { "private key", "PRIVATE KEY",
	"openssl pkey -inform der" };
static const struct kind revocation_list = { "revocation list", "X509 CRL",
	"openssl crl -inform der" };

static void
advise_file(const struct source *source, struct err *err)
{
	char text[sizeof(err->text)];

	memcpy(text, err->text, sizeof(text));
	if (strstr(text, ": permission denied") != NULL)
		err_set(err, err->code,
		    "%.380s; make it readable for user id "
		    "%u, which the gate runs as",
		    text, (unsigned)geteuid());
	else if (strstr(text, " is a directory") != NULL)
		err_set(err, err->code, "%.380s; name the file in it", text);
	err_prefix(err, "%s", source->key);
}

int
source_open(struct source *source, const char *const keys[2], const char *path,
    const char *text, const struct material *material, struct err *err)
{
	source->path = path;
	source->key = keys[path == NULL];
	if (path == NULL) {
		source->text = text;
		source->len = strlen(text);
		return 0;
	}
	source->text = material_get(material, path, &source->len, err);
	if (source->text != NULL)
		return 0;
	advise_file(source, err);
	return -1;
}

const char *
source_name(const struct source *source, char *out, size_t size)
{
	snprintf(out, size, "%s%s%s", source->key,
	    source->path != NULL ? " " : "",
	    source->path != NULL ? source->path : "");
	return out;
}

int
source_fail(
    const struct source *source, struct err *err, const char *format, ...)
{
	char words[sizeof(err->text)], name[320];
	va_list args;

	va_start(args, format);
	vsnprintf(words, sizeof(words), format, args);
	va_end(args);
	err_set(err, ERR_INVALID, "%s", words);
	err_prefix(err, "%s", source_name(source, name, sizeof(name)));
	return -1;
}

static bool
is_blank(const struct source *source)
{
	size_t i;

	for (i = 0; i < source->len; i++)
		if (!isspace((unsigned char)source->text[i]))
			return false;
	return true;
}

static bool
is_binary(const struct source *source)
{
	return source->text[0] == '\x30' ||
	       memchr(source->text, '\0', source->len) != NULL;
}

/* Of the first block: "RSA PRIVATE KEY". */
static void
read_label(const struct source *source, char *out, size_t size)
{
	const char *at =
	    memmem(source->text, source->len, BEGIN, strlen(BEGIN));
	size_t len;

	out[0] = '\0';
	if (at == NULL)
		return;
	at += strlen(BEGIN);
	len = strcspn(at, "-\r\n");
	snprintf(out, size, "%.*s", (int)(len < size ? len : size - 1), at);
}

static bool
has_block(const struct source *source, const struct kind *kind)
{
	char end[64];
	int len = snprintf(end, sizeof(end), "%s-----", kind->label);

	return memmem(source->text, source->len, end, (size_t)len) != NULL;
}

static bool
is_encrypted(const struct source *source)
{
	return memmem(source->text, source->len, "ENCRYPTED", 9) != NULL;
}

/* OpenSSL's part of an error of pem.h. */
static void
read_reason(const struct err *err, char *out, size_t size)
{
	const char *at = strstr(err->text, ": ");

	snprintf(out, size, "%.100s", at != NULL ? at + 2 : err->text);
}

/*
 * Why the text could not be read, from what it looks like; `err` holds
 * OpenSSL's view.
 */
static void
explain(const struct source *source, const struct kind *kind, struct err *err)
{
	char label[64], reason[128];

	read_reason(err, reason, sizeof(reason));
	read_label(source, label, sizeof(label));
	if (is_blank(source))
		source_fail(source, err,
		    "is empty: the %s has not been "
		    "written to it",
		    kind->noun);
	else if (label[0] == '\0' && is_binary(source))
		source_fail(source, err,
		    "is binary (DER or PKCS #12); it has "
		    "to be PEM: convert it with `%s`",
		    kind->convert);
	else if (label[0] == '\0')
		source_fail(source, err,
		    "is not PEM: it has no line "
		    "-----BEGIN %s-----",
		    kind->label);
	else if (kind == &private_key && is_encrypted(source))
		source_fail(source, err,
		    "is protected by a passphrase; the "
		    "gate needs the key without: `openssl pkey`");
	else if (has_block(source, kind))
		source_fail(source, err,
		    "is cut off or damaged: a %s begins "
		    "in it that cannot be read (%s)",
		    kind->noun, reason);
	else
		source_fail(source, err,
		    "is not a PEM %s: it holds a block "
		    "%s%s",
		    kind->noun, label,
		    kind != &revocation_list &&
			    (has_block(source, &certificates) ||
				has_block(source, &private_key))
			? "; are certificate and key swapped?"
			: "");
}

/* Cut off within a BEGIN line, which is then no such line to OpenSSL. */
static bool
ends_early(const struct source *source)
{
	const char *end = source->text + source->len, *at = source->text;
	const char *next;

	while (
	    (next = memmem(at, (size_t)(end - at), END, strlen(END))) != NULL) {
		at = memchr(next, '\n', (size_t)(end - next));
		if (at == NULL)
			return false;
	}
	return memmem(at, (size_t)(end - at), "-----", 5) != NULL;
}

STACK_OF(X509) *
    source_certificates(const struct source *source, struct err *err)
{
	STACK_OF(X509) *all = pem_certificates(source->text, source->len, err);

	if (all == NULL) {
		explain(source, &certificates, err);
	} else if (ends_early(source)) {
		source_fail(source, err, "is cut off behind certificate %d",
		    sk_X509_num(all));
		sk_X509_pop_free(all, X509_free);
		all = NULL;
	}
	return all;
}

STACK_OF(X509_CRL) * source_crls(const struct source *source, struct err *err)
{
	STACK_OF(X509_CRL) *all = pem_crls(source->text, source->len, err);

	if (all == NULL) {
		explain(source, &revocation_list, err);
	} else if (ends_early(source)) {
		source_fail(source, err,
		    "is cut off behind revocation list "
		    "%d",
		    sk_X509_CRL_num(all));
		sk_X509_CRL_pop_free(all, X509_CRL_free);
		all = NULL;
	}
	return all;
}

EVP_PKEY *
source_private_key(const struct source *source, struct err *err)
{
	EVP_PKEY *key = pem_private_key(source->text, source->len, err);

	if (key == NULL)
		explain(source, &private_key, err);
	return key;
}
