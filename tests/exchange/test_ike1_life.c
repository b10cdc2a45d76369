/*
 * Version 1 in the course of time: keys are renewed before they end, peers die, come back, say goodbye or
 * get another configuration.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "keyd/ike1/quick.h"
#include "support/ike_rig.h"
#include "support/ike_rig_rewrite.h"

enum { TCP = 6, ENOUGH_MS = 2000, CHILD_S = 600, ISAKMP_S = 1800, LINGER_MS = 40000 };

static struct rig rig;

static struct ike_conf *conf_of(enum ike_mode mode)
{
	struct ike_conf *c = rig_conf(mode, IKE_AUTH_PSK, true);

	c->child[0].seconds = CHILD_S;
	c->peer[0].offer[0].seconds = ISAKMP_S;
	return c;
}

static void begin_with(struct ike_conf *a, struct ike_conf *b)
{
	rig_init(&rig, 1, a, b);
	rig_policy(&rig, IPSEC_TUNNEL, TCP);
}

static void begin(enum ike_mode mode)
{
	begin_with(conf_of(mode), conf_of(mode));
}

static void connect_from(struct rig_side *s)
{
	rig_packet(s, 0);
	rig_run(&rig, ENOUGH_MS);
	assert_true(rig_is_usable(&rig));
}

static void assert_pairs(size_t n)
{
	const char *why = "";

	assert_int_equal(rig_count(&rig.a, true), n);
	assert_int_equal(rig_count(&rig.a, false), n);
	assert_int_equal(rig_count(&rig.b, true), n);
	assert_int_equal(rig_count(&rig.b, false), n);
	if (!rig_agrees(&rig, &why) || !rig_is_calm(&rig, &why))
		fail_msg("%s", why);
}

static unsigned times(const struct rig_side *s, const char *text)
{
	unsigned n = 0;

	for (const char *at = s->log; (at = strstr(at, text)); at += strlen(text))
		n++;
	return n;
}

static uint64_t newest_serial(const struct rig_side *s)
{
	uint64_t best = 0;

	for (size_t i = 0; i < RIG_SAS_MAX; i++)
		best = s->sa[i].serial > best ? s->sa[i].serial : best;
	return best;
}

/* --- renewal --- */

/* Children many times, and the ISAKMP SA several times, without a moment in which a packet could not go. */
static void renews(enum ike_mode mode)
{
	enum { HOURS = 5, HOUR_MS = 3600000, LEAST = HOURS * 3600 / CHILD_S };
	uint64_t first;

	begin(mode);
	connect_from(&rig.a);
	first = newest_serial(&rig.a);
	assert_true(rig_live(&rig, (uint64_t)HOURS * HOUR_MS));
	assert_true(rig_live(&rig, LINGER_MS));
	assert_true(rig.a.core->counters.established2 > LEAST);
	assert_int_equal(rig.a.core->counters.established2, rig.b.core->counters.established2);
	assert_true(rig.a.core->counters.established1 > HOURS * 3600 / ISAKMP_S);
	assert_true(newest_serial(&rig.a) > first);
	assert_int_equal(rig.a.core->counters.failed1 + rig.b.core->counters.failed1, 0);
	assert_int_equal(rig.a.core->counters.failed2 + rig.b.core->counters.failed2, 0);
	/* Not more than the old one and its successor. */
	assert_true(rig.a.core->n_isakmp <= 2 && rig.b.core->n_isakmp <= 2);
	assert_true(rig_count(&rig.a, false) <= 2 && rig_count(&rig.b, false) <= 2);
	assert_true(rig_logged(&rig.a, "ISAKMP-SA is renewed"));
	assert_false(rig_logged(&rig.b, "ISAKMP-SA is renewed"));
	rig_fini(&rig);
}

static void test_renews_main(void **state)
{
	renews(IKE_MODE_MAIN);
}

static void test_renews_aggressive(void **state)
{
	renews(IKE_MODE_AGGRESSIVE);
}

