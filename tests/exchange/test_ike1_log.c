/*
 * The guide's recognisable log lines (S177 to S202), in its words, said by two cores; and that what strangers
 * cause stays rationed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "support/ike_rig.h"

enum { TCP = 6, ENOUGH_MS = 2000 };

static struct rig rig;

/* The guide's second example: aggressive mode, a pre-shared key, both offers of the sainfo. */
static int begin(void **state)
{
	rig_init(&rig, 1, rig_conf(IKE_MODE_AGGRESSIVE, IKE_AUTH_PSK, false),
	    rig_conf(IKE_MODE_AGGRESSIVE, IKE_AUTH_PSK, false));
	rig_policy(&rig, IPSEC_TUNNEL, TCP);
	return 0;
}

static int end(void **state)
{
	rig_fini(&rig);
	return 0;
}

static void establish(void)
{
	rig_packet(&rig.a, 0);
	rig_run(&rig, ENOUGH_MS);
	assert_int_equal(rig.a.core->n_children, 1);
}

static void assert_said(const struct rig_side *s, const char *text)
{
	if (!rig_logged(s, text))
		fail_msg("not said: %s", text);
}

static void test_S177_phase_2_expired_and_deleted(void **state)
{
	const struct ike_filter f = {.children = true};

	establish();
	rig_spent(&rig.a, true);
	rig_run(&rig, ENOUGH_MS);
	assert_said(&rig.a, "IPsec-SA expired: ESP/Tunnel 10.0.0.110[0]->10.0.0.100[0] spi=");
	assert_said(&rig.a, "phase2 sa expired 10.0.0.100-10.0.0.110\n");
	rig_packet(&rig.a, 0);
	rig_run(&rig, ENOUGH_MS);
	assert_int_equal(core_delete(rig.a.core, &f).children, 1);
	assert_said(&rig.a, "phase2 sa deleted 10.0.0.100-10.0.0.110\n");
	rig_run(&rig, ENOUGH_MS);
	assert_said(&rig.b, "purged IPsec-SA proto_id=ESP spi=");
}

static void test_S175_S178_acquire_and_policies(void **state)
{
	establish();
	assert_said(&rig.a, "get ACQUIRE message; new acquire of policy ");
	assert_said(&rig.a, "suitable outbound SP found: 10.0.0.100[0] 10.0.0.110[0] proto=6 dir=out\n");
	assert_said(&rig.a, "suitable inbound SP found: 10.0.0.110[0] 10.0.0.100[0] proto=6 dir=in\n");
	assert_said(&rig.b, "suitable outbound SP found: 10.0.0.110[0] 10.0.0.100[0] proto=6 dir=out\n");
}

static void test_S179_sainfo(void **state)
{
	establish();
	assert_said(&rig.a, "anonymous sainfo selected.\n");
	assert_said(&rig.b, "anonymous sainfo selected.\n");
}

static void test_S180_proposal_tree(void **state)
{
	establish();
	assert_said(
	    &rig.a, "(proto_id=ESP spisize=4 spi=00001001 spi_p=00000000 encmode=Tunnel reqid=0:0)\n");
	assert_said(&rig.a, " (trns_id=3des-cbc encklen=0 authtype=hmac-sha1)\n"
	                    " (trns_id=3des-cbc encklen=0 authtype=hmac-md5)\n"
	                    " (trns_id=blowfish-cbc encklen=128 authtype=hmac-sha1)\n"
	                    " (trns_id=blowfish-cbc encklen=128 authtype=hmac-md5)\n");
}

static void test_S181_remote_anonymous(void **state)
{
	establish();
	assert_said(&rig.a, "anonymous configuration selected for 10.0.0.110.\n");
	assert_said(&rig.b, "anonymous configuration selected for 10.0.0.100.\n");
}

