#include "proxy/fetch/fetcher.h"

#include <stdlib.h>

#include "proxy/base/alloc.h"
#include "proxy/base/http_client.h"
#include "proxy/fetch/attempt.h"
#include "proxy/fetch/credentials.h"
#include "proxy/fetch/inspect.h"
#include "proxy/fetch/resolver.h"
#include "tls/client.h"

struct fetcher *
fetcher_new(struct event_base *base, struct err *err)
{
	struct http_client *http = http_client_new(base, err);
	struct fetcher *fetcher;

	if (http == NULL)
		return NULL;
	fetcher = xcalloc(1, sizeof(*fetcher));
	fetcher->base = base;
	fetcher->http = http;
	fetcher->resolver = resolver_new(base, NULL, NULL);
	fetcher->tls = tls_client_new();
	fetcher->credentials = credentials_new();
	fetcher->inspector = inspector_new();
	return fetcher;
}

void
fetcher_set_resolver_files(
    struct fetcher *fetcher, const char *resolv_conf, const char *hosts)
{
	resolver_free(fetcher->resolver);
	fetcher->resolver = resolver_new(fetcher->base, resolv_conf, hosts);
}

void
fetcher_renew(struct fetcher *fetcher, const struct conf *conf)
{
	http_client_renew(fetcher->http);
	inspector_switch(fetcher->inspector, conf);
}

void
fetcher_free(struct fetcher *fetcher)
{
	if (fetcher == NULL)
		return;
	http_client_free(fetcher->http);
	resolver_free(fetcher->resolver);
	tls_client_free(fetcher->tls);
	credentials_free(fetcher->credentials);
	inspector_free(fetcher->inspector);
	free(fetcher);
}
