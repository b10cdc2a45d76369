/*
 * What a client gets (draft-ietf-ipsec-isakmp-mode-cfg-05): it asks and is answered, or it is told and
 * acknowledges. The server's side comes from the block mode_cfg; what a client got stays with its ISAKMP SA.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "keyd/core/child.h"
#include "keyd/ike1/inform.h"
#include "keyd/ike1/kept.h"
#include "keyd/ike1/phase1.h"
#include "keyd/ike1/remote_access.h"
#include "keyd/ike1/transaction.h"

enum { ID_SHOWN = 184, OWNER_SHOWN = ID_SHOWN + 8 };

/* --- the server --- */

/* The user, or who the peer is. A private address is one host's behind one translator only. */
static int owner_of(const struct isakmp *sa, struct octets *ret)
{
	enum { USER, PEER, PEER_BEHIND, ROOM = IKE_ID_DATA_MAX + 64 };
	const struct ike_id *id = &sa->peer_id;
	const struct inet_addr *at = &sa->path.remote;
	bool behind = id->kind == IKE_ID_ADDRESS && sa->nat_there;
	uint8_t buf[ROOM];
	struct wr w = wr_init(buf, sizeof(buf));

	if (sa->ra.user.n) {
		wr_u8(&w, USER);
		wr_bytes(&w, sa->ra.user.p, sa->ra.user.n);
		return octets_set(ret, buf, wr_len(&w));
	}
	wr_u8(&w, behind ? PEER_BEHIND : PEER);
	if (behind) {
		wr_u8(&w, (uint8_t)at->family);
		wr_bytes(&w, at->b, sizeof(at->b));
	}
	wr_u8(&w, (uint8_t)id->kind);
	wr_bytes(&w, id->data, id->len);
	return octets_set(ret, buf, wr_len(&w));
}

/* For the log; others may print alike. */
static const char *owner_name(const struct isakmp *sa, char *buf, size_t room)
{
	char id[ID_SHOWN];

	if (sa->ra.user.n)
		snprintf(buf, room, "user %.*s", (int)sa->ra.user.n, (const char *)sa->ra.user.p);
	else
		snprintf(buf, room, "peer %s", ike_id_format(&sa->peer_id, id, sizeof(id)));
	return buf;
}

/* The address has an owner who came from elsewhere before: what he had there ends. */
static void end_others(struct isakmp *sa)
{
	const struct inet_prefix inside = inet_prefix_host(&sa->ra.address);
	struct core *c = sa->core;

	list_foreach_safe (k, next, &c->children, struct child, node)
		if (inet_prefix_equal(&k->out.sel.dst, &inside) && !party_same(k->party, sa->party))
			child_end(k, false, CHILD_USER_MOVED);
	list_foreach_safe (other, next, &c->isakmp, struct isakmp, all) {
		if (other == sa || !other->ra.has_lease || other->ra.lease != sa->ra.lease ||
		    party_same(other->party, sa->party))
			continue;
		inform_delete_isakmp(other);
		other->failure = "purged: the user came from elsewhere";
		isakmp_end(other);
	}
}

static int take_lease(struct isakmp *sa)
{
	AUTO(octets_fini) struct octets owner = {0};
	int r = owner_of(sa, &owner);

	return r < 0 ? r : leases_take(&sa->core->leases, octets_slice(&owner), &sa->ra.lease);
}

static void lease(struct isakmp *sa)
{
	char owner[OWNER_SHOWN], name[ISAKMP_NAME_MAX], a[INET_ADDR_STRLEN];
	struct core *c = sa->core;
	int r;

	if (sa->ra.has_lease || sa->conf != c->conf)
		return;
	owner_name(sa, owner, sizeof(owner));
	r = take_lease(sa);
	if (r < 0) {
		if (r != -ENOENT)
			core_log(c, CORE_ERROR, "mode_cfg.full", "no address for %s: %s. %s", owner,
			    r == -ENOSPC ? "all of the pool are taken" : err_name(r), isakmp_name(sa, name));
		return;
	}
	sa->ra.has_lease = true;
	sa->ra.address = ike_pool_at(&sa->conf->c->pool, sa->ra.lease);
	core_log(c, CORE_INFO, "mode_cfg.lease", "address %s is for %s. %s",
	    inet_addr_format(&sa->ra.address, a), owner, isakmp_name(sa, name));
	kept_isakmp(sa);
	end_others(sa);
}

int mode_config_reclaim(struct isakmp *sa, uint32_t number)
{
	AUTO(octets_fini) struct octets owner = {0};
	int r = owner_of(sa, &owner);

	if (r == 0)
		r = leases_claim(&sa->core->leases, octets_slice(&owner), number);
	if (r < 0)
		return r;
	sa->ra.has_lease = true;
	sa->ra.lease = number;
	sa->ra.address = ike_pool_at(&sa->conf->c->pool, number);
	return 0;
}

static struct ike1_text text_of(const char *s)
{
	return (struct ike1_text){(const uint8_t *)s, s ? (uint16_t)strlen(s) : 0, s != NULL};
}