static void test_S182_remote_of_an_address(void **state)
{
	rig.a.core->conf->c->peer[0].addr = rig.b.addr;
	establish();
	assert_said(&rig.a, "configuration found for 10.0.0.110[500].\n");
}

static void test_S183_search_for_phase_1(void **state)
{
	establish();
	rig_spent(&rig.a, false); /* another pair, under the ISAKMP SA that is there */
	rig_run(&rig, ENOUGH_MS);
	assert_said(&rig.a, "ph1 local addr 10.0.0.100[500], arg local addr 10.0.0.100[0]\n");
	assert_said(&rig.a, "ph1 remote addr 10.0.0.110[500], arg remote addr 10.0.0.110[0]\n");
}

static void test_S184_S185_S186_quick_mode(void **state)
{
	establish();
	assert_said(
	    &rig.a, "initiate new phase 2 negotiation: 10.0.0.100[0]<=>10.0.0.110[0]\nbegin QUICK mode.\n");
	assert_said(&rig.a, "compute IV for phase2; phase2 IV computed: ");
	assert_said(&rig.b, "compute IV for phase2; phase2 IV computed: ");
}

static void test_S187_S201_spi_and_installation(void **state)
{
	establish();
	assert_said(&rig.a, "GETSPI succeeded: ESP/Tunnel 10.0.0.110[0]->10.0.0.100[0] spi=4097(0x1001)\n");
	assert_said(&rig.a, "UPDATE succeeded: ESP/Tunnel 10.0.0.110[0]->10.0.0.100[0] spi=4097(0x1001)\n");
	assert_said(&rig.a, "ADD succeeded: ESP/Tunnel 10.0.0.100[0]->10.0.0.110[0] spi=4098(0x1002)\n");
}

static void test_S189_matched(void **state)
{
	establish();
	assert_said(&rig.b, "matched: trns#1 of prop#1\n");
	assert_said(&rig.b, "matched: prop#1\n");
}

static void test_S190_hashes(void **state)
{
	establish();
	assert_said(&rig.a, "HASH(1) generate\n");
	assert_said(&rig.a, "HASH(3) generate\n");
	assert_said(&rig.b, "HASH(3) validate: it is right\n");
}

static void test_S193_S194_transmission_and_reception(void **state)
{
	establish();
	assert_said(&rig.a, "send packet from 10.0.0.100[500]: 1 times of 60 bytes message will be sent to "
	                    "10.0.0.110[500]\n");
	assert_said(&rig.b, "60 bytes message received from 10.0.0.100[500]\n");
}

static void test_S195_S196_both_sides_name_the_mode(void **state)
{
	establish();
	assert_said(&rig.a, "initiate new phase 1 negotiation: 10.0.0.100[500]<=>10.0.0.110[500]\n");
	assert_said(&rig.a, "begin Aggressive mode.\n");
	assert_said(&rig.b,
	    "respond new phase 1 negotiation: 10.0.0.110[500]<=>10.0.0.100[500]\nbegin Aggressive mode.\n");
}

static void test_S197_payloads(void **state)
{
	establish();
	assert_said(&rig.b, "seen nptype=1(sa) 4(ke) 10(nonce) 5(id)");
	assert_said(&rig.a, "seen nptype=1(sa) 4(ke) 10(nonce) 5(id) 8(hash)");
}

static void test_S198_S199_sa_payload_and_attributes(void **state)
{
	establish();
	assert_said(&rig.b, "total SA len=48\n"
	                    "prop#=1, prot-id=ISAKMP, spi-size=0, #trns=1\n"
	                    "trns#=1, trns-id=IKE\n"
	                    "type=Life Type, flag=0x8000, lorv=seconds\n"
	                    "type=Life Duration, flag=0x8000, lorv=3600\n"
	                    "type=Encryption Algorithm, flag=0x8000, lorv=3DES-CBC\n"
	                    "type=Authentication Method, flag=0x8000, lorv=pre-shared key\n"
	                    "type=Hash Algorithm, flag=0x8000, lorv=SHA\n"
	                    "type=Group Description, flag=0x8000, lorv=1024-bit MODP group\n");
}

