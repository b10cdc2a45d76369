/*
 * Version 1, a peer whose proof is not believed: in each mode, with keys and certificates, by either side.
 * The wire shows a standard notification and no more, both logs say what it was, both sides end at once, and
 * nobody who has no keys can bring that about, or hinder it.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "support/ike_rig.h"
#include "wire/ike/msg.h"
#include "wire/ike/out.h"
#include "wire/ike/v1.h"
#include "wire/ike/v1_payload.h"

enum { TCP = 6, SOON_MS = 2000, LONG_MS = 400000, EXCHANGE_AT = 18, FLAGS_AT = 19, SHOWN_MAX = 8 };

static struct rig rig;

/* Informational messages on the wire, of A and of B. */
static struct {
	unsigned n, n_clear;
} informed[2];

static const struct kind {
	const char *name;
	enum ike_mode mode;
	enum ike_auth_method a, b;
} kinds[] = {
    {"main mode", IKE_MODE_MAIN, IKE_AUTH_PSK, IKE_AUTH_PSK},
    {"main mode with certificates", IKE_MODE_MAIN, IKE_AUTH_RSA, IKE_AUTH_RSA},
    {"main mode with XAuth", IKE_MODE_MAIN, IKE_AUTH_XAUTH_PSK_CLIENT, IKE_AUTH_XAUTH_PSK_SERVER},
    {"main mode with certificates and XAuth", IKE_MODE_MAIN, IKE_AUTH_XAUTH_RSA_CLIENT,
        IKE_AUTH_XAUTH_RSA_SERVER},
    {"aggressive mode", IKE_MODE_AGGRESSIVE, IKE_AUTH_PSK, IKE_AUTH_PSK},
    {"aggressive mode with certificates", IKE_MODE_AGGRESSIVE, IKE_AUTH_RSA, IKE_AUTH_RSA},
    {"aggressive mode with XAuth", IKE_MODE_AGGRESSIVE, IKE_AUTH_XAUTH_PSK_CLIENT, IKE_AUTH_XAUTH_PSK_SERVER},
    {"aggressive mode with certificates and XAuth", IKE_MODE_AGGRESSIVE, IKE_AUTH_XAUTH_RSA_CLIENT,
        IKE_AUTH_XAUTH_RSA_SERVER},
    {"base mode", IKE_MODE_BASE, IKE_AUTH_PSK, IKE_AUTH_PSK},
    {"base mode with certificates", IKE_MODE_BASE, IKE_AUTH_RSA, IKE_AUTH_RSA},
    {"base mode with XAuth", IKE_MODE_BASE, IKE_AUTH_XAUTH_PSK_CLIENT, IKE_AUTH_XAUTH_PSK_SERVER},
};

static const struct kind *now;

static void wrong(const char *what)
{
	fail_msg("%s: %s\nA:\n%s\nB:\n%s", now->name, what, rig.a.log, rig.b.log);
}

static bool count(struct rig *r, unsigned n, bool from_a, uint8_t *d, size_t n_d)
{
	(void)r;
	(void)n;
	(void)n_d;
	if (d[EXCHANGE_AT] != IKE1_INFORMATIONAL)
		return true;
	informed[!from_a].n++;
	informed[!from_a].n_clear += !(d[FLAGS_AT] & IKE1_F_ENCRYPTED);
	return true;
}

static struct ike_conf *conf_of(enum ike_mode mode, enum ike_auth_method auth)
{
	struct ike_conf *c = rig_conf(mode, auth, true);

	if (ike_auth_is_asked(auth))
		c->peer[0].xauth_login = strdup("alice");
	return c;
}

static void begin(const struct kind *k)
{
	now = k;
	memset(informed, 0, sizeof(informed));
	rig_init(&rig, 1, conf_of(k->mode, k->a), conf_of(k->mode, k->b));
	rig.a.subject = "a certificate of A";
	rig.b.subject = "a certificate of B";
	rig.b.user = "alice";
	rig.a.password = rig.b.password = "s3cret";
	rig.wire.tamper = count;
	rig_policy(&rig, IPSEC_TRANSPORT, TCP);
}

