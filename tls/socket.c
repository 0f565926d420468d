#include "tls/socket.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "proxy/base/alloc.h"

/* A few requests; far more than one of Prometheus. */
#define INTAKE_BYTES 4096

/* What one connection may read before the others have their turn. */
#define READS_PER_TURN 4

/* Empty between turns, or another connection would get what is left. */
struct tls_intake {
	size_t at;
	size_t len;
	unsigned reads; /* of this turn */
	char bytes[INTAKE_BYTES];
};

struct channel {
	const SSL *ssl;
	int fd;
	struct tls_intake *intake;
	size_t records;   /* of the write in work, not yet with the kernel */
	bool is_withheld; /* the kernel waits for more before it sends */
	bool is_ended;    /* the peer sends no more */
	char *kept;       /* read in an earlier turn and not used, or NULL */
	size_t kept_len;
};

static BIO_METHOD *method;
static pthread_once_t method_once = PTHREAD_ONCE_INIT;

static bool
is_temporary(int error)
{
	return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

/* The kernel's buffer is full and may be so with bytes that it withholds,
 * for which nothing would ever make room. */
static void
push(struct channel *channel)
{
	int on = 1;

	if (channel->is_withheld)
		setsockopt(
		    channel->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	channel->is_withheld = false;
}

static int
write_bio(BIO *bio, const char *bytes, int len)
{
	struct channel *channel = BIO_get_data(bio);
	int flags = MSG_NOSIGNAL | (channel->records > 1 ? MSG_MORE : 0);
	ssize_t sent = send(channel->fd, bytes, (size_t)len, flags);

	BIO_clear_retry_flags(bio);
	if (sent < 0) {
		if (is_temporary(errno)) {
			push(channel);
			BIO_set_retry_write(bio);
		}
		return -1;
	}
	channel->is_withheld = channel->records > 1;
	if (sent == len && channel->records > 0)
		channel->records--;
	return (int)sent;
}

static ssize_t
fill(struct tls_intake *intake, int fd)
{
	ssize_t len;

	if (intake->reads == READS_PER_TURN) {
		errno = EAGAIN;
		return -1;
	}
	intake->reads++;
	len = recv(fd, intake->bytes, sizeof(intake->bytes), 0);
	intake->at = 0;
	intake->len = len > 0 ? (size_t)len : 0;
	return len;
}

/*
 * An end without close_notify spoils an OpenSSL connection for writing, too.
 * In a handshake that is right, and OpenSSL says why it failed; later an
 * answer may be on its way, so OpenSSL does not hear of it.
 */
static void
note_end(BIO *bio, struct channel *channel)
{
	channel->is_ended = true;
	if (SSL_is_init_finished(channel->ssl))
		BIO_set_retry_read(bio);
}

static int
read_bio(BIO *bio, char *bytes, int size)
{
	struct channel *channel = BIO_get_data(bio);
	struct tls_intake *intake = channel->intake;
	size_t len = (size_t)size;
	ssize_t filled;

	BIO_clear_retry_flags(bio);
	if (intake->at == intake->len) {
		filled = fill(intake, channel->fd);
		if (filled < 0 && is_temporary(errno))
			BIO_set_retry_read(bio);
		if (filled == 0)
			note_end(bio, channel);
		if (filled <= 0)
			return BIO_should_retry(bio) ? -1 : (int)filled;
	}
	if (len > intake->len - intake->at)
		len = intake->len - intake->at;
	memcpy(bytes, intake->bytes + intake->at, len);
	intake->at += len;
	return (int)len;
}

static long
control_bio(BIO *bio, int command, long number, void *pointer)
{
	const struct channel *channel = BIO_get_data(bio);

	(void)number;
	if (command == BIO_C_GET_FD) {
		if (pointer != NULL)
			*(int *)pointer = channel->fd;
		return channel->fd;
	}
	if (command == BIO_CTRL_EOF)
		return channel->is_ended;
	return command == BIO_CTRL_FLUSH;
}

static int
destroy_bio(BIO *bio)
{
	struct channel *channel = BIO_get_data(bio);

	if (channel != NULL)
		free(channel->kept);
	free(channel);
	return 1;
}

static void
init_method(void)
{
	method =
	    BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "scraper");
	if (method == NULL)
		return;
	BIO_meth_set_write(method, write_bio);
	BIO_meth_set_read(method, read_bio);
	BIO_meth_set_ctrl(method, control_bio);
	BIO_meth_set_destroy(method, destroy_bio);
}

struct tls_intake *
tls_intake_new(void)
{
	struct tls_intake *intake = xmalloc(sizeof(*intake));

	intake->at = intake->len = 0;
	intake->reads = 0;
	return intake;
}

void
tls_intake_free(struct tls_intake *intake)
{
	free(intake);
}

int
tls_socket_attach(SSL *ssl, int fd, struct tls_intake *intake)
{
	struct channel *channel;
	BIO *bio;

	pthread_once(&method_once, init_method);
	bio = method == NULL ? NULL : BIO_new(method);
	if (bio == NULL)
		return -1;
	channel = xcalloc(1, sizeof(*channel));
	channel->ssl = ssl;
	channel->fd = fd;
	channel->intake = intake;
	BIO_set_data(bio, channel);
	BIO_set_init(bio, 1);
	SSL_set_bio(ssl, bio, bio);
	SSL_set_mode(ssl, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_set_accept_state(ssl);
	return 0;
}

static struct channel *
channel_of(const SSL *ssl)
{
	return BIO_get_data(SSL_get_rbio(ssl));
}

static enum tls_io
judge(const SSL *ssl, int result)
{
	switch (SSL_get_error(ssl, result)) {
	case SSL_ERROR_WANT_READ:
		return channel_of(ssl)->is_ended ? TLS_IO_CLOSED
						 : TLS_IO_WANT_READ;
	case SSL_ERROR_WANT_WRITE:
		return TLS_IO_WANT_WRITE;
	case SSL_ERROR_ZERO_RETURN:
		return TLS_IO_CLOSED;
	default:
		return TLS_IO_FAILED;
	}
}

/* Only a handshake that cannot write stops before all is used. */
static void
keep(struct channel *channel, const struct tls_intake *intake)
{
	channel->kept_len = intake->len - intake->at;
	channel->kept = xmalloc(channel->kept_len);
	memcpy(channel->kept, intake->bytes + intake->at, channel->kept_len);
}

static void
bring_back(struct channel *channel, struct tls_intake *intake)
{
	memcpy(intake->bytes, channel->kept, channel->kept_len);
	intake->at = 0;
	intake->len = channel->kept_len;
	free(channel->kept);
	channel->kept = NULL;
}

enum tls_io
tls_socket_read(SSL *ssl, char *bytes, size_t size, size_t *len)
{
	struct channel *channel = channel_of(ssl);
	int result;

	if (channel->kept != NULL)
		bring_back(channel, channel->intake);
	ERR_clear_error();
	result = SSL_read_ex(ssl, bytes, size, len);
	return result == 1 ? TLS_IO_DONE : judge(ssl, result);
}

bool
tls_socket_has_more(SSL *ssl)
{
	const struct channel *channel = channel_of(ssl);

	return channel->intake->at < channel->intake->len ||
	       SSL_pending(ssl) > 0;
}

void
tls_socket_rest(SSL *ssl)
{
	struct channel *channel = channel_of(ssl);

	if (channel->intake->at < channel->intake->len)
		keep(channel, channel->intake);
	channel->intake->at = channel->intake->len = 0;
	channel->intake->reads = 0;
}

enum tls_io
tls_socket_write(SSL *ssl, const char *bytes, size_t len, bool has_more)
{
	struct channel *channel = channel_of(ssl);
	size_t written;
	int result;

	ERR_clear_error();
	/* Never more than there will be: the last one must not wait. */
	if (channel->records == 0)
		channel->records = (len + SSL3_RT_MAX_PLAIN_LENGTH - 1) /
				       SSL3_RT_MAX_PLAIN_LENGTH +
				   has_more;
	result = SSL_write_ex(ssl, bytes, len, &written);
	if (result != 1)
		return judge(ssl, result);
	channel->records = 0;
	return TLS_IO_DONE;
}
