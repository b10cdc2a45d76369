/*
 * What `status` and `stats` say.
 */
#include "ipc/client.h"
#include "keyd/core/upkeep.h"
#include "keyd/keep/keep.h"
#include "keyd/keyd.h"

static const char *up(const struct ipc_client *c)
{
	return c && ipc_client_is_up(c) ? "connected" : "not connected";
}

void keyd_status(struct service *s, struct service_status_sink *to)
{
	const struct keyd *k = keyd_of(s);
	const struct core *c = k->core;
	const struct upkeep_counts kept = upkeep_count(c);

	if (c->conf) {
		service_status_add(to, "peers", "%u", c->conf->c->n_peers);
		service_status_add(to, "generation", "%llu", (unsigned long long)c->conf->generation);
	} else {
		service_status_add(to, "peers", "no configuration is loaded");
	}
	service_status_add(
	    to, "isakmp sas", "%u, half open %u", c->n_isakmp, c->n_unproved[0] + c->n_unproved[1]);
	service_status_add(to, "ike sas", "%u of version 2, half open %u", c->ike2.n, c->ike2.n_unproved);
	service_status_add(to, "ipsec sas", "%u pairs", c->n_children);
	if (kept.n)
		service_status_add(to, "keep up", "%u of %u children are up, %u are held down", kept.n_up,
		    kept.n, kept.n_held);
	service_status_add(to, "kept", "%u slots of %d octets, %u segments%s", keep_n_slots(k->keep),
	    SLOT_SIZE, keep_n_segments(k->keep),
	    keep_is_stored(k->keep) ? "" : "; nobody keeps them for a restart");
	service_status_add(to, "certd", "%s", up(k->certd));
	service_status_add(to, "certd-verify", "%s", up(k->verify));
	service_status_add(to, "policyd", "%s", up(k->policyd));
	service_status_add(to, "datapathd", "%s", up(k->datapathd));
	service_status_add(to, "hooks", "%s", up(k->hooks));
	if (k->udp6 < 0)
		service_status_add(to, "ipv6", "not on this host");
}

void keyd_stats(struct service *s, struct service_stats_sink *to)
{
	const struct core_counters *n = &keyd_of(s)->core->counters;
	const struct {
		const char *name;
		uint64_t value;
	} rows[] = {
	    {"ike.datagrams", n->datagrams},
	    {"ike.fragments", n->fragments},
	    {"ike.malformed", n->malformed},
	    {"ike.unknown", n->unknown},
	    {"ike.not_listening", n->not_listening},
	    {"ike.duplicates", n->duplicates},
	    {"ike.retransmits", n->retransmits},
	    {"ike.refused_busy", n->refused_busy},
	    {"ike.evicted", n->evicted},
	    {"ike.bad_hash", n->bad_hash},
	    {"ike.late_replies", n->late_replies},
	    {"isakmp.established", n->established1},
	    {"isakmp.failed", n->failed1},
	    {"ipsec.established", n->established2},
	    {"ipsec.failed", n->failed2},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		service_stats_add(to, rows[i].name, rows[i].value);
}
