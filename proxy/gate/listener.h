/*
 * The listening sockets.  Opened once, on the main thread, and shared by all
 * workers, so a taken port fails loudly and a worker that stops loses no
 * queued connection.
 */
#ifndef PROXY_GATE_LISTENER_H
#define PROXY_GATE_LISTENER_H

#include <stddef.h>

struct conf_address;
struct err;

/* "127.0.0.1:65535", "[ipv6]:65535" or "unix:/path". */
#define LISTENER_TEXT_SIZE 128

/*
 * Binds and listens; non-blocking, close-on-exec.  Returns the descriptor or
 * -1 with `err` ("listen 127.0.0.1:8443: Address already in use").  `text`
 * gets the real address (port 0 resolved).  A stale unix socket that nobody
 * listens on is replaced.
 */
int listener_open(const struct conf_address *address,
    char text[LISTENER_TEXT_SIZE], struct err *err);

#endif
