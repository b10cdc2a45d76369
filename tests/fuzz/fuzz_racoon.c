/*
 * The statements of a racoon.conf of any octets. It is taken whole or refused with a message at a place; what
 * was taken is bounded as the model says.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "config/racoon/racoon.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static unsigned n_errors;

static void check(int ok)
{
	if (!ok)
		abort();
}

/* FILE:LINE:COLUMN: and something that can be shown. */
static void say(void *arg, bool is_error, const char *text)
{
	const char *at = strchr(text, ':');
	char *end;

	(void)arg;
	n_errors += is_error;
	check(at && strtoul(at + 1, &end, 10) > 0 && *end == ':' && strtoul(end + 1, &end, 10) > 0 &&
	      *end == ':');
	for (const char *p = text; *p; p++)
		check(*p >= 0x20 && *p < 0x7f);
}

/* No file of this machine: a small one for each name. */
static int load(void *arg, const char *path, char **ret, size_t *ret_n)
{
	(void)arg;
	if (strstr(path, "no"))
		return -ENOENT;
	*ret = strdup("log debug;");
	*ret_n = strlen(*ret);
	return 0;
}

static void look_at(const struct ike_conf *c)
{
	check(c->n_listen <= IKE_LISTEN_MAX);
	for (uint32_t i = 0; i < c->n_peers; i++) {
		const struct ike_peer *p = &c->peer[i];

		check(p->name && p->n_modes && p->n_offers && p->n_offers <= IKE_OFFERS_MAX);
		check(p->n_peer_ids <= IKE_PEER_IDS_MAX && p->my_id.len <= IKE_ID_DATA_MAX);
		for (uint8_t k = 0; k < p->n_offers; k++)
			check(p->offer[k].enc && p->offer[k].hash && p->offer[k].group && p->offer[k].auth &&
			      p->offer[k].seconds);
	}
	for (uint32_t i = 0; i < c->n_children; i++) {
		const struct ike_child *k = &c->child[i];

		check(k->n_enc && k->n_enc <= IKE_ALGS_MAX && k->n_auth && k->n_auth <= IKE_ALGS_MAX);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const struct racoon_options o = {.say = say, .load = load};
	struct ike_conf *c = NULL;
	int r;

	n_errors = 0;
	r = racoon_read_text("f", (const char *)data, n, &o, &c);
	check(r == 0 ? c && !n_errors : !c && n_errors);
	if (c)
		look_at(c);
	ike_conf_free(c);
	return 0;
}
