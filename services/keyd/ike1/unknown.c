/*
 * Nothing is ever said in clear: an INVALID-SPI that nobody has to believe would be an answer to whoever
 * forges an address. A peer with whom we have an ISAKMP SA hears under it that the SA is gone. With one that
 * the configuration names, and with whom there is none, as after a start of this host, one is begun:
 * INITIAL-CONTACT under it ends all that the peer still has. That is one negotiation at a time, to an address
 * that root has written down.
 */
#include "keyd/ike1/unknown.h"

#include "keyd/ike1/inform.h"
#include "keyd/ike1/phase1.h"
#include "keyd/ike1/quick.h"
#include "keyd/ike1/select.h"

/* It is being negotiated. */
static bool is_coming(struct core *c, enum ipsec_proto proto, uint32_t spi)
{
	list_foreach (sa, &c->isakmp, struct isakmp, all)
		list_foreach (q, &sa->quicks, struct quick, node)
			for (uint8_t i = 0; i < q->n_parts; i++)
				if (q->part[i].proto == proto && q->part[i].spi_in == spi)
					return true;
	return false;
}

static bool is_under_way(struct core *c, const struct inet_addr *remote)
{
	list_foreach (sa, &c->isakmp, struct isakmp, all)
		if (inet_addr_equal(&sa->path.remote, remote))
			return true;
	return false;
}

/* The peer to begin with; NULL: nobody whose address stands in the configuration, or not wanted. */
static const struct ike_peer *named(struct core *c, const struct inet_addr *remote)
{
	const struct ike_peer *p = c->conf ? select_remote(c->conf->c, remote, NULL) : NULL;

	return p && p->addr.family != INET_NONE && !p->passive && p->initial_contact && p->n_modes ? p : NULL;
}

void unknown_spi(struct core *c, const struct ike_path *path, enum ipsec_proto proto, uint32_t spi)
{
	const struct inet_addr *remote = &path->remote;
	struct isakmp *sa = isakmp_find_host(c, path);
	const struct ike_peer *p;
	char b[INET_ADDR_STRLEN];

	if (is_coming(c, proto, spi))
		return;
	if (sa) {
		if (bucket_take(&c->hints, 1, core_now(c)))
			inform_delete_spi(sa, proto, spi);
		return;
	}
	p = is_under_way(c, remote) ? NULL : named(c, remote);
	if (!p || !bucket_take(&c->hints, 1, core_now(c)))
		return;
	core_note(c, CORE_NOTICE, "isakmp.unknown_spi",
	    "packets come from %s for an SA that is not here (spi 0x%x): phase 1 is begun to tell it",
	    inet_addr_format(remote, b), spi);
	sa = isakmp_new(c, (uint32_t)(p - c->conf->c->peer), path, p->mode[0], NULL);
	if (!sa)
		return;
	sa->gone_proto = proto;
	sa->gone_spi = spi;
	phase1_begin(sa);
}
