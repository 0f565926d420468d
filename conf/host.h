/*
 * The parts that listening addresses and upstream URLs share: hosts, ports
 * and the paths of unix sockets.
 */
#ifndef CONF_HOST_H
#define CONF_HOST_H

#include <stdbool.h>
#include <stdint.h>

struct err;

/* 0 to 65535, decimal, nothing else. */
int conf_port_parse(const char *text, uint16_t *port, struct err *err);

/* A name or IPv4 address; an IPv6 address (without brackets) if is_ipv6. */
int conf_host_check(const char *host, bool is_ipv6, struct err *err);

/* 127.0.0.0/8, ::1 or localhost. */
bool conf_host_is_loopback(const char *host);

/* Absolute, printable, and short enough for a struct sockaddr_un. */
int conf_unix_path_check(const char *path, struct err *err);

#endif
