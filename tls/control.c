#include "tls/control.h"

#include <stdbool.h>

#include <openssl/ssl.h>

/* What kind of record it is: TLS 1.3 says that inside, once it is open. */
static bool
is_kind_told(const SSL *ssl, int type)
{
	return type == (SSL_version(ssl) >= TLS1_3_VERSION
			       ? SSL3_RT_INNER_CONTENT_TYPE
			       : SSL3_RT_HEADER);
}

static void
on_message(int is_sent, int version, int type, const void *bytes, size_t len,
    SSL *ssl, void *arg)
{
	const unsigned char *kind = bytes;
	unsigned *count = arg;

	(void)version;
	if (is_sent || len == 0 || !is_kind_told(ssl, type))
		return;
	if (*kind == SSL3_RT_APPLICATION_DATA)
		*count = 0;
	else if (++*count > TLS_CONTROL_MAX)
		SSL_set_shutdown(
		    ssl, SSL_get_shutdown(ssl) | SSL_RECEIVED_SHUTDOWN);
}

void
tls_control_watch(SSL *ssl, unsigned *count)
{
	*count = 0;
	SSL_set_msg_callback(ssl, on_message);
	SSL_set_msg_callback_arg(ssl, count);
}