static void test_renews_base(void **state)
{
	renews(IKE_MODE_BASE);
}

/* One renewal, looked at closely: two pairs while packets may be under way, then the new one alone. */
static void test_renewal_of_one_pair(void **state)
{
	uint64_t old, began;

	begin(IKE_MODE_MAIN);
	began = rig.clock.ms;
	connect_from(&rig.a);
	old = newest_serial(&rig.a);
	while (rig.b.core->counters.established2 == 1 && rig.clock.ms < began + (uint64_t)CHILD_S * 1000)
		assert_true(rig_live(&rig, 100));
	/* Four fifths of its life, and a little earlier by chance. */
	assert_in_range(rig.clock.ms - began, CHILD_S * 750, CHILD_S * 800 + ENOUGH_MS);
	assert_pairs(2);
	assert_true(rig_live(&rig, LINGER_MS));
	assert_pairs(1);
	assert_true(newest_serial(&rig.a) > old);
	for (size_t i = 0; i < RIG_SAS_MAX; i++)
		assert_true(!rig.a.sa[i].serial || rig.a.sa[i].serial > old);
	assert_true(rig_logged(&rig.a, "IPsec-SA replaced"));
	assert_true(rig_logged(&rig.b, "IPsec-SA deleted by the peer"));
	rig_fini(&rig);
}

/* Octets run out: who began renews, the other one leaves it to that. */
static void test_renewal_by_octets(void **state)
{
	begin(IKE_MODE_MAIN);
	connect_from(&rig.a);
	rig_spent(&rig.b, false);
	rig_run(&rig, ENOUGH_MS);
	assert_pairs(1);
	rig_spent(&rig.a, false); /* of both its SAs: one renewal */
	rig_run(&rig, ENOUGH_MS);
	assert_pairs(2);
	rig_run(&rig, LINGER_MS);
	assert_pairs(1);
	rig_fini(&rig);
}

/* Both began, at once or one of them later, so there are two pairs: there is always one to send through, and
 * they do not multiply, but one chain of renewals is left. */
static void test_renewal_of_two_that_began(void **state)
{
	static const uint64_t later_ms[] = {0, 3, 8, 12, 1500, 5000, 100000, 200000, 300000, 400000};
	enum { PERIODS = 8 };

	for (size_t i = 0; i < ARRAY_SIZE(later_ms); i++) {
		rig_init(&rig, i + 1, conf_of(IKE_MODE_MAIN), conf_of(IKE_MODE_MAIN));
		rig_policy(&rig, IPSEC_TUNNEL, TCP);
		rig_packet(&rig.a, 0);
		rig_run(&rig, later_ms[i]);
		rig_packet(&rig.b, 0);
		rig_run(&rig, ENOUGH_MS);
		assert_int_equal(rig_count(&rig.a, false), 2);
		if (!rig_live(&rig, (uint64_t)CHILD_S * PERIODS * 1000))
			fail_msg("%llu ms later: a moment without", (unsigned long long)later_ms[i]);
		/* Two of the one chain, when it is just being renewed. */
		assert_true(rig.a.core->counters.established2 < 2 + 2 * PERIODS);
		assert_true(rig_live(&rig, LINGER_MS));
		assert_true(rig_count(&rig.a, false) <= 2 && rig_count(&rig.b, false) <= 2);
		rig_fini(&rig);
	}
}

/* rekey off: the ISAKMP SA ends, the pair stays, and its renewal makes a new one first. */
static void test_renewal_without_an_isakmp_sa(void **state)
{
	struct ike_conf *a = conf_of(IKE_MODE_MAIN);

	a->peer[0].rekey = IKE_OFF;
	a->peer[0].offer[0].seconds = CHILD_S / 2;
	begin_with(a, conf_of(IKE_MODE_MAIN));
	connect_from(&rig.a);
	assert_true(rig_live(&rig, (uint64_t)CHILD_S * 600));
	assert_int_equal(rig.a.core->n_isakmp, 0);
	assert_int_equal(rig.b.core->n_isakmp, 0);
	assert_true(rig_logged(&rig.a, "ISAKMP-SA expired") || rig_logged(&rig.b, "ISAKMP-SA expired"));
	assert_false(rig_logged(&rig.a, "ISAKMP-SA is renewed"));
	assert_pairs(1);
	assert_true(rig_live(&rig, (uint64_t)CHILD_S * 600));
	assert_int_equal(rig.a.core->counters.established1, 2);
	assert_pairs(1);
	rig_fini(&rig);
}

