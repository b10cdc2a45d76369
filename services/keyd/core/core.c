/*
 * The outside of the core: everything that happens comes through here, and after each event what has ended is
 * buried, so that no handler has to think of its own object being freed under it.
 */
#include "keyd/core/core.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "keyd/core/carry_over.h"
#include "keyd/core/child.h"
#include "keyd/core/listen.h"
#include "keyd/core/party.h"
#include "keyd/core/upkeep.h"
#include "keyd/core/versions.h"
#include "keyd/core/waiters.h"

enum {
	STRANGERS_RATE = 2000, /* first messages of main mode a second, or a twentieth of the other modes */
	HINTS_RATE = 10,
	KEYS_RATE = 200, /* key exchanges with those whose address is all that is known */
	/* Half of what certd computes for one address: what is forged in a peer's name must not use up all of
	   it. */
	GUESSES_RATE = 5,
	GUESSES_BURST = 20,
	TRACES_RATE = 200, /* a negotiation causes some fifty */
	TRACES_BURST = 4000,
	UPKEEP_RATE = 100, /* tries of all connections that are kept up: what policyd has time for */
	AGAIN_RATE = 500,  /* beside them: first messages that have come before */
	TEXT_MAX = 900,
};

struct core *core_new(const struct core_def *d)
{
	struct core *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->ports = d->ports;
	c->keep = d->keep;
	c->clock = d->clock;
	c->rng = d->rng;
	parking_init(&c->parking);
	for (size_t i = 0; i < CORE_BUCKETS; i++) {
		list_init(&c->by_cookie[i]);
		list_init(&c->begun[i]);
		list_init(&c->by_policy[i]);
		list_init(&c->by_peer[i]);
		list_init(&c->parties[i]);
		list_init(&c->ike2.by_spi[i]);
		list_init(&c->ike2.begun[i]);
		list_init(&c->ike2.by_peer[i]);
		list_init(&c->upkeeps[i]);
	}
	spread_init(&c->spread, c->rng);
	list_init(&c->isakmp);
	for (size_t i = 0; i < ARRAY_SIZE(c->unproved); i++)
		list_init(&c->unproved[i]);
	for (size_t i = 0; i < ARRAY_SIZE(c->fragments); i++)
		list_init(&c->fragments[i].rooms);
	list_init(&c->ike2.sas);
	list_init(&c->ike2.unproved);
	list_init(&c->ike2.dead);
	list_init(&c->children);
	list_init(&c->waiters);
	list_init(&c->dead);
	bucket_init(&c->strangers, STRANGERS_RATE, STRANGERS_RATE, core_now(c));
	bucket_init(&c->hints, HINTS_RATE, HINTS_RATE, core_now(c));
	bucket_init(&c->too_new, HINTS_RATE, HINTS_RATE, core_now(c));
	bucket_init(&c->keys, KEYS_RATE, 2 * KEYS_RATE, core_now(c));
	meter_init(&c->guesses, GUESSES_RATE, GUESSES_BURST);
	bucket_init(&c->upkeep_tries, UPKEEP_RATE, 2 * UPKEEP_RATE, core_now(c));
	bucket_init(&c->again, AGAIN_RATE, AGAIN_RATE, core_now(c));
	bucket_init(&c->traces, TRACES_RATE, TRACES_BURST, core_now(c));
	return c;
}

static void forget_all(struct core *c)
{
	c->keep = NULL;
	c->ports.hook = NULL;
	list_foreach_safe (k, next, &c->children, struct child, node) {
		k->n_parts = 0; /* the data path's own keep */
		child_end(k, false, CHILD_FORGOTTEN);
	}
	for (size_t i = 0; i < IKE_VERSIONS; i++)
		ike_versions[i]->forget(c);
	core_settle(c);
}

struct core *core_free(struct core *c)
{
	if (!c)
		return NULL;
	list_foreach_safe (w, next, &c->waiters, struct waiter, node)
		waiter_free(w);
	upkeep_fini(c);
	forget_all(c);
	core_conf_unref(c->conf);
	timers_fini(&c->timers);
	repeat_fini(&c->repeat);
	leases_fini(&c->leases);
	wipe(c->in, sizeof(c->in));
	wipe(c->out, sizeof(c->out));
	wipe(c->chain, sizeof(c->chain));
	free(c);
	return NULL;
}

struct core_conf *core_conf_ref(struct core_conf *f)
{
	f->refs++;
	return f;
}

