/*
 * A verified client certificate as an identity: the user from the first kind of
 * name in user_from that it has (SAN URI, so a SPIFFE id; SAN DNS; CN), groups
 * from the subject's O, as Kubernetes and kube-rbac-proxy have it.
 *
 * Of several DNS names the first counts, of several CN the last, which is the
 * most specific; several URIs are refused, as SPIFFE wants it (X509-SVID 2).  A
 * name of a kind that is asked for and cannot be used fails the login: the next
 * kind might name somebody else.
 *
 * The worker's thread that owns the SSL.
 */
#ifndef AUTH_CERTIFICATE_H
#define AUTH_CERTIFICATE_H

#include <stddef.h>

#include <openssl/types.h>

struct auth_identity;
struct conf_strings;

/*
 * Of the certificate `ssl` was verified with: a reference, or NULL.  Then
 * `detail` says why: "" if there is no (verified) certificate, else what is
 * wrong with its names (none of that kind; several URIs; a NUL or control
 * byte; not UTF-8; too long).  Kept with the SSL, so a second request on the
 * connection costs next to nothing.
 */
struct auth_identity *auth_certificate_identity(
    SSL *ssl, const struct conf_strings *user_from, char *detail, size_t size);

#endif