/* The hard limit: one of a pair is no use without the other, and the peer hears of it. */
static void test_hard_limit(void **state)
{
	struct rig_side *sides[] = {&rig.a, &rig.b};

	for (size_t i = 0; i < 2; i++) {
		begin(IKE_MODE_MAIN);
		connect_from(&rig.a);
		rig_spent(sides[i], true);
		rig_run(&rig, ENOUGH_MS);
		assert_pairs(0);
		assert_true(rig_logged(sides[i], "IPsec-SA expired"));
		assert_true(rig_logged(sides[1 - i], "IPsec-SA deleted by the peer"));
		/* The next packet asks anew, under the ISAKMP SA that is still there. */
		connect_from(&rig.a);
		assert_int_equal(rig.a.core->counters.established1, 1);
		assert_pairs(1);
		rig_fini(&rig);
	}
}

/* --- the peer dies --- */

static struct ike_conf *with_dpd(void)
{
	struct ike_conf *c = conf_of(IKE_MODE_MAIN);

	c->peer[0].dpd = (struct ike_dpd){.announce = true, .delay_s = 10, .retry_s = 2, .maxfail = 3};
	return c;
}

static void test_dead_peer(void **state)
{
	begin_with(with_dpd(), with_dpd());
	connect_from(&rig.a);
	rig_run(&rig, 60000);
	assert_pairs(1); /* a quiet peer is alive */
	assert_int_equal(rig.a.core->n_isakmp, 1);
	rig.b.dead = true;
	rig_run(&rig, 5000);
	assert_int_equal(rig_count(&rig.a, false), 1); /* too early to say */
	rig_run(&rig, 10000 + 3 * 2000);
	assert_int_equal(rig_count(&rig.a, true) + rig_count(&rig.a, false), 0);
	assert_int_equal(rig.a.core->n_isakmp, 0);
	assert_true(rig_logged(&rig.a, "the peer is dead: 3 questions without an answer."));
	assert_true(rig_logged(&rig.a, "IPsec-SA purged: the peer is dead"));
	assert_true(rig_logged(&rig.a, "ISAKMP-SA deleted: the peer is dead"));
	rig_fini(&rig);
}

/* Some questions are lost: that alone kills nobody. */
static void test_bad_wire_is_no_death(void **state)
{
	begin_with(with_dpd(), with_dpd());
	connect_from(&rig.a);
	for (int i = 0; i < 50; i++) {
		rig.b.dead = true;
		rig_run(&rig, 3000); /* two questions at most */
		rig.b.dead = false;
		rig_run(&rig, 11000 + 10 * (uint64_t)i);
	}
	assert_pairs(1);
	assert_false(rig_logged(&rig.a, "the peer is dead"));
	rig_fini(&rig);
}

/* B forgets all and comes back with a new ISAKMP SA, without a word about the old one: whatever comes of the
 * questions under that, the new pair is not its business. */
static void test_dead_isakmp_sa_of_a_living_peer(void **state)
{
	static const uint64_t asked_ms[] = {0, 13000};

	for (size_t i = 0; i < ARRAY_SIZE(asked_ms); i++) {
		struct ike_conf *b = with_dpd();

		b->peer[0].initial_contact = false;
		begin_with(with_dpd(), with_dpd());
		connect_from(&rig.a);
		rig.b.dead = true;
		rig_run(&rig, asked_ms[i]);
		rig.b.dead = false;
		rig_restart(&rig.b, b);
		connect_from(&rig.b);
		assert_int_equal(rig.a.core->n_isakmp, 2);
		rig_run(&rig, 60000);
		assert_true(rig_is_usable(&rig));
		assert_false(rig_logged(&rig.a, "the peer is dead"));
		assert_int_equal(
		    rig_logged(&rig.a, "ISAKMP-SA deleted: the peer answers under a newer one alone"),
		    asked_ms[i] != 0);
		rig_fini(&rig);
	}
}

