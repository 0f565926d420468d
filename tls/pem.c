#include "tls/pem.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "proxy/base/alloc.h"
#include "proxy/base/err.h"
#include "tls/ssl_err.h"

#define FILE_MAX ((size_t)1 << 20)

static char *
fail_file(int fd, const char *verb, const char *path, int code,
    struct err *err)
{
	char words[128];

	err_set(err, code == ENOENT || code == ENOTDIR ? ERR_MISSING :
	    ERR_FILE, "%s %s: %s", verb, path,
	    err_words(code, words, sizeof(words)));
	if (fd != -1)
		close(fd);
	return NULL;
}

char *
pem_read_file(const char *path, size_t *len, struct err *err)
{
	/* Not blocking, lest a FIFO holds up the loop. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char *text;
	ssize_t n;

	if (fd == -1)
		return fail_file(fd, "open", path, errno, err);
	text = xmalloc(FILE_MAX + 1);
	*len = 0;
	while ((n = read(fd, text + *len, FILE_MAX - *len)) > 0)
		*len += (size_t)n;
	if (n < 0 || *len == FILE_MAX) {
		int code = n < 0 ? errno : EFBIG;

		free(text);
		return fail_file(fd, "read", path, code, err);
	}
	close(fd);
	text[*len] = '\0';
	return xrealloc(text, *len + 1);
}

/* Without it OpenSSL asks on the terminal. */
static int
no_passphrase(char *buf, int size, int is_write, void *arg)
{
	(void)buf;
	(void)size;
	(void)is_write;
	(void)arg;
	return -1;
}

STACK_OF(X509) *
pem_certificates(const char *text, size_t len, struct err *err)
{
	STACK_OF(X509) *chain = sk_X509_new_null();
	BIO *bio = BIO_new_mem_buf(text, (int)len);
	X509 *cert;

	while ((cert = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL)) !=
	    NULL)
		sk_X509_push(chain, cert);
	BIO_free(bio);
	/* "No start line" is how the list ends; anything else is broken. */
	if (sk_X509_num(chain) > 0 &&
	    ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE) {
		ERR_clear_error();
		return chain;
	}
	sk_X509_pop_free(chain, X509_free);
	ssl_err(err, "not a PEM certificate");
	return NULL;
}

EVP_PKEY *
pem_private_key(const char *text, size_t len, struct err *err)
{
	BIO *bio = BIO_new_mem_buf(text, (int)len);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase,
	    NULL);

	BIO_free(bio);
	if (key == NULL)
		ssl_err(err, "not an unencrypted PEM private key");
	ERR_clear_error();
	return key;
}
