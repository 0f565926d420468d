#include "conf/login.h"

#include "conf/conf.h"

bool
conf_has_token_login(const struct conf *conf)
{
	return conf->auth.bearer_tokens_file != NULL || conf->auth.jwt.is_set ||
	       conf->auth.kubernetes.token_review.is_set;
}

bool
conf_has_login(const struct conf *conf)
{
	return conf->basic_auth_user_count > 0 || conf_has_token_login(conf) ||
	       conf->auth.client_certificate.is_set;
}