/* So many questions that their message ids cannot be remembered: the SA ends as if its time were over, and
 * the pair does not notice. */
static void test_dpd_uses_up_message_ids(void **state)
{
	struct ike_conf *sides[2];

	for (size_t i = 0; i < 2; i++) {
		sides[i] = conf_of(IKE_MODE_MAIN);
		sides[i]->peer[0].dpd =
		    (struct ike_dpd){.announce = true, .delay_s = 1, .retry_s = 1, .maxfail = 3};
		sides[i]->peer[0].rekey = IKE_OFF;
		sides[i]->peer[0].offer[0].seconds = IKE_LIFE_MAX_S;
		sides[i]->child[0].seconds = IKE_LIFE_MAX_S;
	}
	begin_with(sides[0], sides[1]);
	connect_from(&rig.a);
	rig_run(&rig, (uint64_t)SEEN_MAX * 2500);
	assert_true(rig_logged(&rig.a, "ISAKMP-SA expired: no more message ids can be remembered") ||
	            rig_logged(&rig.b, "ISAKMP-SA expired: no more message ids can be remembered"));
	assert_false(rig_logged(&rig.a, "the peer is dead"));
	assert_false(rig_logged(&rig.b, "the peer is dead"));
	assert_int_equal(rig.a.core->n_isakmp + rig.b.core->n_isakmp, 0);
	assert_pairs(1);
	rig_fini(&rig);
}

static struct isakmp *first_sa(const struct rig_side *s)
{
	assert_int_equal(s->core->n_isakmp, 1);
	return list_entry(s->core->isakmp.next, struct isakmp, all);
}

static unsigned n_rewritten;

/* Behind the header: the hash, then the notification (RFC 2408 section 3.14). */
static bool ask_about_another(struct rig *r, unsigned n, bool from_a, uint8_t *d, size_t n_d)
{
	enum { SPI_AT = IKE_PAYLOAD_HDR_LEN + IKE_PAYLOAD_HDR_LEN + 8 };

	if (from_a && rig_rewrite(r, from_a, d, n_d, crypto_prf_len(first_sa(&r->a)->terms.prf) + SPI_AT, 1))
		n_rewritten++;
	return true;
}

/* And with renewal nobody notices. */
static void test_message_ids_are_used_up_and_renewed(void **state)
{
	struct ike_conf *sides[2];

	for (size_t i = 0; i < 2; i++) {
		sides[i] = conf_of(IKE_MODE_MAIN);
		sides[i]->peer[0].dpd =
		    (struct ike_dpd){.announce = true, .delay_s = 1, .retry_s = 1, .maxfail = 3};
		sides[i]->peer[0].offer[0].seconds = IKE_LIFE_MAX_S;
		sides[i]->child[0].seconds = IKE_LIFE_MAX_S;
	}
	begin_with(sides[0], sides[1]);
	connect_from(&rig.a);
	assert_true(rig_live(&rig, (uint64_t)SEEN_MAX * 2500));
	assert_true(rig_logged(&rig.a, "ISAKMP-SA is renewed"));
	assert_false(rig_logged(&rig.a, "no more message ids"));
	assert_false(rig_logged(&rig.b, "no more message ids"));
	assert_pairs(1);
	rig_fini(&rig);
}