static void end(void)
{
	const char *why = "";

	rig_run(&rig, LONG_MS);
	if (!rig_is_calm(&rig, &why))
		wrong(why);
	if (rig_count(&rig.a, true) + rig_count(&rig.b, true))
		wrong("there is an SA");
	rig_fini(&rig);
}

/* What the refused side hears in clear is a hint, and it goes on asking: in base mode it has no keys yet. */
static bool only_hinted(bool by_b)
{
	return now->mode == IKE_MODE_BASE && by_b;
}

/* Whoever is done with its proof may have begun to use the SA: it also hears that the SA is deleted. */
static bool deletes_too(bool by_b)
{
	return by_b == (now->mode == IKE_MODE_AGGRESSIVE);
}

static void assert_refused(bool by_b, const char *notify, const char *why)
{
	struct rig_side *by = by_b ? &rig.b : &rig.a, *of = by_b ? &rig.a : &rig.b;
	char said[200];

	snprintf(said, sizeof(said), "the peer is not believed: %s. It is told %s.", why, notify);
	if (!rig_logged(by, said))
		wrong("the side that refuses does not say why");
	snprintf(said, sizeof(said), "refuses: notification %u %s",
	    strcmp(notify, "AUTHENTICATION-FAILED") == 0 ? IKE1_N_AUTHENTICATION_FAILED
	                                                 : IKE1_N_INVALID_ID_INFORMATION,
	    notify);
	/* Who is up already hears of identities in the words of phase 2, and that the SA is deleted. */
	if (!rig_logged(of, said) && !rig_logged(of, strstr(said, "notification")))
		wrong("the side that is refused does not say so");
	if (rig_logged(of, why))
		wrong("the reason came over the wire");
	if (by->core->n_isakmp)
		wrong("the side that refuses has not ended it");
	if (of->core->n_isakmp && !only_hinted(by_b))
		wrong("the side that is refused has not ended it");
	if (informed[by_b].n != 1U + deletes_too(by_b) || informed[by_b].n_clear != only_hinted(by_b))
		wrong("other messages are on the wire than one notification");
	/* The refused side may have been up, and have said INITIAL-CONTACT. */
	if (informed[!by_b].n_clear || informed[!by_b].n > deletes_too(by_b))
		wrong("the refused side answers");
	if (by->n_judged != 1)
		wrong("the proof was judged more than once");
}

static void refuse(const struct kind *k, bool by_b, int verdict)
{
	struct rig_side *by;
	static const char why[] = "the certificate has expired";

	begin(k);
	by = by_b ? &rig.b : &rig.a;
	by->verdict = verdict;
	by->why = why;
	rig_packet(&rig.a, 0);
	rig_run(&rig, SOON_MS);
	assert_refused(by_b, verdict == -EACCES ? "INVALID-ID-INFORMATION" : "AUTHENTICATION-FAILED", why);
	end();
}

static void test_a_peer_that_is_not_wanted_ends_on_both_sides(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		refuse(&kinds[i], false, -EACCES);
		refuse(&kinds[i], true, -EACCES);
	}
}

static void test_a_certificate_that_is_not_believed_ends_on_both_sides(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (!ike_auth_is_rsa(kinds[i].a))
			continue;
		refuse(&kinds[i], false, -EBADMSG);
		refuse(&kinds[i], true, -EBADMSG);
	}
}

/* Another key than the peer's. In main mode its message cannot be deciphered, and could be anybody's: that is
 * passed over, until time is up. In the other modes there is a proof in clear, which one side judges first.
 */
