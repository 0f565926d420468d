#include "auth/identity.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "auth/digest.h"
#include "proxy/base/alloc.h"

struct auth_identity {
	atomic_uint refs;
	enum auth_method method;
	size_t group_count;
	size_t size;
	char tag[AUTH_DIGEST_TEXT_SIZE];
	const char *user; /* these point behind the struct */
	const char **groups;
};

static void
hash_text(EVP_MD_CTX *md, const char *text)
{
	uint64_t len = strlen(text);

	/* With its length, so that neighbours cannot run into each other. */
	EVP_DigestUpdate(md, &len, sizeof(len));
	EVP_DigestUpdate(md, text, len);
}

static void
hash_all(struct auth_identity *identity)
{
	EVP_MD_CTX *md = xrequire(EVP_MD_CTX_new());
	unsigned char digest[AUTH_DIGEST_SIZE];
	size_t i;

	if (EVP_DigestInit_ex(md, EVP_sha256(), NULL) != 1)
		xrequire(NULL);
	hash_text(md, auth_method_name(identity->method));
	hash_text(md, identity->user);
	for (i = 0; i < identity->group_count; i++)
		hash_text(md, identity->groups[i]);
	if (EVP_DigestFinal_ex(md, digest, NULL) != 1)
		xrequire(NULL);
	digest_text(digest, identity->tag);
	EVP_MD_CTX_free(md);
}

static const char *
append(char **end, const char *text)
{
	char *start = *end;
	size_t size = strlen(text) + 1;

	memcpy(start, text, size);
	*end += size;
	return start;
}

struct auth_identity *
auth_identity_new(enum auth_method method, const char *user,
    const char *const *groups, size_t group_count)
{
	struct auth_identity *identity;
	size_t size = sizeof(*identity) + group_count * sizeof(*groups) +
		      strlen(user) + 1;
	size_t i;
	char *end;

	for (i = 0; i < group_count; i++)
		size += strlen(groups[i]) + 1;
	identity = xcalloc(1, size);
	atomic_init(&identity->refs, 1);
	identity->method = method;
	identity->group_count = group_count;
	identity->size = size;
	identity->groups = (const char **)(identity + 1);
	end = (char *)(identity->groups + group_count);
	identity->user = append(&end, user);
	for (i = 0; i < group_count; i++)
		identity->groups[i] = append(&end, groups[i]);
	hash_all(identity);
	return identity;
}

struct auth_identity *
auth_identity_ref(struct auth_identity *identity)
{
	atomic_fetch_add_explicit(&identity->refs, 1, memory_order_relaxed);
	return identity;
}

void
auth_identity_unref(struct auth_identity *identity)
{
	if (identity != NULL && atomic_fetch_sub_explicit(&identity->refs, 1,
				    memory_order_acq_rel) == 1)
		free(identity);
}

enum auth_method
auth_identity_method(const struct auth_identity *identity)
{
	return identity->method;
}

const char *
auth_identity_user(const struct auth_identity *identity)
{
	return identity->user;
}

size_t
auth_identity_group_count(const struct auth_identity *identity)
{
	return identity->group_count;
}

const char *
auth_identity_group(const struct auth_identity *identity, size_t index)
{
	return identity->groups[index];
}

const char *
auth_identity_tag(const struct auth_identity *identity)
{
	return identity->tag;
}

size_t
auth_identity_size(const struct auth_identity *identity)
{
	return identity->size;
}