/* Questions about another ISAKMP SA under the keys of this one are not answered. */
static void test_dpd_is_about_its_own_sa(void **state)
{
	struct ike_conf *b = with_dpd();

	b->peer[0].dpd.delay_s = 0; /* it does not ask */
	begin_with(with_dpd(), b);
	connect_from(&rig.a);
	n_rewritten = 0;
	rig.wire.tamper = ask_about_another;
	rig_run(&rig, 30000);
	assert_int_equal(n_rewritten, 3);
	assert_true(rig_logged(&rig.a, "the peer is dead: 3 questions without an answer."));
	rig_fini(&rig);
}

/* Who does not announce DPD is not asked, and who does not ask believes for ever. */
static void test_dpd_needs_both(void **state)
{
	for (int i = 0; i < 2; i++) {
		struct ike_conf *a = with_dpd(), *b = with_dpd();

		(i ? b : a)->peer[0].dpd.announce = false;
		begin_with(a, b);
		connect_from(&rig.a);
		rig.b.dead = true;
		rig_run(&rig, 300000);
		assert_int_equal(rig_count(&rig.a, false), 1);
		rig_fini(&rig);
	}
}

/* --- the peer begins anew --- */

static void test_initial_contact(void **state)
{
	begin(IKE_MODE_MAIN);
	connect_from(&rig.a);
	rig_restart(&rig.b, conf_of(IKE_MODE_MAIN));
	connect_from(&rig.b);
	assert_pairs(1); /* what A had before is gone */
	assert_int_equal(rig.a.core->n_isakmp, 1);
	assert_true(rig_logged(&rig.a, "IPsec-SA purged: the peer began anew"));
	assert_true(rig_logged(&rig.a, "ISAKMP-SA purged: the peer began anew"));
	rig_fini(&rig);
}

/* initial_contact off: A keeps what B has lost, until a packet into it comes back as unknown. */
static void test_no_initial_contact(void **state)
{
	struct ike_conf *b = conf_of(IKE_MODE_MAIN);

	b->peer[0].initial_contact = false;
	begin(IKE_MODE_MAIN);
	connect_from(&rig.a);
	rig_restart(&rig.b, b);
	connect_from(&rig.b);
	assert_false(rig_logged(&rig.a, "began anew"));
	assert_int_equal(rig_count(&rig.a, false), 2);
	rig_traffic(&rig);
	assert_int_equal(rig_count(&rig.a, false), 1);
	assert_int_equal(rig_count(&rig.a, true), 2); /* for what may still be under way */
	rig_run(&rig, ENOUGH_MS);
	assert_pairs(1);
	rig_fini(&rig);
}

static struct child *only_child(const struct rig_side *s)
{
	assert_int_equal(s->core->n_children, 1);
	return list_entry(s->core->children.next, struct child, node);
}

/* `s` has said its last word of a quick mode that it began. */
static bool has_confirmed(const struct rig_side *s)
{
	list_foreach (sa, &s->core->isakmp, struct isakmp, all)
		list_foreach (q, &sa->quicks, struct quick, node)
			if (q->initiator && q->state >= QUICK_SENDING)
				return true;
	return false;
}

/* It ends the old pair as soon as the new one is agreed on, or a little later: at no time is there none that
 * sends here, and what is under way still comes in. */
static void test_who_renews_ends_the_old_pair_at_once(void **state)
{
	(void)state;
	for (int later = 0; later < 20; later++) {
		struct child *old;
		int since = -1;

		begin(IKE_MODE_MAIN);
		connect_from(&rig.a);
		old = only_child(&rig.b);
		old->ops->renew(old);
		for (int ms = 0; ms < 500; ms++) {
			rig_run(&rig, 1);
			if (since >= 0 || has_confirmed(&rig.b))
				since++;
			if (since == later)
				child_end(old, true, CHILD_DELETED);
			assert_true(rig_count(&rig.a, false) >= 1);
		}
		assert_true(since > later);
		assert_int_equal(rig_count(&rig.a, true), 2);
		assert_int_equal(rig_count(&rig.a, false), 1);
		rig_run(&rig, ENOUGH_MS);
		assert_pairs(1);
		rig_fini(&rig);
	}
}