static void test_another_shared_key(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		bool by_b = kinds[i].mode == IKE_MODE_BASE;

		if (ike_auth_is_rsa(kinds[i].a))
			continue;
		begin(&kinds[i]);
		rig.b.psk = "another key";
		rig_packet(&rig.a, 0);
		rig_run(&rig, SOON_MS);
		if (kinds[i].mode == IKE_MODE_MAIN) {
			if (informed[0].n || informed[1].n ||
			    !rig_logged(&rig.b, "are the two pre-shared keys the same?"))
				wrong("what cannot be deciphered is not passed over");
		} else {
			if ((by_b ? &rig.b : &rig.a)->core->n_isakmp || informed[by_b].n != 1 ||
			    informed[by_b].n_clear != 1 || informed[!by_b].n)
				wrong("it does not end with one notification in clear");
			if (!rig_logged(by_b ? &rig.b : &rig.a, "the peer is not believed: HASH mismatched"))
				wrong("the side that refuses does not say why");
			if (!rig_logged(by_b ? &rig.a : &rig.b,
			        "may be the peer refuses: notification 24 AUTHENTICATION-FAILED"))
				wrong("the other side has no hint");
		}
		end();
	}
}

/* --- others on the path --- */

static void forge(bool to_a, const uint8_t *d, size_t n)
{
	struct rig_side *to = to_a ? &rig.a : &rig.b, *from = to_a ? &rig.b : &rig.a;
	const struct ike_path path = {
	    .local = to->addr, .remote = from->addr, .local_port = IKE_PORT, .remote_port = IKE_PORT};

	core_datagram(to->core, &path, d, n);
}

/* The notification that everybody can write who sees cookies. */
static void forge_refusal(bool to_a, const struct ike_hdr *of, uint8_t flags)
{
	const struct ike1_notification note = {
	    .doi = IKE1_DOI_IPSEC, .protocol = IKE1_PROTO_ISAKMP, .type = IKE1_N_AUTHENTICATION_FAILED};
	struct ike_hdr h = *of;
	struct ike_out o;
	uint8_t buf[200];
	size_t n;

	h.exchange = IKE1_INFORMATIONAL;
	h.flags = 0;
	h.msg_id = 77;
	ike_out_init(&o, buf, sizeof(buf), &h);
	ike1_put_notify(&o, &note);
	n = ike_out_end(&o);
	buf[FLAGS_AT] = flags;
	forge(to_a, buf, n);
}

static bool refuse_in_others_names(struct rig *r, unsigned n, bool from_a, uint8_t *d, size_t n_d)
{
	struct ike_hdr h;

	(void)r;
	(void)n;
	if (ike_hdr_parse(d, n_d, &h) != IKE_OK)
		return true;
	forge_refusal(from_a, &h, 0);
	forge_refusal(from_a, &h, IKE1_F_ENCRYPTED);
	forge_refusal(!from_a, &h, 0);
	forge_refusal(!from_a, &h, IKE1_F_ENCRYPTED);
	return count(r, n, from_a, d, n_d);
}

static void play(void)
{
	rig_packet(&rig.a, 0);
	rig_run(&rig, SOON_MS);
}

static void assert_up(const char *what)
{
	const char *why = "";

	if (rig_count(&rig.a, true) != 1 || rig_count(&rig.b, true) != 1 || !rig_agrees(&rig, &why))
		wrong(what);
	rig_run(&rig, LONG_MS);
	if (!rig_is_calm(&rig, &why))
		wrong(why);
	if (rig.a.core->n_isakmp != 1 || rig.b.core->n_isakmp != 1)
		wrong(what);
}

static void test_who_has_no_keys_can_refuse_nothing(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		begin(&kinds[i]);
		rig.wire.tamper = refuse_in_others_names;
		play();
		assert_up("a forged notification was believed");
		rig_fini(&rig);
	}
}

/* Phase 1 has no integrity: octets of the ciphertext can be changed, and that be sent ahead. */
static size_t changed;

