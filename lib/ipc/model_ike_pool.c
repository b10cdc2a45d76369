/*
 * What clients are given.
 */
#include <errno.h>
#include <string.h>

#include "ipc/model.h"
#include "ipc/model_ike.h"

enum { THROTTLE_MAX_S = 60 };

static char *text(const char *s)
{
	return s ? (char *)(uintptr_t)s : (char *)(uintptr_t) "";
}

static size_t addrs_encode(const struct inet_addr *a, uint8_t n, Postern__Addr *to, Postern__Addr **to_p)
{
	for (uint8_t i = 0; i < n; i++) {
		model_addr_encode(&a[i], &to[i]);
		to_p[i] = &to[i];
	}
	return n;
}

static size_t nets_encode(const struct ike_nets *nets, struct model_ike_nets_pb *to)
{
	for (uint8_t i = 0; i < nets->n; i++) {
		model_prefix_encode(&nets->net[i], &to->addr[i], &to->net[i]);
		to->p[i] = &to->net[i];
	}
	return nets->n;
}

void model_ike_pool_encode(const struct ike_pool *p, struct model_ike_pool_pb *ret)
{
	Postern__IkePool *m = &ret->m;

	*m = (Postern__IkePool)POSTERN__IKE_POOL__INIT;
	if (p->network4.family != INET_NONE) {
		model_addr_encode(&p->network4, &ret->network);
		m->network4 = &ret->network;
	}
	if (p->netmask4.family != INET_NONE) {
		model_addr_encode(&p->netmask4, &ret->mask);
		m->netmask4 = &ret->mask;
	}
	m->size = p->size;
	m->n_dns4 = addrs_encode(p->dns4, p->n_dns4, ret->dns, ret->dns_p);
	m->n_wins4 = addrs_encode(p->wins4, p->n_wins4, ret->wins, ret->wins_p);
	m->dns4 = ret->dns_p;
	m->wins4 = ret->wins_p;
	m->n_include = nets_encode(&p->include, &ret->include);
	m->n_local_lan = nets_encode(&p->local_lan, &ret->local_lan);
	m->include = ret->include.p;
	m->local_lan = ret->local_lan.p;
	m->default_domain = text(p->default_domain);
	m->split_dns = text(p->split_dns);
	m->banner = text(p->banner);
	m->auth_groups = text(p->auth_groups);
	m->auth_throttle_s = p->auth_throttle_s;
	m->pfs_group = p->pfs_group;
	m->save_passwd = p->save_passwd;
}

static int addr4(const Postern__Addr *m, struct inet_addr *ret, struct err_text *e)
{
	int r = model_addr_decode(m, true, ret, e);

	if (r == 0 && ret->family == INET_V6)
		r = err_set(e, -EBADMSG, "an address for clients that is not of IPv4");
	return r;
}

static int addrs_decode(
    Postern__Addr *const *m, size_t n, size_t max, struct inet_addr *to, uint8_t *ret_n, struct err_text *e)
{
	int r = 0;

	if (n > max)
		return err_set(e, -EBADMSG, "%zu servers for clients", n);
	for (size_t i = 0; r == 0 && i < n; i++) {
		r = addr4(m[i], &to[i], e);
		if (r == 0 && to[i].family == INET_NONE)
			r = err_set(e, -EBADMSG, "a server without an address");
	}
	*ret_n = (uint8_t)n;
	return r;
}

static int text_decode(const char *m, char **ret, struct err_text *e)
{
	if (strlen(m) > IKE_CONF_TEXT_MAX)
		return err_set(e, -EBADMSG, "a text for clients that is too long");
	*ret = m[0] ? strdup(m) : NULL;
	return m[0] && !*ret ? err_set(e, -ENOMEM, "out of memory") : 0;
}

static int nets_decode(Postern__Prefix *const *m, size_t n, struct ike_nets *to, struct err_text *e)
{
	int r = 0;

	if (n > IKE_SPLITS_MAX)
		return err_set(e, -EBADMSG, "%zu networks for clients", n);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = model_prefix_decode(m[i], &to->net[i], e);
	to->n = (uint8_t)n;
	return r;
}

static uint32_t as_number(const struct inet_addr *a)
{
	return (uint32_t)a->b[0] << 24 | (uint32_t)a->b[1] << 16 | (uint32_t)a->b[2] << 8 | a->b[3];
}

int model_ike_pool_decode(const Postern__IkePool *m, struct ike_pool *p, struct err_text *e)
{
	int r = addr4(m->network4, &p->network4, e);

	if (r == 0)
		r = addr4(m->netmask4, &p->netmask4, e);
	if (r == 0)
		r = addrs_decode(m->dns4, m->n_dns4, ARRAY_SIZE(p->dns4), p->dns4, &p->n_dns4, e);
	if (r == 0)
		r = addrs_decode(m->wins4, m->n_wins4, ARRAY_SIZE(p->wins4), p->wins4, &p->n_wins4, e);
	if (r == 0)
		r = nets_decode(m->include, m->n_include, &p->include, e);
	if (r == 0)
		r = nets_decode(m->local_lan, m->n_local_lan, &p->local_lan, e);
	if (r == 0)
		r = text_decode(m->default_domain, &p->default_domain, e);
	if (r == 0)
		r = text_decode(m->split_dns, &p->split_dns, e);
	if (r == 0)
		r = text_decode(m->banner, &p->banner, e);
	if (r == 0)
		r = text_decode(m->auth_groups, &p->auth_groups, e);
	if (r < 0)
		return r;
	if (m->size > IKE_POOL_MAX || m->auth_throttle_s > THROTTLE_MAX_S ||
	    (m->pfs_group && !model_ike_group_is_known(m->pfs_group)) ||
	    as_number(&p->network4) > UINT32_MAX - m->size)
		return err_set(e, -EBADMSG, "a number of the pool out of its range");
	p->size = m->size;
	p->auth_throttle_s = m->auth_throttle_s;
	p->pfs_group = m->pfs_group;
	p->save_passwd = m->save_passwd;
	p->present = true;
	return 0;
}