/* S188, S191, S192, S200, S205: nothing of the keys is in any line. */
static void test_no_key_is_logged(void **state)
{
	char hex[2 * ALG_KEY_MAX + 1];

	establish();
	for (size_t i = 0; i < RIG_SAS_MAX; i++) {
		const struct rig_sa *sa = &rig.a.sa[i];

		for (size_t k = 0; sa->serial && k < sa->desc.enc_key_len; k++)
			snprintf(hex + 2 * k, 3, "%02x", sa->enc_key[k]);
		hex[8] = '\0'; /* not even the beginning */
		assert_true(!sa->serial || !rig_logged(&rig.a, hex));
	}
}

static bool only_warnings(void *arg, int level)
{
	return level <= CORE_WARNING;
}

static void test_lines_that_nobody_wants_are_not_made(void **state)
{
	rig.a.core->ports.wants = only_warnings;
	establish();
	assert_false(rig_logged(&rig.a, "message received from"));
	assert_false(rig_logged(&rig.a, "ISAKMP-SA established"));
	assert_true(rig_logged(&rig.b, "message received from"));
}

/* Details do not use up the lines that warnings have. */
static void test_strangers_details_are_rationed_by_themselves(void **state)
{
	uint8_t noise[64] = {[0] = 1, [17] = 0x10, [18] = 2, [27] = sizeof(noise)};
	const struct ike_path p = {
	    .local = rig.b.addr, .remote = inet_addr_v4(0x01020304), .local_port = 500, .remote_port = 500};
	size_t before = rig.b.n_log;

	rig.b.core->conf->c->peer[0].addr = rig.a.addr;
	for (int i = 0; i < 5000; i++) {
		memcpy(noise, &i, sizeof(i));
		noise[7] = 1;
		core_datagram(rig.b.core, &p, noise, sizeof(noise));
	}
	assert_in_range(rig.b.n_log - before, 1000, 60000);
	assert_said(&rig.b, "no configuration found for 1.2.3.4.\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_S175_S178_acquire_and_policies, begin, end),
	    cmocka_unit_test_setup_teardown(test_S177_phase_2_expired_and_deleted, begin, end),
	    cmocka_unit_test_setup_teardown(test_S179_sainfo, begin, end),
	    cmocka_unit_test_setup_teardown(test_S180_proposal_tree, begin, end),
	    cmocka_unit_test_setup_teardown(test_S181_remote_anonymous, begin, end),
	    cmocka_unit_test_setup_teardown(test_S182_remote_of_an_address, begin, end),
	    cmocka_unit_test_setup_teardown(test_S183_search_for_phase_1, begin, end),
	    cmocka_unit_test_setup_teardown(test_S184_S185_S186_quick_mode, begin, end),
	    cmocka_unit_test_setup_teardown(test_S187_S201_spi_and_installation, begin, end),
	    cmocka_unit_test_setup_teardown(test_S189_matched, begin, end),
	    cmocka_unit_test_setup_teardown(test_S190_hashes, begin, end),
	    cmocka_unit_test_setup_teardown(test_S193_S194_transmission_and_reception, begin, end),
	    cmocka_unit_test_setup_teardown(test_S195_S196_both_sides_name_the_mode, begin, end),
	    cmocka_unit_test_setup_teardown(test_S197_payloads, begin, end),
	    cmocka_unit_test_setup_teardown(test_S198_S199_sa_payload_and_attributes, begin, end),
	    cmocka_unit_test_setup_teardown(test_no_key_is_logged, begin, end),
	    cmocka_unit_test_setup_teardown(test_lines_that_nobody_wants_are_not_made, begin, end),
	    cmocka_unit_test_setup_teardown(test_strangers_details_are_rationed_by_themselves, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
