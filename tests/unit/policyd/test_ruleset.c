/* The text given to nftables: names that cannot be anything else, chunks, leftovers, exemptions. The kernel
 * itself judges what it means in tests/integration. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "policyd/compile/exempt.h"
#include "policyd/compile/ruleset.h"
#include "policyd/conf.h"
#include "service/settings.h"

static struct policyd_conf default_conf(void)
{
	struct settings s;
	struct policyd_conf c;

	settings_init(&s);
	assert_int_equal(policyd_conf_init(&c, &s, NULL), 0);
	return c;
}

static void test_conf_default_values(void **state)
{
	struct policyd_conf c = default_conf();

	(void)state;
	assert_string_equal(c.table, "postern");
	assert_int_equal(c.bypass, 0x10000000);
	assert_int_equal(c.out, 0x20000000);
	assert_int_equal(c.in, 0x30000000);
	assert_int_equal(c.hairpin, 0x40000000);
	assert_int_equal(c.rule_base, 98);
	assert_int_equal(c.rule_last, 32800);
	assert_int_equal(c.rt_remotes, c.rt_table + 1);
}

static void test_conf_other_instance_and_mask(void **state)
{
	struct settings s;
	struct policyd_conf c;

	(void)state;
	settings_init(&s);
	strcpy(s.instance, "lab-2");
	s.mark_mask = 0x0f00;
	assert_int_equal(policyd_conf_init(&c, &s, NULL), 0);
	assert_string_equal(c.table, "postern_lab-2");
	assert_int_equal(c.hairpin, 0x400);
}

static void test_conf_refuses_what_could_not_be_text(void **state)
{
	static const char *const names[] = {"", "a b", "a\"", "a;b", "a\nb", "{", "ä", "a/b"};
	struct err_text e;
	struct settings s;
	struct policyd_conf c;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		settings_init(&s);
		snprintf(s.instance, sizeof(s.instance), "%s", names[i]);
		assert_int_equal(policyd_conf_init(&c, &s, &e), -EINVAL);
		assert_non_null(strstr(e.s, "--instance"));
		settings_init(&s);
		snprintf(s.device, sizeof(s.device), "%s", names[i]);
		assert_int_equal(policyd_conf_init(&c, &s, &e), -EINVAL);
		assert_non_null(strstr(e.s, "--device"));
	}
}

static void test_conf_refuses_bad_numbers(void **state)
{
	static const struct {
		uint32_t mask, table, base, mtu;
	} cases[] = {
	    {0, 4500, 98, 1400},
	    {0xff000000, 4500, 98, 1400},
	    {0x70000000, 4500, 98, 1400},
	    {0xf0f, 4500, 98, 1400},
	    {0xf0000000, 0, 98, 1400},
	    {0xf0000000, 252, 98, 1400},
	    {0xf0000000, 254, 98, 1400},
	    {0xf0000000, 255, 98, 1400},
	    {0xf0000000, 4500, 0, 1400},
	    {0xf0000000, 4500, 32766, 1400},
	    {0xf0000000, 4500, 98, 100},
	    {0xf0000000, 4500, 98, 70000},
	};
	struct settings s;
	struct policyd_conf c;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		settings_init(&s);
		s.mark_mask = cases[i].mask;
		s.table = cases[i].table;
		s.rule_base = cases[i].base;
		s.tun_mtu = cases[i].mtu;
		assert_int_equal(policyd_conf_init(&c, &s, NULL), -EINVAL);
	}
}

static void add(struct spd *spd, enum policy_dir dir, const char *src, const char *dst, uint16_t proto,
    uint16_t sport, uint16_t dport)
{
	struct policy p = {
	    .dir = dir, .action = POLICY_DISCARD, .sel = {.proto = proto, .sport = sport, .dport = dport}};

	assert_int_equal(inet_addr_parse(src, &p.sel.src.addr), 0);
	assert_int_equal(inet_addr_parse(dst, &p.sel.dst.addr), 0);
	p.sel.src.plen = inet_addr_bits(&p.sel.src.addr);
	p.sel.dst.plen = inet_addr_bits(&p.sel.dst.addr);
	assert_int_equal(spd_insert(spd, &p, NULL), 0);
}

static size_t count(const char *text, const char *word)
{
	size_t n = 0;

	for (const char *p = text; (p = strstr(p, word)); p += strlen(word))
		n++;
	return n;
}

static void test_ruleset_empty_spd_has_no_rule(void **state)
{
	const struct policyd_conf c = default_conf();
	AUTO_RULESET struct ruleset r = {0};

	(void)state;
	assert_int_equal(ruleset_build(&r, &c, NULL, &policy_deflev_kame, 1), 0);
	assert_int_equal(count(sbuf_str(&r.swap), "add rule"), 0);
	assert_true(count(sbuf_str(&r.swap), "flush chain") > 5);
	for (size_t i = 0; i < r.n_fill; i++)
		assert_int_equal(count(sbuf_str(&r.fill[i]), "add rule"), 0);
}

static void test_ruleset_fill_comes_in_chunks(void **state)
{
	const struct policyd_conf c = default_conf();
	AUTO_RULESET struct ruleset r = {0};
	AUTO_SPD struct spd *spd = NULL;
	size_t n = 0;

	(void)state;
	assert_int_equal(spd_new(&spd), 0);
	for (int i = 0; i < 2 * RULESET_CHUNK + 1; i++) {
		char dst[16];

		snprintf(dst, sizeof(dst), "11.0.%d.%d", i >> 8, i & 255);
		add(spd, POLICY_OUT, "10.0.0.1", dst, IPPROTO_ANY_, 0, 0);
	}
	assert_int_equal(ruleset_build(&r, &c, spd, &policy_deflev_kame, 0xabc), 0);
	assert_int_equal(r.n_fill, 3);
	for (size_t i = 0; i < r.n_fill; i++) {
		size_t here = count(sbuf_str(&r.fill[i]), "goto v_out_discard");

		assert_true(here <= RULESET_CHUNK);
		n += here;
	}
	assert_int_equal(n, 2 * RULESET_CHUNK + 1);
	assert_int_equal(r.n_elements, n);
	assert_int_equal(r.n_layers, 1);
	/* Nobody asks about ports or protocols: one map over addresses. */
	assert_int_equal(count(sbuf_str(&r.fill[0]), "add map"), 1);
	assert_int_equal(count(sbuf_str(&r.drop), "delete map"), 1);
}

