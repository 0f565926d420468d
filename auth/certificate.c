#include "auth/certificate.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "auth/identity.h"
#include "conf/conf.h"
#include "proxy/base/alloc.h"
#include "proxy/base/utf8.h"

/* What was found on a connection, and by which user_from. */
struct known {
	struct auth_identity *identity;
	unsigned order;
};

/* What is being read; `names` are malloc'd. */
struct names {
	char *user;
	char *groups[AUTH_GROUPS_MAX];
	size_t group_count;
	size_t group_bytes;
	char *detail;
	size_t size;
};

/* -1 with names->detail; 0, and user NULL, if the certificate has none. */
typedef int read_fn(struct names *names, X509 *cert);

static int ssl_index;
static pthread_once_t ssl_index_once = PTHREAD_ONCE_INIT;

static void
free_known(
    void *parent, void *ptr, CRYPTO_EX_DATA *ad, int idx, long argl, void *argp)
{
	struct known *known = ptr;

	(void)parent;
	(void)ad;
	(void)idx;
	(void)argl;
	(void)argp;
	if (known == NULL)
		return;
	auth_identity_unref(known->identity);
	free(known);
}

static void
init_index(void)
{
	ssl_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, free_known);
}

static int
fail(struct names *names, const char *what, const char *fault)
{
	snprintf(names->detail, names->size, "client certificate: %s %s", what,
	    fault);
	return -1;
}

/*
 * By its length, never to the first NUL: "good\0.evil" is not "good" (RFC 5280
 * 7, and what browsers had to learn in 2009).  Malloc'd; NULL with detail.
 */
static char *
copy_name(
    struct names *names, const char *what, const unsigned char *bytes, int len)
{
	const char *text = (const char *)bytes;

	if (len <= 0)
		fail(names, what, "is empty");
	else if (len > AUTH_USER_MAX)
		fail(names, what, "is too long");
	else if (!utf8_is_printable(text, (size_t)len))
		fail(names, what,
		    "has a NUL or control character, or is no UTF-8");
	else
		return xstrndup(text, (size_t)len);
	return NULL;
}

/* One of an IA5String's: ASCII only. */
static int
read_ia5(struct names *names, const char *what, const ASN1_IA5STRING *text)
{
	const unsigned char *bytes = ASN1_STRING_get0_data(text);
	int i, len = ASN1_STRING_length(text);

	for (i = 0; i < len; i++)
		if (bytes[i] >= 0x80)
			return fail(names, what, "is not ASCII");
	names->user = copy_name(names, what, bytes, len);
	return names->user == NULL ? -1 : 0;
}

/* How many SANs of a type, and the first of them. */
static int
find_san(const GENERAL_NAMES *all, int type, const ASN1_IA5STRING **first)
{
	int i, count = 0;

	for (i = 0; i < sk_GENERAL_NAME_num(all); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(all, i);

		if (name->type == type && count++ == 0)
			*first = name->d.ia5;
	}
	return count;
}

static int
read_san(struct names *names, X509 *cert, int type, const char *what,
    const char *several)
{
	const ASN1_IA5STRING *first = NULL;
	GENERAL_NAMES *all;
	int critical, count, result = 0;

	all = X509_get_ext_d2i(cert, NID_subject_alt_name, &critical, NULL);
	if (all == NULL) /* -1: there is none; else it is twice, or broken */
		return critical == -1
			   ? 0
			   : fail(names, "subjectAltName", "cannot be read");
	count = find_san(all, type, &first);
	if (count > 1 && several != NULL)
		result = fail(names, what, several);
	else if (count > 0)
		result = read_ia5(names, what, first);
	GENERAL_NAMES_free(all);
	return result;
}

static int
read_uri(struct names *names, X509 *cert)
{
	/* X509-SVID 2: who validates refuses more than one. */
	return read_san(names, cert, GEN_URI, "URI SAN",
	    "is there more than once: which one would it be?");
}

static int
read_dns(struct names *names, X509 *cert)
{
	return read_san(names, cert, GEN_DNS, "DNS SAN", NULL);
}

/* The next attribute behind `*position`, as UTF-8; NULL with detail. */
static char *
copy_attribute(struct names *names, const char *what, X509 *cert, int position)
{
	const ASN1_STRING *text = X509_NAME_ENTRY_get_data(
	    X509_NAME_get_entry(X509_get_subject_name(cert), position));
	unsigned char *utf8 = NULL;
	int len = ASN1_STRING_to_UTF8(&utf8, text);
	char *copy = NULL;

	if (len < 0)
		fail(names, what, "is no text");
	else
		copy = copy_name(names, what, utf8, len);
	OPENSSL_free(utf8);
	return copy;
}

