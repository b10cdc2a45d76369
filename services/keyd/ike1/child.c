/*
 * The data path's SAs outlive the ISAKMP SA that made them, and this process: what is kept here serves
 * renewal and goodbyes.
 */
#include "keyd/ike1/child.h"

#include "keyd/ike1/inform.h"
#include "keyd/ike1/isakmp.h"
#include "keyd/ike1/quick.h"
#include "keyd/ike1/trace.h"

enum {
	LINGER_MS = 30000,
	SOFT_PERCENT = 80,    /* racoon's */
	CHILD_PAIRS_MAX = 64, /* of one policy with one peer, old ones that go soon included */
	JITTER_PERCENT = 5,   /* earlier than that, so that many made together are not renewed together */
};

static void say(
    struct child *k, const char *event, const char *what, const struct child_part *p, bool inbound)
{
	const struct inet_addr *from = inbound ? &k->path.remote : &k->path.local,
	                       *to = inbound ? &k->path.local : &k->path.remote;
	uint32_t spi = inbound ? p->spi_in : p->spi_out;
	char a[INET_ADDR_STRLEN], b[INET_ADDR_STRLEN];

	core_log(k->core, CORE_INFO, event, "IPsec-SA %s: %s/%s %s[0]->%s[0] spi=%u(0x%x)", what,
	    trace_proto_word(p->proto), p->mode == IPSEC_TUNNEL ? "Tunnel" : "Transport",
	    inet_addr_format(from, a), inet_addr_format(to, b), spi, spi);
}

/* racoon's line for what the peer has no more. */
static void say_purged(struct child *k, const char *why, const struct child_part *p)
{
	if (strncmp(why, "purged", 6) == 0 || strcmp(why, "deleted by the peer") == 0)
		core_log(k->core, CORE_INFO, "ipsec.purged", "purged IPsec-SA proto_id=%s spi=%u.",
		    trace_proto_word(p->proto), p->spi_out);
}

/* racoon's line for the whole. */
static void say_phase2(struct child *k, const char *why)
{
	const char *word = strcmp(why, "expired") == 0 ? "expired" : "deleted";
	char a[INET_ADDR_STRLEN], b[INET_ADDR_STRLEN];

	core_log(k->core, CORE_INFO, "ipsec.phase2", "phase2 sa %s %s-%s", word,
	    inet_addr_format(&k->path.local, a), inet_addr_format(&k->path.remote, b));
}

/* How much later another pair must have been made to count as this one's successor. Less than a renewal is
 * early, so that of two chains one ends; more than two negotiations that began at once are apart, for of
 * those each side has its own made first. */
static uint64_t successor_ms(const struct child *k)
{
	return k->seconds ? k->seconds * 1000 / 4 : LINGER_MS;
}

/* Both sides may have begun at once, or one anew: what somebody will renew who has a newer one is not renewed
 * twice. */
static bool has_newer(const struct child *k)
{
	list_foreach (other, &k->core->children, struct child, node)
		if (other != k && other->out.id == k->out.id && !other->replaced &&
		    other->made_ms > k->made_ms + successor_ms(k))
			return true;
	return false;
}

static void renew(struct child *k)
{
	if (k->initiator && !k->replaced && !has_newer(k))
		quick_renew(k);
}

static void on_renew(struct timer *t, void *arg)
{
	(void)arg;
	renew(container_of(t, struct child, renew));
}

/* Time is watched here, to the millisecond; the data path tells of octets and of the end. */
static void plan_renewal(struct child *k)
{
	struct core *c = k->core;
	uint64_t ms = k->seconds * 1000;

	if (k->initiator && ms)
		(void)!timer_set(&c->timers, &k->renew,
		    k->made_ms + ms * (SOFT_PERCENT - rng_below(c->rng, JITTER_PERCENT + 1)) / 100, on_renew);
}

/* A peer may ask for one pair after the other for a policy, and never end any. */
static void limit_pairs(struct child *k)
{
	struct child *oldest = NULL;
	uint32_t n = 0;

	list_foreach (other, &k->core->children, struct child, node) {
		if (other->out.id != k->out.id || !ike_path_same_peer(&other->path, &k->path))
			continue;
		oldest = oldest ? oldest : other;
		n++;
	}
	if (n > CHILD_PAIRS_MAX)
		child_end(oldest, true, "replaced");
}

struct child *child_new(struct core *c, const struct child *from)
{
	struct child *k = malloc(sizeof(*k));