/* Two that know each other say it once. */
static void test_initial_contact_once(void **state)
{
	begin(IKE_MODE_MAIN);
	connect_from(&rig.a);
	assert_true(rig_live(&rig, (uint64_t)ISAKMP_S * 4000));
	assert_true(rig.a.core->counters.established1 > 3);
	assert_int_equal(times(&rig.b, "began anew"), 0);
	rig_fini(&rig);
}

/* --- goodbyes --- */

static void test_shutdown_tells(void **state)
{
	struct rig_side *sides[] = {&rig.a, &rig.b};

	for (size_t i = 0; i < 2; i++) {
		begin(IKE_MODE_MAIN);
		connect_from(&rig.a);
		core_shutdown(sides[i]->core);
		rig_run(&rig, ENOUGH_MS);
		assert_pairs(0);
		assert_int_equal(rig.a.core->n_isakmp + rig.b.core->n_isakmp, 0);
		assert_int_equal(rig.a.n_grants + rig.b.n_grants, 0);
		assert_true(rig_logged(sides[1 - i], "IPsec-SA deleted by the peer"));
		assert_true(rig_logged(sides[1 - i], "ISAKMP-SA deleted by the peer"));
		rig_fini(&rig);
	}
}

/* In the midst of things: after each number of milliseconds, nothing is left behind. */
static void test_shutdown_at_any_moment(void **state)
{
	for (uint64_t ms = 0; ms < 80; ms++) {
		begin(IKE_MODE_MAIN);
		rig_packet(&rig.a, 0);
		rig_run(&rig, ms);
		core_shutdown(rig.a.core);
		core_shutdown(rig.b.core);
		rig_run(&rig, 400000);
		assert_pairs(0);
		assert_int_equal(rig.a.core->n_isakmp + rig.b.core->n_isakmp, 0);
		assert_int_equal(rig.a.n_done_ok + rig.a.n_done_bad, 1);
		rig_fini(&rig);
	}
}

/* --- another configuration --- */

static int load(struct rig_side *s, struct ike_conf *conf)
{
	return core_load(s->core, 2, conf);
}

/* ISAKMP SAs end and the peer hears of it; pairs go on, and are renewed under the new configuration. */
static void test_reload(void **state)
{
	begin(IKE_MODE_MAIN);
	connect_from(&rig.a);
	assert_int_equal(load(&rig.a, conf_of(IKE_MODE_MAIN)), 0);
	rig_run(&rig, ENOUGH_MS);
	assert_int_equal(rig.a.core->n_isakmp + rig.b.core->n_isakmp, 0);
	assert_pairs(1);
	assert_true(rig_logged(&rig.a, "ISAKMP-SA deleted: the configuration was loaded anew"));
	assert_true(rig_live(&rig, (uint64_t)CHILD_S * 4000));
	assert_true(rig_live(&rig, LINGER_MS));
	assert_int_equal(rig.a.core->counters.failed2, 0);
	rig_fini(&rig);
}

/* The peer stands elsewhere in the new file: the old pair's end is told to it all the same. */
static void test_reload_in_another_order(void **state)
{
	struct ike_conf *c = ike_conf_new(), *old = conf_of(IKE_MODE_MAIN);
	struct ike_peer *other = ike_conf_add_peer(c);

	other->name = strdup("10.9.9.9");
	other->addr = inet_addr_v4(0x0a090909);
	assert_int_equal(ike_peer_copy(ike_conf_add_peer(c), &old->peer[0]), 0);
	c->peer[1].name = strdup("anonymous");
	*ike_conf_add_child(c) = old->child[0];
	ike_conf_free(old);
	begin(IKE_MODE_MAIN);
	connect_from(&rig.a);
	assert_int_equal(load(&rig.a, c), 0);
	assert_true(rig_live(&rig, (uint64_t)CHILD_S * 850));
	assert_true(rig_live(&rig, LINGER_MS));
	assert_pairs(1);
	assert_true(rig_logged(&rig.b, "IPsec-SA deleted by the peer"));
	rig_fini(&rig);
}

