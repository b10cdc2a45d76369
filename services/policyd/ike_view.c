#include "policyd/ike_view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool ike_sets_known(uint32_t enc, uint32_t auth)
{
	for (uint32_t i = 0; i < 32; i++) {
		if (enc >> i & 1 && !alg_enc_by_id(i))
			return false;
		if (auth >> i & 1 && i != ALG_AUTH_NONE && !alg_auth_by_id(i))
			return false;
	}
	return true;
}

struct ike_view *ike_view_new(uint32_t n_peers, uint32_t n_children)
{
	AUTO_IKE_VIEW struct ike_view *v = calloc(1, sizeof(*v));

	if (!v)
		return NULL;
	v->peer = calloc(n_peers + 1, sizeof(*v->peer));
	v->child = calloc(n_children + 1, sizeof(*v->child));
	if (!v->peer || !v->child)
		return NULL;
	v->room_peers = n_peers;
	v->room_children = n_children;
	return take_ptr(v);
}

struct ike_view *ike_view_free(struct ike_view *v)
{
	if (!v)
		return NULL;
	for (uint32_t i = 0; i < v->n_peers; i++)
		free(v->peer[i].name);
	free(v->peer);
	free(v->child);
	free(v->addrs);
	free(v);
	return NULL;
}

int ike_view_add_peer(
    struct ike_view *v, const char *name, const struct inet_addr *addr, enum ike_generate generate, bool asks)
{
	char *copy;

	if (v->n_peers == v->room_peers)
		return -ENOSPC;
	copy = strdup(name);
	if (!copy)
		return -ENOMEM;
	v->peer[v->n_peers++] =
	    (struct ike_view_peer){.name = copy, .addr = *addr, .generate = generate, .asks = asks};
	return 0;
}

int ike_view_add_child(struct ike_view *v, const struct ike_view_child *k)
{
	if (v->n_children == v->room_children)
		return -ENOSPC;
	v->child[v->n_children++] = *k;
	v->enc |= k->enc;
	v->auth |= k->auth;
	return 0;
}

static int by_addr(const void *a, const void *b)
{
	return inet_addr_cmp(a, b);
}

int ike_view_sort(struct ike_view *v)
{
	struct inet_addr *addrs = calloc(v->n_peers + 1, sizeof(*addrs));

	if (!addrs)
		return -ENOMEM;
	free(v->addrs);
	v->addrs = addrs;
	v->n_addrs = 0;
	v->anonymous = false;
	for (uint32_t i = 0; i < v->n_peers; i++) {
		if (v->peer[i].addr.family == INET_NONE)
			v->anonymous = true;
		else
			addrs[v->n_addrs++] = v->peer[i].addr;
	}
	qsort(addrs, v->n_addrs, sizeof(*addrs), by_addr);
	return 0;
}

/* Some peer is configured for exactly this address. */
static bool names(const struct ike_view *v, const struct inet_addr *addr)
{
	return v->n_addrs && bsearch(addr, v->addrs, v->n_addrs, sizeof(*addr), by_addr);
}

const struct ike_view_peer *ike_view_find_block(const struct ike_view *v, uint64_t block)
{
	for (uint32_t i = 0; block && i < v->n_peers; i++)
		if (v->peer[i].block == block)
			return &v->peer[i];
	return NULL;
}

bool ike_view_knows(const struct ike_view *v, const struct inet_addr *addr)
{
	return v->anonymous || names(v, addr);
}

bool ike_view_peer_fits(
    const struct ike_view *v, const struct ike_view_peer *peer, const struct inet_addr *addr)
{
	if (peer->addr.family != INET_NONE)
		return inet_addr_equal(&peer->addr, addr);
	return !names(v, addr);
}

void ike_gens_fini(struct ike_gens *g)
{
	g->now = ike_view_free(g->now);
	g->before = ike_view_free(g->before);
}

void ike_gens_switch(struct ike_gens *g, struct ike_view *v, uint64_t now_ms)
{
	ike_view_free(g->before);
	g->before = g->now;
	g->before_until_ms = now_ms + IKE_BEFORE_MS;
	g->now = v;
	/* A number means one thing. */
	if (g->before && g->before->generation == v->generation)
		g->before = ike_view_free(g->before);
}

const struct ike_view *ike_gens_find(
    const struct ike_gens *g, uint64_t generation, uint64_t now_ms, struct err_text *e)
{
	if (g->now && g->now->generation == generation)
		return g->now;
	if (g->before && g->before->generation == generation && now_ms < g->before_until_ms)
		return g->before;
	(void)err_set(e, 0, "%s",
	    g->now ? "the configuration was loaded anew; the peer has to prove itself again"
	           : "no configuration for key exchange is loaded into policyd: load it again");
	return NULL;
}

void ike_gens_expire(struct ike_gens *g, uint64_t now_ms)
{
	if (now_ms >= g->before_until_ms)
		g->before = ike_view_free(g->before);
}

uint64_t ike_gens_next_ms(const struct ike_gens *g)
{
	return g->before ? g->before_until_ms : UINT64_MAX;
}