/* Whatever a generation makes, its drop removes, and the sweep finds in a listing. */
static void test_ruleset_drop_and_sweep_name_all_that_was_made(void **state)
{
	const struct policyd_conf c = default_conf();
	AUTO_RULESET struct ruleset r = {0};
	AUTO_SPD struct spd *spd = NULL;
	AUTO_SBUF struct sbuf listing = {0};
	AUTO_SBUF struct sbuf swept = {0};
	AUTO_SBUF struct sbuf kept = {0};
	size_t n_made = 0;

	(void)state;
	assert_int_equal(spd_new(&spd), 0);
	for (enum policy_dir d = POLICY_IN; d <= POLICY_FWD; d++) {
		add(spd, d, "10.0.0.1", "10.0.0.2", 6, 0, 80);
		add(spd, d, "10.0.0.1", "10.0.0.2", IPPROTO_ANY_, 0, 0);
		add(spd, d, "2001:db8::1", "2001:db8::2", 58, 0, 0);
	}
	assert_int_equal(ruleset_build(&r, &c, spd, &policy_deflev_kame, 0xabc), 0);
	for (size_t i = 0; i < r.n_fill; i++)
		for (const char *p = sbuf_str(&r.fill[i]); *p; p += strcspn(p, "\n") + 1) {
			char kind[8], name[64], want[96];

			if (sscanf(p, "add %7s inet postern %63s", kind, name) != 2 || !strstr(name, "abc") ||
			    (strcmp(kind, "chain") != 0 && strcmp(kind, "map") != 0))
				continue;
			n_made++;
			snprintf(want, sizeof(want), "delete %s inet postern %s\n", kind, name);
			assert_int_equal(count(sbuf_str(&r.drop), want), 1);
			sbuf_add(&listing, "\t%s %s {\n\t\tflags interval\n\t}\n", kind, name);
		}
	assert_true(n_made > 20);
	ruleset_write_sweep(&swept, &c, sbuf_str(&listing), 0xabd);
	assert_int_equal(count(sbuf_str(&swept), "delete "), n_made);
	ruleset_write_sweep(&kept, &c, sbuf_str(&listing), 0xabc);
	assert_int_equal(kept.len, 0);
}

