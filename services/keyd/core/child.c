/*
 * The data path's SAs outlive the ISAKMP SA that made them, and this process: what is kept here serves
 * renewal and goodbyes.
 */
#include "keyd/core/child.h"

#include <string.h>

#include "keyd/core/upkeep.h"
#include "keyd/core/versions.h"

enum {
	LINGER_MS = 30000,
	LEFT_MS = 2000, /* after the peer has ended it */
	AGAIN_MS = 1000,
	AGAIN_SHARE = 8,      /* of what is left of its life, until it is tried again */
	SOFT_PERCENT = 80,    /* racoon's; version 2: who began leaves the peer no time to do it first */
	LATE_PERCENT = 93,    /* version 2: when who began has not done it */
	CHILD_PAIRS_MAX = 64, /* of one policy with one place, old ones that go soon included */
	JITTER_PERCENT = 5,   /* earlier than that, so that many made together are not renewed together */
};

const char *child_proto_word(enum ipsec_proto p)
{
	return p == IPSEC_ESP ? "ESP" : p == IPSEC_AH ? "AH" : "IPCOMP";
}

bool child_serves(const struct child *k, uint32_t policy_id)
{
	for (uint16_t i = 0; i < k->n_more; i++)
		if (k->more[i].policy == policy_id)
			return true;
	return k->out.id == policy_id;
}

bool child_serves_selector(const struct child *k, const struct selector *sel)
{
	for (uint16_t i = 0; i <= k->n_more; i++)
		if (selector_equal(child_selector(k, i), sel))
			return true;
	return false;
}

bool child_covers(const struct child *k, const struct child *other)
{
	bool covers = child_serves(k, other->out.id);

	for (uint16_t i = 0; covers && i < other->n_more; i++)
		covers = child_serves(k, other->more[i].policy);
	return covers;
}

static void say(
    struct child *k, const char *event, const char *what, const struct child_part *p, bool inbound)
{
	const struct inet_addr *from = inbound ? &k->path.remote : &k->path.local,
	                       *to = inbound ? &k->path.local : &k->path.remote;
	uint32_t spi = inbound ? p->spi_in : p->spi_out;
	char a[INET_ADDR_STRLEN], b[INET_ADDR_STRLEN];

	core_log(k->core, CORE_INFO, event, "IPsec-SA %s: %s/%s %s[0]->%s[0] spi=%u(0x%x)", what,
	    child_proto_word(p->proto), p->mode == IPSEC_TUNNEL ? "Tunnel" : "Transport",
	    inet_addr_format(from, a), inet_addr_format(to, b), spi, spi);
}

static const struct gone {
	const char *what;
	bool purged;        /* the peer has it no more: racoon's line for that */
	const char *phase2; /* racoon's word for the whole */
} gone[CHILD_GONE_N] = {
    [CHILD_DELETED] = {"deleted", false, "deleted"},
    [CHILD_FORGOTTEN] = {"forgotten", false, "deleted"},
    [CHILD_UNCONFIGURED] = {"deleted: the configuration does not have the peer any more", false, "deleted"},
    [CHILD_EXPIRED] = {"expired", false, "expired"},
    [CHILD_REPLACED] = {"replaced", false, "deleted"},
    [CHILD_REDUNDANT] = {"redundant: both sides have renewed it at once", false, "deleted"},
    [CHILD_SA_ENDED] = {"deleted: its IKE SA has ended", false, "deleted"},
    [CHILD_PEER_DELETED] = {"deleted by the peer", true, "deleted"},
    [CHILD_PEER_LACKS] = {"unknown to the peer", false, "deleted"},
    [CHILD_PEER_ANEW] = {"purged: the peer began anew", true, "deleted"},
    [CHILD_PEER_DEAD] = {"purged: the peer is dead", true, "deleted"},
    [CHILD_USER_MOVED] = {"purged: the user came from elsewhere", true, "deleted"},
};

