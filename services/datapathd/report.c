/*
 * What `status` and `stats` say. Counters are read while the worker counts on: each number is right, the sum
 * of two may be one packet apart.
 */
#include "crypto/crypto.h"
#include "datapathd/datapathd.h"
#include "datapathd/keying.h"

static void add_counter(void *arg, const char *name, uint64_t value)
{
	service_stats_add(arg, name, value);
}

void datapathd_stats(struct service *s, struct service_stats_sink *to)
{
	struct datapathd *d = service_data(s);

	if (d->worker)
		counters_each(&d->worker->counters, add_counter, to);
	service_stats_add(to, "path.keepalives", d->n_keepalives);
	service_stats_add(to, "path.ike_lost", d->ike.n_lost);
	service_stats_add(to, "path.ike_sent", d->ike.n_sent);
	service_stats_add(to, "path.ike_unsent", d->ike.n_unsent);
}

static void report_tunables(struct service_status_sink *to, struct tunables t)
{
	static const char *const df[] = {"cleared", "set", "copied"};

	service_status_add(to, "outer header", "dfbit %u (%s), ecn %u (%s), dscp %u (%s)", t.dfbit,
	    df[t.dfbit], t.ecn, t.ecn ? "RFC 6040" : "never", t.dscp, t.dscp ? "copied" : "zero");
	if (t.dummy)
		service_status_add(to, "dummy packets", "after %u s of quiet", t.dummy);
	service_status_add(to, "keepalive", t.keepalive ? "after %u s of quiet" : "none", t.keepalive);
}

/* Only what is missing is worth a line. */
static void report_sockets(struct service_status_sink *to, const struct worker_fds *fd)
{
	bool v6 = fd->send6 >= 0;

	if (!v6)
		service_status_add(to, "ipv6", "not on this host");
	if (fd->in[SOURCE_UDP4] < 0 || (v6 && fd->in[SOURCE_UDP6] < 0))
		service_status_add(to, "warning",
		    "UDP port %d was taken by another program at the start: esp-udp cannot be received",
		    SA_UDP_PORT);
}

void datapathd_status(struct service *s, struct service_status_sink *to)
{
	struct datapathd *d = service_data(s);
	const struct spd_view *v = atomic_load(&d->view);

	service_status_add(to, "sas", "%u", d->sad.n);
	service_status_add(to, "sad_memory", "%s, %u segments%s", sad_store_kind(d->store),
	    sad_store_segments(d->store), sad_store_is_kept(d->store) ? ", kept by the launcher" : "");
	if (!sad_store_is_kept(d->store))
		service_status_add(to, "warning", "no launcher keeps SAD memory: SAs end with this process");
	if (d->bad_slots)
		service_status_add(to, "dropped_slots", "%u", d->bad_slots);
	if (v) {
		service_status_add(to, "spd_version", "%llu", (unsigned long long)v->version);
		service_status_add(to, "policies_out", "%u", v->n[SPD_OUT]);
		service_status_add(to, "policies_in", "%u", v->n[SPD_IN] + v->n[SPD_FWD]);
		service_status_add(to, "policies_memory", "%zu KiB", v->memory >> 10);
		service_status_add(to, "enabled", "%s", v->enabled ? "yes" : "no");
	} else {
		service_status_add(to, "spd_version", "none yet: packets wait for policyd");
	}
	service_status_add(to, "key_preferred_oldsa", "%d", atomic_load(&d->sad.prefer_old) ? 1 : 0);
	report_tunables(to, tunables_unpack(atomic_load(&d->tune)));
	report_sockets(to, &d->fd);
	service_status_add(to, "grants", "%u", d->grants.n);
	service_status_add(to, "keyd", "%s", keyd_edge_conn(d->keyd) ? "connected" : "not connected");
	service_status_add(to, "acquires_outstanding", "%u", acquirer_outstanding(d->acquirer));
	service_status_add(to, "workers", "%d", WORKERS_MAX);
	service_status_add(to, "crypto", "%s", crypto_engine_name());
	if (*crypto_absent_names())
		service_status_add(to, "absent_algorithms", "%s", crypto_absent_names());
	service_status_add(to, "device", "%s", service_settings(s)->device);
}