/* One configuration for the rig's peer, whose block has a number; `moved`: it stands behind another one. */
static struct ike_conf *numbered(uint64_t block, bool moved)
{
	struct ike_conf *old = conf_of(IKE_MODE_MAIN), *c;
	struct ike_peer *other;

	if (!moved) {
		old->peer[0].block = block;
		return old;
	}
	c = ike_conf_new();
	other = ike_conf_add_peer(c);
	other->name = strdup("10.9.9.9");
	other->addr = inet_addr_v4(0x0a090909);
	other->block = 999;
	assert_int_equal(ike_peer_copy(ike_conf_add_peer(c), &old->peer[0]), 0);
	c->peer[1].name = strdup("moved");
	c->peer[1].block = block;
	*ike_conf_add_child(c) = old->child[0];
	ike_conf_free(old);
	return c;
}

/* A block that is the same keeps its ISAKMP SA, wherever it stands now; it renews pairs, and is renewed,
 * under the new configuration, and lives on through a restart. */
static void test_reload_with_the_same_block(void **state)
{
	uint8_t cookie[IKE_COOKIE_LEN];

	begin(IKE_MODE_MAIN);
	assert_int_equal(load(&rig.a, numbered(5, false)), 0);
	connect_from(&rig.a);
	memcpy(cookie, first_sa(&rig.a)->icookie, sizeof(cookie));
	assert_int_equal(core_load(rig.a.core, 3, numbered(5, true)), 0);
	rig_run(&rig, ENOUGH_MS);
	assert_memory_equal(first_sa(&rig.a)->icookie, cookie, sizeof(cookie));
	assert_int_equal(first_sa(&rig.a)->peer, 1);
	assert_ptr_equal(first_sa(&rig.a)->conf, rig.a.core->conf);
	assert_int_equal(rig.a.core->conf->refs, 3); /* its own, the SA's, the pair's: the old one is free */
	assert_int_equal(rig.b.core->n_isakmp, 1);
	assert_false(rig_logged(&rig.a, "ISAKMP-SA deleted"));
	assert_true(rig_live(&rig, (uint64_t)CHILD_S * 4000));
	assert_true(rig_live(&rig, LINGER_MS));
	assert_pairs(1);
	assert_int_equal(rig.a.core->counters.failed2 + rig.b.core->counters.failed2, 0);

	/* Another number, and it ends. */
	assert_true(rig.a.core->n_isakmp > 0);
	assert_int_equal(core_load(rig.a.core, 4, numbered(6, true)), 0);
	rig_run(&rig, ENOUGH_MS);
	assert_int_equal(rig.a.core->n_isakmp + rig.b.core->n_isakmp, 0);
	assert_true(rig_logged(&rig.a, "ISAKMP-SA deleted: the configuration was loaded anew"));
	rig_fini(&rig);
}

/* At any moment of the first negotiation: it comes to its end as if nothing had happened. */
static void test_reload_with_the_same_block_at_any_moment(void **state)
{
	for (uint64_t ms = 0; ms < 80; ms++) {
		const char *why = NULL;

		begin(IKE_MODE_MAIN);
		assert_int_equal(load(&rig.a, numbered(5, false)), 0);
		assert_int_equal(load(&rig.b, numbered(5, false)), 0);
		rig_packet(&rig.a, 0);
		rig_run(&rig, ms);
		assert_int_equal(core_load(rig.a.core, 3, numbered(5, true)), 0);
		assert_int_equal(core_load(rig.b.core, 3, numbered(5, true)), 0);
		rig_run(&rig, ENOUGH_MS);
		assert_pairs(1);
		assert_int_equal(rig.a.core->n_isakmp, 1);
		assert_int_equal(rig.a.n_done_ok, 1);
		assert_int_equal(rig.a.core->counters.failed1 + rig.a.core->counters.failed2, 0);
		if (!rig_is_calm(&rig, &why))
			fail_msg("%llu ms: %s", (unsigned long long)ms, why);
		rig_fini(&rig);
	}
}