static void say_purged(struct child *k, const struct child_part *p)
{
	core_log(k->core, CORE_INFO, "ipsec.purged", "purged IPsec-SA proto_id=%s spi=%u.",
	    child_proto_word(p->proto), p->spi_out);
}

static void say_phase2(struct child *k, const char *word)
{
	char a[INET_ADDR_STRLEN], b[INET_ADDR_STRLEN];

	core_log(k->core, CORE_INFO, "ipsec.phase2", "phase2 sa %s %s-%s", word,
	    inet_addr_format(&k->path.local, a), inet_addr_format(&k->path.remote, b));
}

static void keep(struct child *k)
{
	if (k->ops->keep)
		k->ops->keep(k);
}

/* How much later another pair must have been made to count as this one's successor. Less than a renewal is
 * early, so that of two chains one ends; more than two negotiations that began at once are apart, for of
 * those each side has its own made first. */
static uint64_t successor_ms(const struct child *k)
{
	return k->seconds ? k->seconds * 1000 / 4 : LINGER_MS;
}

/* Where those of this policy are, beside some of others: what is up is thousands, and of one policy few. */
static struct list *of_policy(struct core *c, uint32_t policy_id)
{
	return &c->by_policy[policy_id % CORE_BUCKETS];
}

/* Both sides may have begun at once, or one anew: what somebody will renew who has a newer one is not renewed
 * twice. */
static bool has_newer(const struct child *k)
{
	list_foreach (l, of_policy(k->core, k->out.id), struct child_link, node) {
		const struct child *other = l->child;

		if (other != k && child_covers(other, k) && !other->replaced &&
		    other->made_ms > k->made_ms + successor_ms(k) && party_same(other->party, k->party))
			return true;
	}
	return false;
}

/* In version 1 lifetimes are agreed on and who began renews; in version 2 each side has its own (RFC 7296
 * section 2.8). */
static bool renews(const struct child *k)
{
	return k->initiator || k->ops->version == 2;
}

static void renew(struct child *k)
{
	if (renews(k) && !k->replaced && !has_newer(k))
		k->ops->renew(k);
}

/* In version 1 only the side that renewed a pair knows which one has taken its place. */
static bool is_newest(const struct child *k)
{
	const struct child *newest = NULL;

	list_foreach (l, of_policy(k->core, k->out.id), struct child_link, node) {
		const struct child *other = l->child;

		if (l->policy == k->out.id && child_covers(other, k) && !other->replaced && !other->told &&
		    party_same(other->party, k->party))
			newest = other;
	}
	return newest == k;
}

bool child_renew(struct child *k)
{
	if (!is_newest(k))
		return false;
	k->ops->renew(k);
	return true;
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
	uint64_t ms = k->seconds * 1000, percent = k->initiator ? SOFT_PERCENT : LATE_PERCENT;

	if (renews(k) && ms)
		(void)!timer_set(&c->timers, &k->renew,
		    k->made_ms + ms * (percent - rng_below(c->rng, JITTER_PERCENT + 1)) / 100, on_renew);
}

/* A peer may ask for one pair after the other for a policy, never end any, and call itself what it likes. Its
 * own oldest one goes, if it has any. */
static void limit_pairs(struct child *k)
{
	struct child *oldest[2] = {NULL}; /* of the place, of the peer */
	uint32_t n = 0;

	list_foreach (l, of_policy(k->core, k->out.id), struct child_link, node) {
		struct child *other = l->child;

		if (l->policy != k->out.id || !ike_path_same_place(&other->path, &k->path))
			continue;
		for (unsigned i = 0; i <= party_same(other->party, k->party); i++)
			oldest[i] = oldest[i] ? oldest[i] : other;
		n++;
	}
	if (n > CHILD_PAIRS_MAX)
		child_end(oldest[1] == k ? oldest[0] : oldest[1], true, CHILD_REPLACED);
}

