/*
 * Does the time that a refusal takes tell what is in the configuration (H70)?
 * Wrong passwords for a user that exists and for one that does not, and the
 * place of a token in its file, are timed in random turns and compared by
 * Welch's t.
 *
 *   timing_auth [SAMPLES]
 *
 * Each pair is compared whole and without its slowest tenth, where the noise of
 * a busy machine would hide a small difference.  |t| of 4.5 or more is a leak:
 * chance alone gets there once in 100 000 times.
 */
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <event2/event.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "auth/auth.h"
#include "auth/bcrypt.h"
#include "auth/policy.h"
#include "auth/tokens.h"
#include "conf/load.h"
#include "proxy/base/alloc.h"
#include "proxy/base/err.h"
#include "proxy/base/log.h"
#include "proxy/base/mailbox.h"
#include "proxy/base/thread.h"

#define T_MAX 4.5
#define TOKENS 1000
#define TOKENS_PER_SAMPLE 8

struct series {
	double *ns;
	size_t count;
};

static void
die(const char *what)
{
	fprintf(stderr, "timing_auth: %s\n", what);
	exit(2);
}

static double
now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static uint32_t
random_number(void)
{
	uint32_t number;

	if (RAND_bytes((unsigned char *)&number, sizeof(number)) != 1)
		die("no randomness");
	return number;
}

/* Statistics. */

static int
compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

static double
mean_of(const double *ns, size_t count, double *variance)
{
	double sum = 0, squares = 0, mean;
	size_t i;

	for (i = 0; i < count; i++)
		sum += ns[i];
	mean = sum / (double)count;
	for (i = 0; i < count; i++)
		squares += (ns[i] - mean) * (ns[i] - mean);
	*variance = squares / (double)(count - 1);
	return mean;
}

static double
welch(const double *a, size_t a_count, const double *b, size_t b_count)
{
	double a_variance, b_variance;
	double difference =
	    mean_of(a, a_count, &a_variance) - mean_of(b, b_count, &b_variance);

	return difference / sqrt(a_variance / (double)a_count +
				 b_variance / (double)b_count);
}

/* How many of the sorted samples are no slower than `limit`. */
static size_t
count_below(const struct series *series, double limit)
{
	size_t count = series->count;

	while (count > 2 && series->ns[count - 1] > limit)
		count--;
	return count;
}

/* What is slower than nine tenths of both together. */
static double
find_limit(const struct series *a, const struct series *b)
{
	size_t count = a->count + b->count;
	double *all = xcalloc(count, sizeof(*all)), limit;

	memcpy(all, a->ns, a->count * sizeof(*all));
	memcpy(all + a->count, b->ns, b->count * sizeof(*all));
	qsort(all, count, sizeof(*all), compare);
	limit = all[count - count / 10 - 1];
	free(all);
	return limit;
}

static bool
judge(const char *what, struct series *a, struct series *b)
{
	double whole = welch(a->ns, a->count, b->ns, b->count), limit, cut;
	bool is_fine;

	qsort(a->ns, a->count, sizeof(*a->ns), compare);
	qsort(b->ns, b->count, sizeof(*b->ns), compare);
	limit = find_limit(a, b);
	cut = welch(a->ns, count_below(a, limit), b->ns, count_below(b, limit));
	is_fine = fabs(whole) < T_MAX && fabs(cut) < T_MAX;
	printf("%-36s %zu and %zu samples, medians %.2f and %.2f us, "
	       "t %+.2f, without the slowest tenth %+.2f: %s\n",
	    what, a->count, b->count, a->ns[a->count / 2] / 1e3,
	    b->ns[b->count / 2] / 1e3, whole, cut, is_fine ? "fine" : "LEAKS");
	return is_fine;
}

static struct series
new_series(size_t max)
{
	return (struct series){ .ns = xcalloc(max, sizeof(double)) };
}

/* Basic auth. */

struct login {
	struct auth_booth *booth;
	struct event_base *base;
	struct auth_policy *policy;
	bool is_settled;
};

static void
settled(const struct auth_verdict *verdict, void *arg)
{
	struct login *login = arg;

	if (verdict->answer != AUTH_DENY || verdict->result != AUTH_DENIED)
		die("a wrong password was not refused");
	login->is_settled = true;
}

static double
time_login(struct login *login, const char *user)
{
	char pair[64], header[128] = "Basic ";
	struct auth_question question = {
		.policy = login->policy,
		.authorization = header,
		.peer = "192.0.2.1",
		.path = "/metrics",
		.deadline_us = UINT64_MAX,
		.settled = settled,
		.arg = login,
	};
	struct auth_verdict verdict;
	double start;
	int len;

	/* Never the same twice: equal ones share a check. */
	len = snprintf(pair, sizeof(pair), "%s:%08x%08x", user, random_number(),
	    random_number());
	EVP_EncodeBlock((unsigned char *)header + strlen(header),
	    (const unsigned char *)pair, len);
	login->is_settled = false;
	start = now_ns();
	auth_check(login->booth, &question, &verdict);
	if (verdict.answer != AUTH_LATER)
		die("a wrong password was not checked");
	while (!login->is_settled)
		event_base_loop(login->base, EVLOOP_ONCE);
	return now_ns() - start;
}

