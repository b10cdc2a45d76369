/*
 * Every established SA is one "up", and its end one "down", whether another has taken its place or not: who
 * counts them knows when the last one is gone. A peer that was found dead is told as that first.
 */
#include "keyd/ike1/hook.h"

enum { NAME_ROOM = 1024 };

/* A distinguished name and an address as text, everything else as its octets, which hooks makes harmless. */
static struct ike1_octets name_of(const struct ike_id *id, char text[NAME_ROOM])
{
	if (id->kind == IKE_ID_NONE)
		return (struct ike1_octets){NULL, 0};
	if (id->kind == IKE_ID_FQDN || id->kind == IKE_ID_USER_FQDN || id->kind == IKE_ID_KEYID)
		return (struct ike1_octets){id->data, id->len};
	ike_id_format(id, text, NAME_ROOM);
	return (struct ike1_octets){(const uint8_t *)text, strlen(text)};
}

/* What the server gave us; or, on the server, the address that the client was given. */
static void put_given(const struct remote_access *ra, struct core_hook *h)
{
	const struct mode_given *g = ra->given;

	h->has_given = g || ra->address.family != INET_NONE;
	h->address = g ? g->v.address : ra->address;
	if (!g)
		return;
	h->netmask = g->v.netmask;
	h->dns = g->v.dns;
	h->n_dns = g->v.n_dns;
	h->wins = g->v.nbns;
	h->n_wins = g->v.n_nbns;
	h->include = g->v.include.net;
	h->n_include = g->v.include.n;
	h->kept_out = g->v.local.net;
	h->n_kept_out = g->v.local.n;
	h->domain = octets_slice(&g->domain);
}

static void tell(const struct isakmp *sa, enum ike_hook hook)
{
	const struct core_ports *p = &sa->core->ports;
	char text[NAME_ROOM];
	struct core_hook h = {.hook = hook,
	    .generation = sa->conf->generation,
	    .peer = sa->peer,
	    .path = &sa->path,
	    .id = name_of(&sa->peer_id, text)};

	if (!p->hook || !isakmp_peer(sa)->script[hook])
		return;
	put_given(&sa->ra, &h);
	p->hook(p->arg, &h);
}

void hook_state(const struct isakmp *sa, enum isakmp_state was)
{
	if (sa->state == ISAKMP_UP) {
		tell(sa, IKE_HOOK_UP);
	} else if (was == ISAKMP_UP) {
		if (sa->is_dead)
			tell(sa, IKE_HOOK_DEAD);
		tell(sa, IKE_HOOK_DOWN);
	}
}