void child_try_again(struct child *k)
{
	struct core *c = k->core;
	uint64_t now = core_now(c), end = k->made_ms + k->seconds * 1000,
	         ms = end > now ? (end - now) / AGAIN_SHARE : 0;

	if (renews(k) && !k->replaced && end > now)
		(void)!timer_set(&c->timers, &k->renew, now + (ms > AGAIN_MS ? ms : AGAIN_MS), on_renew);
}

static void put_link(struct child *k, struct child_link *l, uint32_t policy_id)
{
	l->child = k;
	l->policy = policy_id;
	list_init(&l->node);
	list_append(of_policy(k->core, policy_id), &l->node);
}

static void take_links(struct child *k)
{
	list_remove(&k->link.node);
	for (uint16_t i = 0; i < k->n_more; i++)
		list_remove(&k->links[i].node);
}

static struct child *add(struct core *c, const struct child *from, struct core_conf *conf)
{
	struct child_link *links = from->n_more ? calloc(from->n_more, sizeof(*links)) : NULL;
	struct child *k = links || !from->n_more ? malloc(sizeof(*k)) : NULL;

	if (!k) {
		free(links);
		return NULL;
	}
	*k = *from;
	k->core = c;
	k->conf = core_conf_ref(conf);
	k->party = party_ref(from->party);
	k->links = links;
	list_init(&k->node);
	list_init(&k->by_peer);
	list_append(&c->children, &k->node);
	put_link(k, &k->link, k->out.id);
	for (uint16_t i = 0; i < k->n_more; i++)
		put_link(k, &k->links[i], k->more[i].policy);
	list_append(core_of_peer(c->by_peer, &k->path.remote), &k->by_peer);
	c->n_children++;
	return k;
}

static void plan_end(struct child *k);
static void relieve(const struct child *k);

struct child *child_back(struct core *c, const struct child *from)
{
	struct child *k = add(c, from, c->conf);

	if (!k)
		return NULL;
	if (k->replaced)
		plan_end(k);
	else
		plan_renewal(k);
	upkeep_child_made(k);
	return k;
}

struct child *child_new(struct core *c, const struct child *from)
{
	struct child *k = add(c, from, from->conf);

	if (!k)
		return NULL;
	k->made_ms = core_now(c);
	c->counters.established2++;
	keep(k);
	plan_renewal(k);
	upkeep_child_made(k);
	for (uint8_t i = 0; i < k->n_parts; i++)
		say(k, "ipsec.up", "established", &k->part[i], true);
	for (uint8_t i = 0; i < k->n_parts; i++)
		say(k, "ipsec.up", "established", &k->part[i], false);
	relieve(k);
	limit_pairs(k);
	return k;
}

void child_tell(struct child *k)
{
	if (!k->told)
		k->ops->tell(k);
	k->told = true;
}

void child_end(struct child *k, bool tell, enum child_gone why)
{
	struct core *c = k->core;

	if (tell)
		child_tell(k);
	for (uint8_t i = 0; i < k->n_parts; i++) {
		say(k, "ipsec.end", gone[why].what, &k->part[i], true);
		if (gone[why].purged)
			say_purged(k, &k->part[i]);
		c->ports.remove(c->ports.arg, k->part[i].serial_in);
		if (!k->receives)
			c->ports.remove(c->ports.arg, k->part[i].serial_out);
	}
	say_phase2(k, gone[why].phase2);
	c->ports.grant_drop(c->ports.arg, k->grant);
	timer_stop(&c->timers, &k->linger);
	timer_stop(&c->timers, &k->renew);
	k->ops->forgotten(k);
	keep_drop(c->keep, &k->place);
	list_remove(&k->node);
	take_links(k);
	list_remove(&k->by_peer);
	c->n_children--;
	child_leave_policy(c, &k->out);
	upkeep_child_ended(k, gone[why].what);
	core_conf_unref(k->conf);
	free(k->more);
	free(k->links);
	party_unref(k->party);
	free(k);
}

