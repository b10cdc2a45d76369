/*
 * Defaults are racoon's; where its manual and its code differed, the code's.
 */
#include "ipsec/ike_conf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ipsec/dn.h"
#include "ipsec/dn_text.h"

struct ike_conf *ike_conf_new(void)
{
	struct ike_conf *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->timers = (struct ike_timers){.counter = 5,
	    .interval_ms = 10000,
	    .persend = 1,
	    .phase1_ms = 30000,
	    .phase2_ms = 30000,
	    .natt_keepalive_s = IKE_KEEPALIVE_UNSAID};
	c->pool.size = 255;
	c->pool.auth_throttle_s = 1;
	c->padding = (struct ike_padding){.randomize = true, .exclusive_tail = true, .maximum_length = 20};
	return c;
}

void ike_peer_fini(struct ike_peer *p)
{
	char **texts[] = {&p->name, &p->file, &p->cert, &p->key, &p->peer_cert, &p->peer_key, &p->xauth_login,
	    &p->script[IKE_HOOK_UP], &p->script[IKE_HOOK_DOWN], &p->script[IKE_HOOK_DEAD]};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		free(*texts[i]);
		*texts[i] = NULL;
	}
	for (size_t i = 0; i < IKE_AUTHORITIES_MAX; i++) {
		free(p->ca[i]);
		p->ca[i] = NULL;
	}
	free(p->peer_id);
	free(p->offer);
	p->peer_id = NULL;
	p->offer = NULL;
}

struct ike_conf *ike_conf_free(struct ike_conf *c)
{
	if (!c)
		return NULL;
	for (uint32_t i = 0; i < c->n_peers; i++)
		ike_peer_fini(&c->peer[i]);
	for (uint32_t i = 0; i < c->n_children; i++) {
		free(c->child[i].file);
		free(c->child[i].group);
	}
	free(c->peer);
	free(c->by_addr);
	free(c->child);
	free(c->psk_file);
	free(c->cert_dir);
	free(c->script_dir);
	free(c->pidfile);
	free(c->pool.default_domain);
	free(c->pool.split_dns);
	free(c->pool.banner);
	free(c->pool.users_file);
	free(c->pool.auth_groups);
	free(c);
	return NULL;
}

/* Room for one more of `size` octets, zeroed; grown by doubling. */
static void *grow(void **list, uint32_t *n, uint32_t max, size_t size)
{
	void *bigger, *slot;

	if (*n >= max)
		return NULL;
	if (!(*n & (*n - 1))) {
		bigger = reallocarray(*list, *n ? *n * 2U : 1U, size);
		if (!bigger)
			return NULL;
		*list = bigger;
	}
	slot = (uint8_t *)*list + (*n)++ * size;
	memset(slot, 0, size);
	return slot;
}

struct ike_peer *ike_conf_add_peer(struct ike_conf *c)
{
	void *list = c->peer;
	struct ike_peer *p = grow(&list, &c->n_peers, IKE_PEERS_MAX, sizeof(*p));

	c->peer = list;
	if (!p)
		return NULL;
	free(c->by_addr);
	c->by_addr = NULL;
	p->port = IKE_PORT;
	p->version = 1;
	p->my_id.kind = IKE_ID_ADDRESS;
	p->send_cert = p->send_cr = p->verify_cert = p->initial_contact = true;
	p->check = CHECK_STRICT;
	p->rekey = IKE_ON;
	p->dpd = (struct ike_dpd){.announce = true, .retry_s = 5, .maxfail = 5};
	p->nonce_len = 16;
	p->seconds = 28800;
	return p;
}

struct ike_child *ike_conf_add_child(struct ike_conf *c)
{
	void *list = c->child;
	struct ike_child *k = grow(&list, &c->n_children, IKE_CHILDREN_MAX, sizeof(*k));

	c->child = list;
	if (!k)
		return NULL;
	k->local.kind = k->remote.kind = IKE_SIDE_ANY;
	k->local.proto = k->remote.proto = 256;
	k->seconds = 28800;
	return k;
}

static bool side_prefix(const struct ike_side *s, struct inet_prefix *ret)
{
	if (s->kind == IKE_SIDE_HOST)
		*ret = inet_prefix_host(&s->first);
	else
		*ret = (struct inet_prefix){.addr = s->first, .plen = s->plen};
	return s->kind == IKE_SIDE_HOST || s->kind == IKE_SIDE_NET;
}