static void copy_servers(const struct inet_addr *from, uint8_t n, struct inet_addr *to, uint8_t *ret_n)
{
	for (uint8_t i = 0; i < n && i < IKE1_CFG_SERVERS_MAX; i++)
		to[(*ret_n)++] = from[i];
}

static void copy_nets(const struct ike_nets *from, struct ike1_nets *to)
{
	for (uint8_t i = 0; i < from->n && i < IKE1_CFG_NETS_MAX; i++)
		to->net[to->n++] = from->net[i];
}

static uint32_t only(bool there, uint32_t bit)
{
	return there ? bit : 0;
}

/* Of what is asked for, that which there is. */
static struct ike1_values offer(struct isakmp *sa, uint32_t asked)
{
	const struct ike_pool *p = &sa->conf->c->pool;
	struct ike1_values v = {.address = sa->ra.address, .netmask = p->netmask4};

	copy_servers(p->dns4, p->n_dns4, v.dns, &v.n_dns);
	copy_servers(p->wins4, p->n_wins4, v.nbns, &v.n_nbns);
	copy_nets(&p->include, &v.include);
	copy_nets(&p->local_lan, &v.local);
	v.banner = text_of(p->banner);
	v.domain = text_of(p->default_domain);
	v.split_dns = text_of(p->split_dns);
	v.save_passwd = p->save_passwd;
	v.pfs = (uint16_t)p->pfs_group;
	v.has = asked &
	        (only(v.address.family != INET_NONE, IKE1_HAS_ADDRESS) |
	            only(v.netmask.family != INET_NONE && v.address.family != INET_NONE, IKE1_HAS_NETMASK) |
	            only(v.n_dns, IKE1_HAS_DNS) | only(v.n_nbns, IKE1_HAS_NBNS) |
	            only(v.banner.n, IKE1_HAS_BANNER) | only(v.domain.n, IKE1_HAS_DOMAIN) |
	            only(v.split_dns.n, IKE1_HAS_SPLIT_DNS) | only(v.include.n, IKE1_HAS_SPLIT_INCLUDE) |
	            only(v.local.n, IKE1_HAS_LOCAL_LAN) | only(v.save_passwd, IKE1_HAS_SAVE_PASSWD) |
	            only(v.pfs, IKE1_HAS_PFS));
	return v;
}

static void on_pull(struct transaction *t, const struct ike1_values *asked)
{
	struct isakmp *sa = t->sa;
	struct ike1_values v;
	struct ike_out o;

	if (asked->has & IKE1_HAS_ADDRESS && sa->conf->c->pool.present)
		lease(sa);
	v = offer(sa, sa->conf->c->pool.present ? asked->has : 0);
	transaction_answer(t, &o);
	ike1_put_values(&o, &v);
	transaction_send_answer(t, &o);
}

static void on_ack(struct transaction *t, const struct ike1_config *c)
{
	struct ike1_values v;
	char name[ISAKMP_NAME_MAX];

	if (ike1_values_decode(c, &v) != IKE_OK || !(v.has & IKE1_HAS_ADDRESS))
		core_log(t->sa->core, CORE_NOTICE, "mode_cfg.untaken",
		    "the client does not say that it has taken its address. %s", isakmp_name(t->sa, name));
}

void mode_config_push(struct isakmp *sa)
{
	struct ike1_values v;
	struct transaction *t;
	struct ike_out o;

	if (sa->ra.has_lease)
		return;
	lease(sa);
	if (!sa->ra.has_lease)
		return;
	v = offer(sa, IKE1_CFG_ALL);
	t = transaction_new(sa, IKE1_CFG_SET, &o);
	if (!t)
		return;
	ike1_put_values(&o, &v);
	(void)!transaction_send(t, &o, on_ack, NULL);
}

/* --- the client --- */

void mode_given_free(struct mode_given *g)
{
	if (!g)
		return;
	octets_fini(&g->banner);
	octets_fini(&g->domain);
	octets_fini(&g->split_dns);
	free(g);
}

static void tell(struct isakmp *sa, const char *what, const struct ike1_text *t)
{
	enum { SHOWN = 200 };
	char text[SHOWN + 1];
	size_t k = 0;

	for (; k < t->n && k < SHOWN; k++)
		text[k] = isprint(t->p[k]) ? (char)t->p[k] : ' ';
	text[k] = 0;
	if (k)
		core_log(sa->core, CORE_INFO, "mode_cfg.text", "the server gives %s: %s", what, text);
}

static void tell_nets(struct isakmp *sa, const char *what, const struct ike1_nets *nets)
{
	char net[INET_PREFIX_STRLEN];

	for (uint8_t i = 0; i < nets->n; i++)
		core_log(sa->core, CORE_INFO, "mode_cfg.net", "the server gives a network %s: %s", what,
		    inet_prefix_format(&nets->net[i], net));
}

static void tell_servers(struct isakmp *sa, const char *what, const struct inet_addr *a, uint8_t n)
{
	char text[INET_ADDR_STRLEN];

	for (uint8_t i = 0; i < n; i++)
		core_log(sa->core, CORE_INFO, "mode_cfg.server", "the server gives %s: %s", what,
		    inet_addr_format(&a[i], text));
}

