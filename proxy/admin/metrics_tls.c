#include "proxy/admin/metrics_parts.h"

#include <stddef.h>
#include <string.h>

#include "proxy/admin/view.h"
#include "proxy/gate/stats.h"
#include "tls/certificate.h"
#include "tls/failure.h"

static void
put_handshakes(struct metrics_output *out)
{
	size_t i;

	if (out->view->certificate_count == 0)
		return;
	metrics_put(out,
	    (double)metrics_sum(out, offsetof(struct stats, handshakes_ok)),
	    "result", "ok", NULL);
	for (i = 0; i < TLS_FAILURE_COUNT; i++) {
		uint64_t sum =
		    metrics_sum(out, offsetof(struct stats, handshakes_failed) +
					 i * sizeof(stats_counter));

		if (sum > 0)
			metrics_put(out, (double)sum, "result",
			    tls_failure_id((enum tls_failure)i), NULL);
	}
}

/*
 * Two may have one name, as an authority and its successor: labels must not
 * repeat, and the one that ends first, which is in front, is what matters.
 */
static bool
has_namesake(const struct admin_view *view, size_t i)
{
	const struct tls_certificate *all = view->certificates;
	size_t k;

	for (k = 0; k < i; k++)
		if (strcmp(all[k].role, all[i].role) == 0 &&
		    strcmp(all[k].subject, all[i].subject) == 0 &&
		    all[k].not_after != 0)
			return true;
	return false;
}

static void
put_certificates(struct metrics_output *out)
{
	const struct admin_view *view = out->view;
	size_t i;

	for (i = 0; i < view->certificate_count; i++) {
		const struct tls_certificate *one = &view->certificates[i];

		/* A revocation list without an end has 0. */
		if (one->not_after != 0 && !has_namesake(view, i))
			metrics_put(out, (double)one->not_after, "role",
			    one->role, "subject", one->subject, NULL);
	}
}

static const struct metric metrics[] = {
	{ "scrapegate_tls_handshakes_total", "counter",
	    "TLS handshakes with the gate's clients, by how they ended.",
	    put_handshakes, NULL },
	{ "scrapegate_certificate_not_after_timestamp_seconds", "gauge",
	    "When a certificate or revocation list in use expires.",
	    put_certificates, NULL },
};

const struct metrics_room metrics_tls = METRICS_ROOM(metrics);