static struct auth_policy *
new_policy(void)
{
	static const char format[] =
	    "auth: {failed_logins_per_address: 0, failed_logins_per_user: 0}\n"
	    "basic_auth_users: {alice: '%s'}\n"
	    "insecure_http: true\n"
	    "targets: [{name: a, url: 'http://127.0.0.1:9/'}]\n";
	char hash[BCRYPT_HASH_SIZE], text[sizeof(format) + sizeof(hash)];
	struct conf_source source = { .file = "gate.yml", .text = text };
	struct auth_policy *policy;
	struct conf_report report;
	struct conf *conf;
	struct err err;

	if (bcrypt_new(hash, "correct horse", 4, &err) == -1)
		die(err.text);
	source.text_len = (size_t)snprintf(text, sizeof(text), format, hash);
	conf = conf_load(&source, &report);
	if (conf == NULL)
		die(report.errors);
	policy = auth_policy_new(conf, NULL, &err);
	if (policy == NULL)
		die(err.text);
	conf_unref(conf);
	conf_report_fini(&report);
	return policy;
}

static bool
compare_users(size_t samples)
{
	/* Names of one length: that one a scraper knows of itself. */
	static const char *const users[] = { "alice", "carol" };
	struct login login = { .policy = new_policy() };
	struct series series[2] = { new_series(samples), new_series(samples) };
	struct mailbox *mailbox;
	struct auth *auth;
	struct err err;
	bool is_fine;

	login.base = thread_base_new(&err);
	mailbox = mailbox_new(login.base, NULL, &err);
	auth = auth_new(bcrypt_matches, &err);
	login.booth = auth_booth_new(auth, mailbox, &err);
	while (series[0].count < samples || series[1].count < samples) {
		unsigned which = random_number() & 1;
		double ns = time_login(&login, users[which]);

		if (series[which].count < samples)
			series[which].ns[series[which].count++] = ns;
	}
	is_fine = judge(
	    "user that exists, and one that does not", &series[0], &series[1]);
	auth_booth_free(login.booth);
	auth_stop(auth);
	auth_free(auth);
	auth_policy_unref(login.policy);
	mailbox_free(mailbox);
	event_base_free(login.base);
	free(series[0].ns);
	free(series[1].ns);
	return is_fine;
}

/* Bearer tokens. */

static struct tokens *
new_tokens(void)
{
	size_t size = TOKENS * 80, used = 0, i, j;
	char *text = xmalloc(size), token[32];
	unsigned char digest[32];
	struct tokens *tokens;
	struct err err;

	for (i = 0; i < TOKENS; i++) {
		snprintf(token, sizeof(token), "token%05zu", i);
		EVP_Digest(
		    token, strlen(token), digest, NULL, EVP_sha256(), NULL);
		used += (size_t)snprintf(text + used, size - used, "n ");
		for (j = 0; j < sizeof(digest); j++)
			used += (size_t)snprintf(
			    text + used, size - used, "%02x", digest[j]);
		text[used++] = '\n';
	}
	tokens = tokens_parse(text, used, &err);
	if (tokens == NULL)
		die(err.text);
	free(text);
	return tokens;
}

static double
time_token(const struct tokens *tokens, const char *token, bool is_there)
{
	double start = now_ns();
	int i;

	for (i = 0; i < TOKENS_PER_SAMPLE; i++)
		if ((tokens_find(tokens, token) != NULL) != is_there)
			die("a token was mistaken for another");
	return now_ns() - start;
}

static bool
compare_tokens(size_t samples)
{
	static const struct {
		const char *token;
		bool is_there;
	} kinds[] = { { "token00000", true }, { "token00999", true },
		{ "token01000", false } };
	struct series series[3] = { new_series(samples), new_series(samples),
		new_series(samples) };
	struct tokens *tokens = new_tokens();
	size_t i;
	bool is_fine;

	while (series[0].count < samples || series[1].count < samples ||
	       series[2].count < samples) {
		unsigned which = random_number() % 3;
		double ns = time_token(
		    tokens, kinds[which].token, kinds[which].is_there);

		if (series[which].count < samples)
			series[which].ns[series[which].count++] = ns;
	}
	is_fine = judge("first token and last", &series[0], &series[1]);
	is_fine &= judge("first token and none", &series[0], &series[2]);
	is_fine &= judge("last token and none", &series[1], &series[2]);
	for (i = 0; i < 3; i++)
		free(series[i].ns);
	tokens_free(tokens);
	return is_fine;
}

int
main(int argc, char **argv)
{
	long samples = argc > 1 ? atol(argv[1]) : 10000;
	bool is_fine;

	if (samples < 100)
		die("at least 100 samples");
	log_init(LOG_LEVEL_ERROR, LOG_FORMAT_LOGFMT);
	is_fine = compare_users((size_t)samples);
	is_fine &= compare_tokens((size_t)samples);
	return is_fine ? 0 : 1;
}