bool ike_child_selector(const struct ike_child *k, struct selector *ret)
{
	*ret = (struct selector){.proto = k->local.proto, .sport = k->local.port, .dport = k->remote.port};
	return side_prefix(&k->local, &ret->src) && side_prefix(&k->remote, &ret->dst);
}

static int copy_text(char **to, const char *from)
{
	*to = from ? strdup(from) : NULL;
	return from && !*to ? -ENOMEM : 0;
}

static int copy_array(void *to, const void *from, size_t n, size_t size)
{
	void *p = n ? malloc(n * size) : NULL;

	if (n && !p)
		return -ENOMEM;
	if (n)
		memcpy(p, from, n * size);
	memcpy(to, &p, sizeof(p));
	return 0;
}

static int copy_texts(struct ike_peer *to, const struct ike_peer *from)
{
	int r = copy_text(&to->cert, from->cert);

	r = r < 0 ? r : copy_text(&to->key, from->key);
	for (int i = 0; r == 0 && i < IKE_AUTHORITIES_MAX; i++)
		r = copy_text(&to->ca[i], from->ca[i]);
	r = r < 0 ? r : copy_text(&to->peer_cert, from->peer_cert);
	r = r < 0 ? r : copy_text(&to->peer_key, from->peer_key);
	r = r < 0 ? r : copy_text(&to->xauth_login, from->xauth_login);
	for (int i = 0; r == 0 && i < IKE_HOOKS; i++)
		r = copy_text(&to->script[i], from->script[i]);
	return r;
}

int ike_peer_copy(struct ike_peer *to, const struct ike_peer *from)
{
	struct ike_peer p = *from;
	int r;

	p.cert = p.key = p.peer_cert = p.peer_key = p.xauth_login = NULL;
	memset(p.ca, 0, sizeof(p.ca));
	memset(p.script, 0, sizeof(p.script));
	p.peer_id = NULL;
	p.offer = NULL;
	p.name = p.file = NULL;
	r = copy_texts(&p, from);
	if (r == 0)
		r = copy_array(&p.peer_id, from->peer_id, from->n_peer_ids, sizeof(*p.peer_id));
	if (r == 0)
		r = copy_array(&p.offer, from->offer, from->n_offers, sizeof(*p.offer));
	if (r < 0) {
		ike_peer_fini(&p);
		return r;
	}
	p.name = take_ptr(to->name);
	p.file = take_ptr(to->file);
	p.line = to->line;
	p.addr = to->addr;
	p.port = to->port;
	ike_peer_fini(to);
	*to = p;
	return 0;
}

bool ike_peer_expects(const struct ike_peer *p, const struct ike_id *id)
{
	for (uint8_t i = 0; i < p->n_peer_ids; i++) {
		const struct ike_id *want = &p->peer_id[i];

		if (ike_id_fits(want, id) || (want->kind == id->kind && !want->len) ||
		    (want->kind == IKE_ID_DN && !want->len && id->kind == IKE_ID_DN_DER))
			return true;
	}
	return false;
}

enum ike_id_fit ike_peer_id_fit(const struct ike_peer *p, const struct ike_id *id)
{
	if (!p->verify_identifier || !p->n_peer_ids)
		return IKE_ID_UNASKED;
	return ike_peer_expects(p, id) ? IKE_ID_WANTED : IKE_ID_UNWANTED;
}

bool ike_id_is_address(const struct ike_id *id, const struct inet_addr *a)
{
	return id->kind == IKE_ID_ADDRESS && id->len == inet_addr_len(a) &&
	       memcmp(id->data, a->b, id->len) == 0;
}

static bool fits_at(const struct ike_id *want, const struct ike_id *id, const struct inet_addr *at)
{
	if (want->len)
		return ike_id_fits(want, id);
	switch (want->kind) {
	case IKE_ID_ADDRESS:
		return ike_id_is_address(id, at);
	case IKE_ID_DN:
		return id->kind == IKE_ID_DN_DER;
	default:
		return want->kind == id->kind;
	}
}

bool ike_peer_is_called(const struct ike_peer *p, const struct ike_id *id, const struct inet_addr *at)
{
	for (uint8_t i = 0; i < p->n_peer_ids; i++)
		if (fits_at(&p->peer_id[i], id, at))
			return true;
	return !p->n_peer_ids && ike_id_is_address(id, at);
}

bool ike_id_equal(const struct ike_id *a, const struct ike_id *b)
{
	return a->kind == b->kind && a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
}

bool ike_id_fits(const struct ike_id *want, const struct ike_id *id)
{
	if (want->kind == IKE_ID_DN && want->len && id->kind == IKE_ID_DN_DER)
		return dn_is((const char *)want->data, want->len, id->data, id->len);
	return ike_id_equal(want, id);
}