/* The last one is the most specific (RFC 4514 2.1). */
static int
read_cn(struct names *names, X509 *cert)
{
	const X509_NAME *subject = X509_get_subject_name(cert);
	int next = -1, last = -1;

	while ((next = X509_NAME_get_index_by_NID(
		    subject, NID_commonName, next)) >= 0)
		last = next;
	if (last == -1)
		return 0;
	names->user = copy_attribute(names, "CN", cert, last);
	return names->user == NULL ? -1 : 0;
}

static int
read_groups(struct names *names, X509 *cert)
{
	const X509_NAME *subject = X509_get_subject_name(cert);
	int next = -1;
	char *group;

	while ((next = X509_NAME_get_index_by_NID(
		    subject, NID_organizationName, next)) >= 0) {
		group = copy_attribute(names, "O", cert, next);
		if (group == NULL)
			return -1;
		names->group_bytes += strlen(group) + 1;
		if (names->group_count == AUTH_GROUPS_MAX ||
		    names->group_bytes > AUTH_GROUPS_BYTES_MAX) {
			free(group);
			return fail(names, "O", "is there too often");
		}
		names->groups[names->group_count++] = group;
	}
	return 0;
}

static const struct kind {
	const char *word; /* in user_from */
	read_fn *read;
} kinds[] = {
	{ "san_uri", read_uri },
	{ "san_dns", read_dns },
	{ "cn", read_cn },
};

#define KIND_COUNT (sizeof(kinds) / sizeof(kinds[0]))

static size_t
kind_of(const char *word)
{
	size_t i;

	for (i = 0; i < KIND_COUNT; i++)
		if (strcmp(kinds[i].word, word) == 0)
			break;
	return i;
}

/* user_from as a number: equal ones find the same user. */
static unsigned
order_of(const struct conf_strings *user_from)
{
	unsigned order = 0, digit, seen = 0;
	size_t i;

	for (i = 0; i < user_from->count; i++) {
		digit = (unsigned)kind_of(user_from->items[i]) + 1;
		/* A kind that is there again changes nothing. */
		if ((seen >> digit & 1) == 0)
			order = order * 8 + digit;
		seen |= 1u << digit;
	}
	return order;
}

static int
read_user(struct names *names, X509 *cert, const struct conf_strings *user_from)
{
	size_t i, kind, used = 0;
	int len;

	for (i = 0; i < user_from->count; i++) {
		kind = kind_of(user_from->items[i]);
		if (kind < KIND_COUNT && kinds[kind].read(names, cert) == -1)
			return -1;
		if (names->user != NULL)
			return 0;
	}
	len = snprintf(
	    names->detail, names->size, "client certificate: has none of");
	for (i = 0; i < user_from->count; i++) {
		used += (size_t)len;
		if (used >= names->size)
			break;
		len = snprintf(names->detail + used, names->size - used, "%s%s",
		    i == 0 ? " " : ", ", user_from->items[i]);
	}
	return -1;
}

static struct auth_identity *
read_identity(
    X509 *cert, const struct conf_strings *user_from, char *detail, size_t size)
{
	struct names *names = xcalloc(1, sizeof(*names));
	struct auth_identity *identity = NULL;
	size_t i;

	names->detail = detail;
	names->size = size;
	if (read_user(names, cert, user_from) == 0 &&
	    read_groups(names, cert) == 0)
		identity =
		    auth_identity_new(AUTH_METHOD_CERTIFICATE, names->user,
			(const char *const *)names->groups, names->group_count);
	free(names->user);
	for (i = 0; i < names->group_count; i++)
		free(names->groups[i]);
	free(names);
	return identity;
}

static void
keep(SSL *ssl, struct auth_identity *identity, unsigned order)
{
	struct known *known = xcalloc(1, sizeof(*known));

	known->identity = auth_identity_ref(identity);
	known->order = order;
	free_known(NULL, SSL_get_ex_data(ssl, ssl_index), NULL, 0, 0, NULL);
	if (SSL_set_ex_data(ssl, ssl_index, known) != 1)
		xrequire(NULL);
}

struct auth_identity *
auth_certificate_identity(
    SSL *ssl, const struct conf_strings *user_from, char *detail, size_t size)
{
	unsigned order = order_of(user_from);
	struct auth_identity *identity;
	const struct known *known;
	X509 *cert;

	detail[0] = '\0';
	pthread_once(&ssl_index_once, init_index);
	known = SSL_get_ex_data(ssl, ssl_index);
	if (known != NULL && known->order == order)
		return auth_identity_ref(known->identity);
	cert = SSL_get0_peer_certificate(ssl);
	/* Where client_auth_type only asks for some certificate, the handshake
	 * is fine and nothing was verified: then there is no such chain. */
	if (cert == NULL || SSL_get_verify_result(ssl) != X509_V_OK ||
	    SSL_get0_verified_chain(ssl) == NULL)
		return NULL;
	identity = read_identity(cert, user_from, detail, size);
	if (identity != NULL)
		keep(ssl, identity, order);
	return identity;
}