static void tell_all(struct isakmp *sa, const struct ike1_values *v)
{
	char a[INET_ADDR_STRLEN], m[INET_ADDR_STRLEN] = "none", name[ISAKMP_NAME_MAX];

	if (v->netmask.family != INET_NONE)
		inet_addr_format(&v->netmask, m);
	if (v->address.family == INET_NONE)
		core_log(sa->core, CORE_WARNING, "mode_cfg.none", "the server gives no address. %s",
		    isakmp_name(sa, name));
	else
		core_log(sa->core, CORE_INFO, "mode_cfg.up", "the server gives the address %s, mask %s. %s",
		    inet_addr_format(&v->address, a), m, isakmp_name(sa, name));
	tell_servers(sa, "a name server", v->dns, v->n_dns);
	tell_servers(sa, "a NetBIOS name server", v->nbns, v->n_nbns);
	tell(sa, "a domain", &v->domain);
	tell(sa, "domains behind it", &v->split_dns);
	tell(sa, "a banner", &v->banner);
	tell_nets(sa, "behind it", &v->include);
	tell_nets(sa, "that stays here", &v->local);
}

/* 0 or -ENOMEM. */
static int keep(struct isakmp *sa, const struct ike1_values *v)
{
	struct mode_given *g = calloc(1, sizeof(*g));

	if (!g)
		return -ENOMEM;
	g->v = *v;
	g->v.version = g->v.banner = g->v.domain = g->v.split_dns = (struct ike1_text){0};
	if (octets_set(&g->banner, v->banner.p, v->banner.n) < 0 ||
	    octets_set(&g->domain, v->domain.p, v->domain.n) < 0 ||
	    octets_set(&g->split_dns, v->split_dns.p, v->split_dns.n) < 0) {
		mode_given_free(g);
		return -ENOMEM;
	}
	mode_given_free(sa->ra.given);
	sa->ra.given = g;
	tell_all(sa, v);
	return 0;
}

/* An address that is nobody's, or everybody's, is none. */
static bool usable(const struct inet_addr *a)
{
	enum { LOOPBACK = 127, MULTICAST = 224 };

	return a->family == INET_NONE || (a->b[0] && a->b[0] != LOOPBACK && a->b[0] < MULTICAST);
}

static void configured(struct isakmp *sa)
{
	sa->ra.configured = true;
	if (sa->state == ISAKMP_CONFIG)
		phase1_up(sa);
}

static void on_given(struct transaction *t, const struct ike1_config *c)
{
	struct isakmp *sa = t->sa;
	struct ike1_values v;

	if (sa->state != ISAKMP_CONFIG)
		return;
	if (ike1_values_decode(c, &v) != IKE_OK || !usable(&v.address) || keep(sa, &v) < 0) {
		phase1_fail(sa, 0, "the server's answer to mode config is malformed");
		return;
	}
	configured(sa);
}

/* A server that tells by itself need not answer. */
static void on_silence(struct transaction *t)
{
	if (t->sa->state != ISAKMP_CONFIG)
		transaction_free(t);
	else
		phase1_fail(t->sa, 0, "the server does not answer mode config");
}

void mode_config_ask(struct isakmp *sa)
{
	struct ike_out o;
	struct transaction *t = transaction_new(sa, IKE1_CFG_REQUEST, &o);

	if (t)
		ike1_put_asked(&o, IKE1_CFG_ALL & ~(IKE1_HAS_VERSION | IKE1_HAS_SAVE_PASSWD));
	if (!t || !transaction_send(t, &o, on_given, on_silence))
		phase1_fail(sa, 0, "mode config's request could not be sent");
}

static void on_push(struct transaction *t, const struct ike1_values *v)
{
	struct isakmp *sa = t->sa;
	struct ike_out o;

	if (!usable(&v->address) || keep(sa, v) < 0) {
		transaction_free(t);
		return;
	}
	transaction_answer(t, &o);
	ike1_put_asked(&o, v->has);
	transaction_send_answer(t, &o);
	configured(sa);
}

/* A client that has gone on has heard that its user is known, though its acknowledgement was lost. */
static bool is_ready(struct isakmp *sa)
{
	if (sa->state == ISAKMP_XAUTH && sa->ra.said_so)
		phase1_up(sa);
	return isakmp_is_up(sa) || sa->state == ISAKMP_CONFIG;
}

void mode_config_message(struct transaction *t, const struct ike1_config *c)
{
	struct isakmp *sa = t->sa;
	struct ike1_values v;
	bool client = sa->initiator && isakmp_peer(sa)->mode_cfg && !ike_auth_asks(sa->terms.auth);

	if (!is_ready(sa)) {
		if (sa->state != ISAKMP_GONE)
			transaction_free(t);
		return;
	}
	if (ike1_values_decode(c, &v) != IKE_OK)
		transaction_free(t);
	else if (c->type == IKE1_CFG_REQUEST && !client)
		on_pull(t, &v);
	else if (c->type == IKE1_CFG_SET && client)
		on_push(t, &v);
	else
		transaction_free(t);
}