static bool change_and_overtake(struct rig *r, unsigned n, bool from_a, uint8_t *d, size_t n_d)
{
	uint8_t copy[CORE_DATAGRAM_MAX];

	if (d[FLAGS_AT] & IKE1_F_ENCRYPTED && d[EXCHANGE_AT] != IKE1_QUICK &&
	    d[EXCHANGE_AT] != IKE1_INFORMATIONAL && d[EXCHANGE_AT] != IKE1_TRANSACTION &&
	    IKE_HDR_LEN + changed < n_d) {
		memcpy(copy, d, n_d);
		copy[IKE_HDR_LEN + changed] ^= 1;
		forge(!from_a, copy, n_d);
	}
	return count(r, n, from_a, d, n_d);
}

static void test_a_proof_that_was_changed_on_the_way_refuses_nobody(void **state)
{
	enum { FURTHEST = 120 };
	unsigned n_bad = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		for (changed = 0; changed < FURTHEST; changed += 3) {
			begin(&kinds[i]);
			rig.wire.tamper = change_and_overtake;
			play();
			/* Where padding was changed and nothing else, the proof is right. */
			if (rig.a.core->counters.bad_hash + rig.b.core->counters.bad_hash) {
				assert_up("a proof that was changed on the way ended it");
				n_bad++;
			}
			if (rig_logged(&rig.a, "refuses: ") || rig_logged(&rig.b, "refuses: "))
				wrong("a proof that was changed on the way was refused");
			rig_fini(&rig);
		}
	assert_true(n_bad > 20);
}

/* Aggressive mode's message 3 in clear can be anybody's. */
static bool prove_in_clear(struct rig *r, unsigned n, bool from_a, uint8_t *d, size_t n_d)
{
	static const uint8_t junk[20];
	struct ike_out o;
	struct ike_hdr h;
	uint8_t buf[200];

	if (from_a && d[FLAGS_AT] & IKE1_F_ENCRYPTED && d[EXCHANGE_AT] == IKE1_AGGRESSIVE &&
	    ike_hdr_parse(d, n_d, &h) == IKE_OK) {
		h.flags = 0;
		ike_out_init(&o, buf, sizeof(buf), &h);
		ike_out_whole(&o, ike_auth_is_rsa(now->a) ? IKE1_P_SIG : IKE1_P_HASH, junk, sizeof(junk));
		forge(false, buf, ike_out_end(&o));
	}
	return count(r, n, from_a, d, n_d);
}

static void test_a_forged_proof_in_clear_refuses_nobody(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (kinds[i].mode != IKE_MODE_AGGRESSIVE)
			continue;
		begin(&kinds[i]);
		rig.wire.tamper = prove_in_clear;
		play();
		assert_up("a proof in clear ended it");
		assert_true(rig.b.core->counters.bad_hash > 0);
		rig_fini(&rig);
	}
}

/* However often somebody repeats what was refused, more than one refusal does not come of it. */
static bool many_times(struct rig *r, unsigned n, bool from_a, uint8_t *d, size_t n_d)
{
	for (unsigned i = 0; i < 50 && from_a; i++)
		forge(false, d, n_d);
	return count(r, n, from_a, d, n_d);
}

static void test_one_refusal_a_negotiation(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		begin(&kinds[i]);
		rig.b.verdict = -EACCES;
		rig.b.why = "not wanted";
		rig.wire.tamper = many_times;
		rig_packet(&rig.a, 0);
		rig_run(&rig, LONG_MS);
		if (informed[1].n > 2)
			wrong("more is said than once");
		end();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a_peer_that_is_not_wanted_ends_on_both_sides),
	    cmocka_unit_test(test_a_certificate_that_is_not_believed_ends_on_both_sides),
	    cmocka_unit_test(test_another_shared_key),
	    cmocka_unit_test(test_who_has_no_keys_can_refuse_nothing),
	    cmocka_unit_test(test_a_proof_that_was_changed_on_the_way_refuses_nobody),
	    cmocka_unit_test(test_a_forged_proof_in_clear_refuses_nobody),
	    cmocka_unit_test(test_one_refusal_a_negotiation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