struct core_conf *core_conf_unref(struct core_conf *f)
{
	if (f && --f->refs == 0) {
		ike_conf_free(f->c);
		free(f);
	}
	return NULL;
}

/* What was made with peers that the new configuration does not have ends, and they are told, while there is
 * something to tell them under. */
static void end_dropped(struct core *c, const struct ike_conf *next_conf)
{
	list_foreach_safe (k, next, &c->children, struct child, node)
		if (!ike_conf_find_peer(next_conf, &k->path.remote))
			child_end(k, true, CHILD_UNCONFIGURED);
}

int core_load(struct core *c, uint64_t generation, struct ike_conf *conf)
{
	struct core_conf *f = calloc(1, sizeof(*f));

	if (!f)
		return -ENOMEM;
	*f = (struct core_conf){.refs = 1, .generation = generation, .c = conf};
	end_dropped(c, conf);
	core_conf_unref(c->conf);
	c->conf = f;
	upkeep_load(c);
	carry_over_all(c);
	core_settle(c);
	return leases_follow(&c->leases, &c->conf->c->pool);
}

static void trace_arrival(struct core *c, const struct ike_path *path, size_t n)
{
	char a[INET_ADDR_STRLEN], b[INET_ADDR_STRLEN];

	if (!core_traces(c))
		return;
	core_trace(c, "message.received", "%zu bytes message received from %s[%u] to %s[%u]", n,
	    inet_addr_format(&path->remote, a), path->remote_port, inet_addr_format(&path->local, b),
	    path->local_port);
}

/* `listen` is a filter: the sockets are wildcards. */
static bool is_heard(struct core *c, const struct ike_path *path)
{
	char a[INET_ADDR_STRLEN], b[INET_ADDR_STRLEN];

	if (listen_has(c->conf->c, &path->local))
		return true;
	c->counters.not_listening++;
	if (!core_may_note(c))
		return false;
	core_log(c, CORE_NOTICE, "isakmp.unlistened",
	    "a message from %s[%u] to %s[%u] is dropped: listen does not name this address",
	    inet_addr_format(&path->remote, b), path->remote_port, inet_addr_format(&path->local, a),
	    path->local_port);
	return false;
}

void core_datagram(struct core *c, const struct ike_path *path, const uint8_t *d, size_t n)
{
	struct ike_hdr hdr;
	enum ike_fault f = ike_hdr_parse(d, n, &hdr);

	c->counters.datagrams++;
	trace_arrival(c, path, n);
	if (f != IKE_OK || !hdr.major || n > CORE_DATAGRAM_MAX) {
		c->counters.malformed++;
		return;
	}
	c->counters.malformed += hdr.major > IKE_VERSIONS;
	if (!c->conf || !is_heard(c, path))
		;
	else if (hdr.major > IKE_VERSIONS)
		ike_versions[IKE_VERSIONS - 1]->too_new(c, path, &hdr);
	else
		ike_versions[hdr.major - 1]->datagram(c, path, &hdr, d);
	core_settle(c);
}

void core_settle(struct core *c)
{
	for (size_t i = 0; i < IKE_VERSIONS; i++)
		ike_versions[i]->bury(c);
	waiters_settle(c);
}

bool core_reply(struct core *c, uint64_t token, struct core_reply *r)
{
	bool waited = parking_answer(&c->parking, token, r);

	if (!waited)
		c->counters.late_replies++;
	core_settle(c);
	return waited;
}

void core_step(struct core *c)
{
	timers_run(&c->timers, core_now(c), c);
	core_settle(c);
}

uint64_t core_next_ms(const struct core *c)
{
	return timers_next_ms(&c->timers);
}

/* Why a packet's policy is not negotiated for; NULL: it is. */
static const char *unfit(struct core *c, const struct core_acquire *a, const struct ike_peer **ret)
{
	*ret = c->conf ? ike_conf_find_beginner(c->conf->c, &a->dst) : NULL;
	if (!c->conf)
		return "no configuration is loaded";
	if (!*ret)
		return "no configuration found";
	if (!listen_has(c->conf->c, &a->src))
		return "listen names other addresses of this host than the one it would be negotiated from";
	if (upkeep_is_held(c, &a->dst))
		return "an administrator wants the connection down, until `ipsecctl up`";
	return (*ret)->passive ? "its remote is passive" : NULL;
}