static void on_linger(struct timer *t, void *arg)
{
	(void)arg;
	child_end(container_of(t, struct child, linger), true, CHILD_REPLACED);
}

static void on_left(struct timer *t, void *arg)
{
	(void)arg;
	child_end(container_of(t, struct child, linger), false, CHILD_PEER_DELETED);
}

static bool succeeds(const struct child *other, const struct child *k)
{
	return other != k && child_covers(other, k) && !other->replaced && other->made_ms >= k->made_ms &&
	       party_same(other->party, k->party);
}

static bool is_followed(const struct child *k)
{
	list_foreach (l, of_policy(k->core, k->out.id), struct child_link, node)
		if (succeeds(l->child, k))
			return true;
	return false;
}

void child_stop_sending(struct child *k)
{
	struct core *c = k->core;

	for (uint8_t i = 0; i < k->n_parts && !k->receives; i++)
		c->ports.remove(c->ports.arg, k->part[i].serial_out);
	k->receives = true;
}

/* This is what those were waiting for that the peer has ended already. */
static void relieve(const struct child *k)
{
	for (uint16_t i = 0; i <= k->n_more; i++) {
		uint32_t id = i ? k->more[i - 1].policy : k->out.id;

		list_foreach (l, of_policy(k->core, id), struct child_link, node)
			if (l->child->told && l->child->replaced && succeeds(k, l->child))
				child_stop_sending(l->child);
	}
}

void child_peer_ends(struct child *k, bool coming)
{
	struct core *c = k->core;
	bool there = is_followed(k);

	k->told = true;
	if (k->receives)
		return;
	if (!(there || coming) || timer_set(&c->timers, &k->linger, core_now(c) + LEFT_MS, on_left) < 0) {
		child_end(k, false, CHILD_PEER_DELETED);
		return;
	}
	k->replaced = true;
	timer_stop(&c->timers, &k->renew);
	keep(k);
	if (there)
		child_stop_sending(k);
}

void child_replace(struct child *k)
{
	k->replaced = true;
	keep(k);
	plan_end(k);
}

