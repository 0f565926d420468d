/*
 * Go's names for versions, cipher suites and curves, which the configuration
 * uses, as OpenSSL's.  The configuration has checked them: an unknown name is
 * left out.
 */
#ifndef TLS_NAMES_H
#define TLS_NAMES_H

struct conf_strings;

/* "TLS12" as TLS1_2_VERSION; `unset` if `name` is NULL or empty. */
int names_version(const char *name, int unset);

/*
 * For SSL_CTX_set_cipher_list(): those of TLS 1.2 and before, in the order of
 * the list, "" if it names none.  Those of 1.3 cannot be chosen in Go either.
 * The caller frees.
 */
char *names_ciphers(const struct conf_strings *names);

/* For SSL_CTX_set1_groups_list(); the caller frees. */
char *names_groups(const struct conf_strings *names);

#endif