void core_acquire(struct core *c, const struct core_acquire *a)
{
	const struct ike_peer *p;
	const char *why;
	char b[INET_ADDR_STRLEN];

	/* Who may not begin answers, and its own answer to the first packet may be there before the pair is.
	 */
	for (size_t i = 0; i < IKE_VERSIONS; i++)
		if (ike_versions[i]->join(c, a)) {
			core_settle(c);
			return;
		}
	why = unfit(c, a, &p);
	if (why) {
		core_log(c, CORE_DEBUG, "ipsec.acquire", "an acquire for %s is ignored: %s",
		    inet_addr_format(&a->dst, b), why);
		c->ports.acquire_done(c->ports.arg, a->seq, false);
	} else {
		ike_version_of(p)->acquire(c, a);
	}
	core_settle(c);
}

void core_expired(struct core *c, uint64_t serial, bool hard)
{
	struct child *k = child_by_serial(c, serial);

	if (k)
		child_expired(k, serial, hard);
	core_settle(c);
}

/* The hint was on its way while the SA came. */
static bool has_spi(struct core *c, const struct inet_addr *remote, enum ipsec_proto proto, uint32_t spi)
{
	list_foreach (k, core_of_peer(c->by_peer, remote), struct child, by_peer)
		for (uint8_t i = 0; i < k->n_parts; i++)
			if (k->part[i].proto == proto && k->part[i].spi_in == spi &&
			    inet_addr_equal(&k->path.remote, remote))
				return true;
	return false;
}

void core_unknown_spi(struct core *c, const struct inet_addr *local, const struct inet_addr *remote,
    enum ipsec_proto proto, uint32_t spi)
{
	const struct ike_path path = {
	    .local = *local, .remote = *remote, .local_port = IKE_PORT, .remote_port = IKE_PORT};
	const struct ike_peer *p = c->conf ? ike_conf_find_peer(c->conf->c, remote) : NULL;

	if (p && !upkeep_is_held(c, remote) && !has_spi(c, remote, proto, spi))
		ike_version_of(p)->unknown_spi(c, &path, proto, spi);
	core_settle(c);
}

void core_moved(struct core *c, uint64_t serial, uint16_t port)
{
	struct child *k = child_by_serial(c, serial);

	if (k)
		party_moved(k->party, port);
}

void core_shutdown(struct core *c)
{
	upkeep_fini(c);
	/* In version 2 they end with their IKE SA, and there is one message that can be said: the next would
	 * wait for its answer (RFC 7296 section 2.3), and nobody does. */
	list_foreach_safe (k, next, &c->children, struct child, node)
		if (k->ops->version == 1)
			child_end(k, true, CHILD_DELETED);
	for (size_t i = 0; i < IKE_VERSIONS; i++)
		ike_versions[i]->end_all(c, "deleted", NULL);
	core_settle(c);
}

static void vlog(struct core *c, enum core_level level, const char *event, const char *fmt, va_list ap)
{
	char text[TEXT_MAX];

	vsnprintf(text, sizeof(text), fmt, ap);
	c->ports.log(c->ports.arg, level, event, text);
}

void core_log(struct core *c, enum core_level level, const char *event, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vlog(c, level, event, fmt, ap);
	va_end(ap);
}

static void notes_end(struct timer *t, void *arg)
{
	struct core *c = arg;
	uint64_t held = notes_over(&c->notes, &c->timers, core_now(c), notes_end);

	(void)t;
	if (held)
		core_log(c, CORE_NOTICE, "log.held", "%llu lines that strangers caused in %d s were left out",
		    (unsigned long long)held, NOTES_PERIOD_MS / 1000);
}

bool core_traces(const struct core *c)
{
	return c->ports.traces && c->ports.traces(c->ports.arg);
}

void core_trace(struct core *c, const char *event, const char *fmt, ...)
{
	va_list ap;

	if (!core_traces(c))
		return;
	if (!bucket_take(&c->traces, 1, core_now(c))) {
		c->traces_held++;
		return;
	}
	if (c->traces_held)
		core_log(c, CORE_DEBUG, "log.held", "%llu lines of level debug were left out",
		    (unsigned long long)c->traces_held);
	c->traces_held = 0;
	va_start(ap, fmt);
	vlog(c, CORE_DEBUG, event, fmt, ap);
	va_end(ap);
}

bool core_may_note(struct core *c)
{
	return notes_take(&c->notes, &c->timers, core_now(c), notes_end);
}

void core_note(struct core *c, enum core_level level, const char *event, const char *fmt, ...)
{
	va_list ap;

	if (!core_may_note(c))
		return;
	va_start(ap, fmt);
	vlog(c, level, event, fmt, ap);
	va_end(ap);
}