static void plan_end(struct child *k)
{
	struct core *c = k->core;

	if (timer_set(&c->timers, &k->linger, core_now(c) + LINGER_MS, on_linger) < 0)
		child_end(k, true, CHILD_REPLACED);
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

struct child *child_by_peer_spi(struct core *c, const struct party *who, enum ipsec_proto proto, uint32_t spi)
{
	if (!who)
		return NULL;
	list_foreach (k, core_of_peer(c->by_peer, &who->path.remote), struct child, by_peer)
		for (uint8_t i = 0; party_same(k->party, who) && i < k->n_parts; i++)
			if (k->part[i].proto == proto && k->part[i].spi_out == spi)
				return k;
	return NULL;
}

struct child *child_of_policy(struct core *c, uint32_t policy_id)
{
	struct child *newest = NULL;

	list_foreach (l, of_policy(c, policy_id), struct child_link, node)
		if (l->policy == policy_id && !l->child->replaced)
			newest = l->child;
	return newest;
}
void child_end_all(struct core *c, const struct party *who, uint64_t before_ms, enum child_gone why)
{
	if (!who)
		return;
	list_foreach_safe (k, next, core_of_peer(c->by_peer, &who->path.remote), struct child, by_peer)
		if (party_same(k->party, who) && k->made_ms < before_ms)
			child_end(k, false, why);
}

void child_leave_policy(struct core *c, const struct policy *out)
{
	if (!out->generated || !out->id)
		return;
	list_foreach (l, of_policy(c, out->id), struct child_link, node)
		if (l->policy == out->id)
			return;
	for (size_t i = 0; i < IKE_VERSIONS; i++)
		if (ike_versions[i]->needs && ike_versions[i]->needs(c, out->id))
			return;
	c->ports.policy_drop(c->ports.arg, out->id);
}

static void tell_moved(struct core *c, const uint64_t *serial, size_t n, uint16_t port)
{
	if (n)
		c->ports.moved(c->ports.arg, serial, n, port);
}

void child_moved(struct party *who, uint16_t port)
{
	uint64_t serial[CORE_MOVED_MAX];
	struct core *c = who->core;
	size_t n = 0;

	list_foreach (k, core_of_peer(c->by_peer, &who->path.remote), struct child, by_peer) {
		if (k->party != who || !ike_path_turn(&k->path, port))
			continue;
		keep(k);
		if (n + k->n_parts > ARRAY_SIZE(serial)) {
			tell_moved(c, serial, n, port);
			n = 0;
		}
		for (uint8_t i = 0; i < k->n_parts; i++)
			serial[n++] = k->part[i].serial_in;
	}
	tell_moved(c, serial, n, port);
}

bool child_is_lesser(const struct child *a, const struct child *b)
{
	const struct child_part *x = &a->part[a->n_parts - 1], *y = &b->part[b->n_parts - 1];
	uint32_t x_max = x->spi_in > x->spi_out ? x->spi_in : x->spi_out,
	         y_max = y->spi_in > y->spi_out ? y->spi_in : y->spi_out;

	return x_max < y_max;
}

bool child_any(struct core *c, const struct ike_path *place)
{
	list_foreach (k, core_of_peer(c->by_peer, &place->remote), struct child, by_peer)
		if (ike_path_same_place(&k->path, place))
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
	keep(k);
	plan_renewal(k);
}

void child_expired(struct child *k, uint64_t serial, bool hard)
{
	(void)serial;
	if (hard) {
		/* One of the pair is no use without the other. */
		child_end(k, true, CHILD_EXPIRED);
		return;
	}
	renew(k);
}

uint32_t child_count(struct core *c, const struct inet_addr *remote)
{
	uint32_t n = 0;

	list_foreach (k, core_of_peer(c->by_peer, remote), struct child, by_peer)
		n += inet_addr_equal(&k->path.remote, remote);
	return n;
}

void child_row(const struct child *k, struct ike_row_child *ret)
{
	uint64_t age = core_since(k->core, k->made_ms), life = k->seconds * 1000;

	*ret = (struct ike_row_child){.version = k->ops->version,
	    .state = k->replaced ? IKE_ROW_REPLACED : IKE_ROW_UP,
	    .detail = k->replaced ? "a newer pair has taken over" : "established",
	    .initiator = k->initiator,
	    .local = k->path.local,
	    .remote = k->path.remote,
	    .policy = k->out.id,
	    .sel = k->out.sel,
	    .n_parts = k->n_parts,
	    .age_ms = age,
	    .life_ms = life,
	    .left_ms = k->linger.place ? core_until(k->core, &k->linger)
	               : life > age    ? life - age
	                               : 0,
	    .renew_ms = k->replaced ? 0 : core_until(k->core, &k->renew)};
	for (uint8_t i = 0; i < k->n_parts; i++) {
		const struct child_part *p = &k->part[i];

		ret->part[i] = (struct ike_row_part){.proto = p->proto,
		    .mode = p->mode,
		    .spi_in = p->spi_in,
		    .spi_out = p->spi_out,
		    .enc = p->enc,
		    .key_bits = p->bits,
		    .auth = p->auth,
		    .comp = p->comp};
	}
}

void child_row_of(const struct child *k, uint32_t policy_id, struct ike_row_child *ret)
{
	child_row(k, ret);
	for (uint16_t i = 0; i < k->n_more; i++)
		if (k->more[i].policy == policy_id) {
			ret->policy = policy_id;
			ret->sel = k->more[i].sel;
		}
}

void child_show(const struct child *k, core_row_fn fn, void *arg)
{
	struct ike_row_child row;

	child_row(k, &row);
	fn(arg, &(struct ike_row){.child = &row});
	for (uint16_t i = 0; i < k->n_more; i++)
		fn(arg, &(struct ike_row){.also = &k->more[i]});
}
