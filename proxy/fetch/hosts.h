/*
 * /etc/hosts.  Read when somebody asks and the file has changed since; a file
 * that cannot be read is an empty one.
 */
#ifndef PROXY_FETCH_HOSTS_H
#define PROXY_FETCH_HOSTS_H

#include <stdbool.h>

struct addresses;
struct hosts;

struct hosts *hosts_new(const char *path);
void hosts_free(struct hosts *hosts);

/* Names compare without case or final dot.  False if there is no line. */
bool hosts_find(struct hosts *hosts, const char *name, struct addresses *found);

/* The same for a text: the pure part. */
bool hosts_find_in(const char *text, const char *name, struct addresses *found);

#endif
