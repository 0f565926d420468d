#include "auth/jwt.h"

#include <string.h>

#include "auth/jws.h"
#include "auth/jwt_claims.h"
#include "auth/jwt_verdict.h"
#include "proxy/base/json.h"

/* What a token says of itself, unverified; for json_free(), or NULL. */
static struct cJSON *
peek(const char *token)
{
	struct jwt_verdict verdict;
	struct jws jws;

	return jws_split(&jws, token, &verdict)
		   ? jws_read_part(&jws, JWS_PAYLOAD, &verdict)
		   : NULL;
}

bool
jwt_is_from(const char *token, const char *issuer)
{
	struct cJSON *payload = peek(token);
	const char *text = json_string(json_get(payload, "iss"));
	bool is_from = text != NULL && strcmp(text, issuer) == 0;

	json_free(payload);
	return is_from;
}

bool
jwt_expiry(const char *token, int64_t *expires_s)
{
	struct cJSON *payload = peek(token);
	bool has_expiry = jwt_claims_expiry(payload, expires_s);

	json_free(payload);
	return has_expiry;
}

static bool
judge(const struct jws *jws, const struct conf_jwt *conf,
    const struct jwks *keys, int64_t now_s, struct jwt_verdict *verdict)
{
	struct cJSON *payload;
	bool is_fine;

	if (!jws_verify(jws, keys, verdict))
		return false;
	payload = jws_read_part(jws, JWS_PAYLOAD, verdict);
	is_fine =
	    payload != NULL && jwt_claims_judge(payload, conf, now_s, verdict);
	json_free(payload);
	return is_fine;
}

void
jwt_judge(const char *token, const struct conf_jwt *conf,
    const struct jwks *keys, int64_t now_s, struct jwt_verdict *verdict)
{
	struct jws jws;

	memset(verdict, 0, sizeof(*verdict));
	if (jws_split(&jws, token, verdict) && jws_read_header(&jws, verdict) &&
	    judge(&jws, conf, keys, now_s, verdict))
		verdict->fault = JWT_FINE;
	jws_close(&jws);
}