static void test_sweep_leaves_names_that_are_not_ours(void **state)
{
	const struct policyd_conf c = default_conf();
	AUTO_SBUF struct sbuf swept = {0};

	(void)state;
	ruleset_write_sweep(&swept, &c,
	    "table inet postern {\n\tchain output {\n\t}\n\tchain v_mark {\n\t}\n\tmap out4_ {\n\t}\n\tmap "
	    "out4_xyz {\n\t}\n"
	    "\tchain out4_1f_z {\n\t}\n\tchain out4_1f_p;drop {\n\t}\n\tset out4_1f {\n\t}\n\tmap other4_1f "
	    "{\n\t}\n"
	    "\tmap out4_11111111111111111 {\n\t}\n}\n",
	    1);
	assert_int_equal(swept.len, 0);
}

static bool is_exempt(const struct spd *spd, enum policy_dir dir, const char *name)
{
	struct exempt_set set = exempt_unnamed(spd, dir);

	for (unsigned i = 0; exempt_name(i); i++)
		if (strcmp(exempt_name(i), name) == 0)
			return set.rows >> i & 1;
	fail_msg("no row %s", name);
	return false;
}

static void test_exempt_row_goes_when_a_policy_names_it(void **state)
{
	static const struct {
		const char *row, *src, *dst;
		uint16_t proto, sport, dport;
		bool named;
	} cases[] = {
	    {"loopback", "10.0.0.1", "10.0.0.2", 256, 0, 0, false},
	    {"loopback", "127.0.0.1", "127.0.0.1", 256, 0, 0, true},
	    {"loopback6", "::1", "::1", 256, 0, 0, true},
	    {"loopback", "::1", "::1", 256, 0, 0, false},
	    {"link-local", "10.0.0.1", "169.254.169.254", 256, 0, 0, true},
	    {"link-local6", "fe80::1", "fe80::2", 256, 0, 0, true},
	    {"neighbour-discovery", "2001:db8::1", "2001:db8::2", 58, 0, 0, false},
	    {"neighbour-discovery", "2001:db8::1", "2001:db8::2", 58, 135, 0, true},
	    {"mld", "2001:db8::1", "2001:db8::2", 58, 143, 0, true},
	    {"igmp", "10.0.0.1", "224.0.0.22", 2, 0, 0, true},
	    {"dhcp", "10.0.0.1", "10.0.0.2", 17, 68, 67, true},
	    {"dhcp", "2001:db8::1", "2001:db8::2", 17, 68, 67, false},
	    {"dhcp6", "2001:db8::1", "2001:db8::2", 17, 546, 547, true},
	    {"ike", "10.0.0.1", "10.0.0.2", 17, 0, 500, true},
	    {"ike", "10.0.0.1", "10.0.0.2", 17, 4500, 0, true},
	    {"ike", "10.0.0.1", "10.0.0.2", 17, 0, 0, false},
	    {"ike", "10.0.0.1", "10.0.0.2", 6, 0, 500, false},
	    {"esp", "10.0.0.1", "10.0.0.2", 50, 0, 0, true},
	    {"ah", "10.0.0.1", "10.0.0.2", 51, 0, 0, true},
	    {"esp", "10.0.0.1", "10.0.0.2", 51, 0, 0, false},
	    {"too-big", "10.0.0.1", "10.0.0.2", 1, 0, 0, false}, /* pings are named, reports are not */
	    {"too-big", "10.0.0.1", "10.0.0.2", 1, 3, 0, true},
	    {"too-big-udp", "2001:db8::1", "2001:db8::2", 58, 2, 0, true},
	    {"too-big-fragment", "2001:db8::1", "2001:db8::2", 58, 128, 0, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		AUTO_SPD struct spd *spd = NULL;

		assert_int_equal(spd_new(&spd), 0);
		add(spd, POLICY_IN, cases[i].src, cases[i].dst, cases[i].proto, cases[i].sport,
		    cases[i].dport);
		assert_int_equal(is_exempt(spd, POLICY_IN, cases[i].row), !cases[i].named);
		assert_true(is_exempt(spd, POLICY_OUT, cases[i].row)); /* each direction by itself */
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_conf_default_values),
	    cmocka_unit_test(test_conf_other_instance_and_mask),
	    cmocka_unit_test(test_conf_refuses_what_could_not_be_text),
	    cmocka_unit_test(test_conf_refuses_bad_numbers),
	    cmocka_unit_test(test_ruleset_empty_spd_has_no_rule),
	    cmocka_unit_test(test_ruleset_fill_comes_in_chunks),
	    cmocka_unit_test(test_ruleset_drop_and_sweep_name_all_that_was_made),
	    cmocka_unit_test(test_sweep_leaves_names_that_are_not_ours),
	    cmocka_unit_test(test_exempt_row_goes_when_a_policy_names_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