/* While something is under way: whoever waits for it is told, and the next packet begins anew. */
static void test_reload_at_any_moment(void **state)
{
	for (uint64_t ms = 0; ms < 80; ms++) {
		begin(IKE_MODE_MAIN);
		rig_packet(&rig.a, 0);
		rig_run(&rig, ms);
		assert_int_equal(load(&rig.a, conf_of(IKE_MODE_MAIN)), 0);
		assert_int_equal(load(&rig.b, conf_of(IKE_MODE_MAIN)), 0);
		rig_run(&rig, 400000);
		assert_int_equal(rig.a.n_done_ok + rig.a.n_done_bad, 1);
		rig_traffic(&rig);
		rig_packet(&rig.a, 0);
		rig_run(&rig, 400000);
		rig_traffic(&rig);
		if (!rig_is_usable(&rig))
			fail_msg("loaded after %llu ms", (unsigned long long)ms);
		rig_fini(&rig);
	}
}

/* What was made with the peer ends with its block, and it hears of that. Without the peer nothing is begun;
 * without anything loaded nothing is answered. */
static void test_reload_without_the_peer(void **state)
{
	begin(IKE_MODE_MAIN);
	connect_from(&rig.a);
	assert_int_equal(load(&rig.a, ike_conf_new()), 0);
	assert_int_equal(rig_count(&rig.a, false) + rig_count(&rig.a, true), 0);
	rig_run(&rig, ENOUGH_MS);
	assert_pairs(0);
	assert_true(rig_logged(&rig.b, "IPsec-SA deleted by the peer"));
	assert_true(rig_logged(&rig.b, "ISAKMP-SA deleted by the peer"));
	rig_packet(&rig.a, 0);
	rig_run(&rig, ENOUGH_MS);
	assert_int_equal(rig.a.n_done_bad, 1);
	rig_packet(&rig.b, 0);
	rig_run(&rig, ENOUGH_MS);
	assert_int_equal(rig.a.core->n_isakmp, 0);
	assert_true(rig_logged(&rig.a, "no configuration found for 10.0.0.110."));
	rig_fini(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_renews_main),
	    cmocka_unit_test(test_renews_aggressive),
	    cmocka_unit_test(test_renews_base),
	    cmocka_unit_test(test_renewal_of_one_pair),
	    cmocka_unit_test(test_renewal_by_octets),
	    cmocka_unit_test(test_renewal_of_two_that_began),
	    cmocka_unit_test(test_renewal_without_an_isakmp_sa),
	    cmocka_unit_test(test_hard_limit),
	    cmocka_unit_test(test_dead_peer),
	    cmocka_unit_test(test_bad_wire_is_no_death),
	    cmocka_unit_test(test_dead_isakmp_sa_of_a_living_peer),
	    cmocka_unit_test(test_dpd_uses_up_message_ids),
	    cmocka_unit_test(test_message_ids_are_used_up_and_renewed),
	    cmocka_unit_test(test_dpd_is_about_its_own_sa),
	    cmocka_unit_test(test_dpd_needs_both),
	    cmocka_unit_test(test_initial_contact),
	    cmocka_unit_test(test_no_initial_contact),
	    cmocka_unit_test(test_who_renews_ends_the_old_pair_at_once),
	    cmocka_unit_test(test_initial_contact_once),
	    cmocka_unit_test(test_shutdown_tells),
	    cmocka_unit_test(test_shutdown_at_any_moment),
	    cmocka_unit_test(test_reload),
	    cmocka_unit_test(test_reload_with_the_same_block),
	    cmocka_unit_test(test_reload_with_the_same_block_at_any_moment),
	    cmocka_unit_test(test_reload_in_another_order),
	    cmocka_unit_test(test_reload_at_any_moment),
	    cmocka_unit_test(test_reload_without_the_peer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
