/* Names that Kubernetes gives (RFC 1123).  Pure. */
#ifndef CONF_KUBERNETES_NAME_H
#define CONF_KUBERNETES_NAME_H

#include <stdbool.h>

#define KUBERNETES_NAME_MAX 253

/* A DNS subdomain, as pods are named: "shop-0", "shop.0". */
bool kubernetes_is_name(const char *text);

/* A DNS label, as namespaces are: up to 63 bytes, without dots. */
bool kubernetes_is_label(const char *text);

#endif