static const char *format_octets(const struct ike_id *id, char *buf, size_t room)
{
	size_t n = id->len < room - 1 ? id->len : room - 1;

	for (size_t i = 0; i < n; i++)
		buf[i] = (char)(id->data[i] >= 0x20 && id->data[i] < 0x7f ? id->data[i] : '?');
	buf[n] = '\0';
	return buf;
}

const char *ike_id_format(const struct ike_id *id, char *buf, size_t room)
{
	char text[INET_ADDR_STRLEN];
	struct inet_addr a;

	if (id->kind == IKE_ID_ADDRESS && id->len) {
		a = inet_addr_from_bytes(id->data, id->len);
		snprintf(buf, room, "%s", inet_addr_format(&a, text));
		return buf;
	}
	if (id->kind == IKE_ID_DN_DER && dn_format(id->data, id->len, buf, room))
		return buf;
	if (id->kind == IKE_ID_DN_DER) {
		snprintf(buf, room, "a distinguished name of %u octets", id->len);
		return buf;
	}
	return format_octets(id, buf, room);
}

const char *ike_id_kind_name(enum ike_id_kind k)
{
	static const char *const names[] = {[IKE_ID_NONE] = "none",
	    [IKE_ID_ADDRESS] = "address",
	    [IKE_ID_FQDN] = "fqdn",
	    [IKE_ID_USER_FQDN] = "user_fqdn",
	    [IKE_ID_KEYID] = "keyid",
	    [IKE_ID_DN] = "asn1dn",
	    [IKE_ID_DN_DER] = "asn1dn"};

	return (unsigned)k < ARRAY_SIZE(names) ? names[k] : "unknown";
}

const char *ike_hook_name(enum ike_hook h)
{
	static const char *const names[IKE_HOOKS] = {"?", "phase1_up", "phase1_down", "phase1_dead"};

	return (unsigned)h < IKE_HOOKS ? names[h] : names[IKE_HOOK_NONE];
}

const char *ike_mode_name(enum ike_mode m)
{
	static const char *const names[] = {[IKE_MODE_NONE] = "none",
	    [IKE_MODE_MAIN] = "main",
	    [IKE_MODE_AGGRESSIVE] = "aggressive",
	    [IKE_MODE_BASE] = "base"};

	return (unsigned)m < ARRAY_SIZE(names) ? names[m] : "unknown";
}

const char *ike_auth_method_name(enum ike_auth_method m)
{
	static const char *const names[] = {[IKE_AUTH_NONE] = "none",
	    [IKE_AUTH_PSK] = "pre_shared_key",
	    [IKE_AUTH_RSA] = "rsasig",
	    [IKE_AUTH_XAUTH_PSK_CLIENT] = "xauth_psk_client",
	    [IKE_AUTH_XAUTH_PSK_SERVER] = "xauth_psk_server",
	    [IKE_AUTH_XAUTH_RSA_CLIENT] = "xauth_rsa_client",
	    [IKE_AUTH_XAUTH_RSA_SERVER] = "xauth_rsa_server"};

	return (unsigned)m < ARRAY_SIZE(names) ? names[m] : "unknown";
}

struct inet_addr ike_pool_at(const struct ike_pool *p, uint32_t n)
{
	uint32_t first = 0;

	if (!p->present || p->network4.family != INET_V4 || n >= p->size)
		return (struct inet_addr){0};
	for (size_t i = 0; i < 4; i++)
		first = first << 8 | p->network4.b[i];
	return inet_addr_v4(first + n);
}

bool ike_pool_has(const struct ike_pool *p, const struct inet_addr *a)
{
	const struct inet_addr first = ike_pool_at(p, 0),
	                       last = p->size ? ike_pool_at(p, p->size - 1) : first;

	return first.family == INET_V4 && a->family == INET_V4 && inet_addr_cmp(&first, a) <= 0 &&
	       inet_addr_cmp(a, &last) <= 0;
}

bool ike_peer_asks(const struct ike_peer *p)
{
	for (uint8_t i = 0; i < p->n_offers; i++)
		if (!ike_auth_asks(p->offer[i].auth))
			return false;
	return p->n_offers;
}

bool ike_list_has(const char *list, const void *name, size_t n)
{
	for (const char *at = list; at;) {
		size_t len = strcspn(at, ",");

		if (len == n && memcmp(at, name, n) == 0)
			return true;
		at = at[len] ? at + len + 1 : NULL;
	}
	return false;
}