	if (!k)
		return NULL;
	*k = *from;
	k->core = c;
	core_conf_ref(k->conf);
	k->made_ms = core_now(c);
	list_init(&k->node);
	list_append(&c->children, &k->node);
	c->n_children++;
	c->counters.established2++;
	plan_renewal(k);
	for (uint8_t i = 0; i < k->n_parts; i++)
		say(k, "ipsec.up", "established", &k->part[i], true);
	for (uint8_t i = 0; i < k->n_parts; i++)
		say(k, "ipsec.up", "established", &k->part[i], false);
	limit_pairs(k);
	return k;
}

void child_end(struct child *k, bool tell, const char *why)
{
	struct core *c = k->core;

	if (tell)
		inform_delete_child(k);
	for (uint8_t i = 0; i < k->n_parts; i++) {
		say(k, "ipsec.end", why, &k->part[i], true);
		say_purged(k, why, &k->part[i]);
		c->ports.remove(c->ports.arg, k->part[i].serial_in);
		c->ports.remove(c->ports.arg, k->part[i].serial_out);
	}
	say_phase2(k, why);
	c->ports.grant_drop(c->ports.arg, k->grant);
	timer_stop(&c->timers, &k->linger);
	timer_stop(&c->timers, &k->renew);
	quick_forget_child(c, k);
	list_remove(&k->node);
	c->n_children--;
	child_leave_policy(c, &k->out);
	core_conf_unref(k->conf);
	free(k);
}

static void on_linger(struct timer *t, void *arg)
{
	(void)arg;
	child_end(container_of(t, struct child, linger), true, "replaced");
}

void child_replace(struct child *k)
{
	struct core *c = k->core;

	k->replaced = true;
	if (timer_set(&c->timers, &k->linger, core_now(c) + LINGER_MS, on_linger) < 0)
		child_end(k, true, "replaced");
}

static bool has_serial(const struct child *k, uint64_t serial)
{
	for (uint8_t i = 0; i < k->n_parts; i++)
		if (k->part[i].serial_in == serial || k->part[i].serial_out == serial)
			return true;
	return false;
}

struct child *child_by_serial(struct core *c, uint64_t serial)
{
	list_foreach (k, &c->children, struct child, node)
		if (has_serial(k, serial))
			return k;
	return NULL;
}

struct child *child_by_peer_spi(
    struct core *c, const struct ike_path *peer, enum ipsec_proto proto, uint32_t spi)
{
	list_foreach (k, &c->children, struct child, node)
		for (uint8_t i = 0; ike_path_same_peer(&k->path, peer) && i < k->n_parts; i++)
			if (k->part[i].proto == proto && k->part[i].spi_out == spi)
				return k;
	return NULL;
}

struct child *child_of_policy(struct core *c, uint32_t policy_id)
{
	struct child *newest = NULL;

	list_foreach (k, &c->children, struct child, node)
		if (k->out.id == policy_id && !k->replaced)
			newest = k;
	return newest;
}

void child_end_all(struct core *c, const struct ike_path *peer, uint64_t before_ms, const char *why)
{
	list_foreach_safe (k, next, &c->children, struct child, node)
		if (ike_path_same_peer(&k->path, peer) && k->made_ms < before_ms)
			child_end(k, false, why);
}

void child_leave_policy(struct core *c, const struct policy *out)
{
	if (!out->generated || !out->id)
		return;
	list_foreach (k, &c->children, struct child, node)
		if (k->out.id == out->id)
			return;
	c->ports.policy_drop(c->ports.arg, out->id);
}

bool child_any(struct core *c, const struct ike_path *peer)
{
	list_foreach (k, &c->children, struct child, node)
		if (ike_path_same_peer(&k->path, peer))
			return true;
	return false;
}

void child_shorten(struct child *k, uint64_t seconds)
{
	if (k->seconds && seconds >= k->seconds)
		return;
	core_log(k->core, CORE_INFO, "ipsec.life",
	    "the peer says RESPONDER-LIFETIME: a pair is renewed as if it lived for %llu s, not %llu",
	    (unsigned long long)seconds, (unsigned long long)k->seconds);
	k->seconds = seconds;
	plan_renewal(k);
}

void child_expired(struct child *k, uint64_t serial, bool hard)
{
	(void)serial;
	if (hard) {
		/* One of the pair is no use without the other. */
		child_end(k, true, "expired");
		return;
	}
	renew(k);
}
