/*
 * The choice of a sainfo: against a model that writes both sides down as text and compares that, over random
 * configurations of few addresses, so that they meet often.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <stdio.h>

#include "base/rng.h"
#include "ipsec/selector.h"
#include "keyd/ike1/select.h"

enum { ROUNDS = 20000, CHILDREN = 6, TEXT = 200 };

static struct rng_seeded dice;

static uint32_t below(uint32_t n)
{
	return rng_below(&dice.rng, n);
}

/* One of eight addresses. */
static struct inet_addr any_addr(bool v6)
{
	struct inet_addr a = inet_addr_v4(0x0a000000 + below(4));
	uint8_t b[16] = {0x20, 1};

	b[15] = (uint8_t)below(4);
	return v6 ? inet_addr_from_bytes(b, sizeof(b)) : a;
}

static uint16_t any_proto(void)
{
	return (uint16_t)(below(2) ? IPPROTO_ANY_ : 6);
}

static struct ike_id any_id(void)
{
	static const char *const names[] = {"moon", "sun", ""};
	struct ike_id id = {.kind = (enum ike_id_kind)(IKE_ID_FQDN + below(3))};
	const char *name = names[below(3)];

	id.len = (uint16_t)strlen(name);
	memcpy(id.data, name, id.len);
	return id;
}

static void sort(struct inet_addr *a, struct inet_addr *b)
{
	struct inet_addr c = *a;

	if (inet_addr_cmp(a, b) <= 0)
		return;
	*a = *b;
	*b = c;
}

static struct ike_side any_side(void)
{
	bool v6 = below(2);
	struct ike_side s = {.kind = (enum ike_side_kind)(IKE_SIDE_ANY + below(IKE_SIDE_NAME - IKE_SIDE_ANY)),
	    .first = any_addr(v6),
	    .last = any_addr(v6),
	    .proto = any_proto(),
	    .port = (uint16_t)(below(2) * 80)};

	s.plen = (uint8_t)((v6 ? 126 : 30) + below(3));
	sort(&s.first, &s.last);
	return s;
}

/* --- what a peer says --- */

struct said {
	struct ike1_ident id;
	uint8_t data[32];
	struct inet_addr first, last; /* of a name: none */
};

static void put_pair(struct said *s, const struct inet_addr *a, const uint8_t *b)
{
	size_t n = inet_addr_len(a);

	memcpy(s->data, a->b, n);
	if (b)
		memcpy(s->data + n, b, n);
	s->id.len = (uint32_t)(b ? 2 * n : n);
}

static void say_net(struct said *s, bool v6)
{
	struct inet_prefix p = {.addr = any_addr(v6), .plen = (uint8_t)((v6 ? 126 : 30) + below(3))};
	uint8_t mask[16];

	memset(mask, 0xff, sizeof(mask));
	mask[v6 ? 15 : 3] = (uint8_t)(0xff << ((v6 ? 128 : 32) - p.plen));
	s->id.type = v6 ? IKE1_ID_IPV6_SUBNET : IKE1_ID_IPV4_SUBNET;
	put_pair(s, &p.addr, mask);
	s->first = inet_prefix_first(&p);
	s->last = inet_prefix_last(&p);
}

static void say_range(struct said *s, bool v6)
{
	s->first = any_addr(v6);
	s->last = any_addr(v6);
	sort(&s->first, &s->last);
	s->id.type = v6 ? IKE1_ID_IPV6_RANGE : IKE1_ID_IPV4_RANGE;
	put_pair(s, &s->first, s->last.b);
}

static void say(struct said *s)
{
	bool v6 = below(2);
	struct ike_id name = any_id();

	*s = (struct said){.id = {.proto = (uint8_t)(below(2) * 6), .port = (uint16_t)(below(2) * 80)}};
	s->id.data = s->data;
	switch (below(4)) {
	case 0:
		s->first = s->last = any_addr(v6);
		s->id.type = v6 ? IKE1_ID_IPV6 : IKE1_ID_IPV4;
		put_pair(s, &s->first, NULL);
		break;
	case 1:
		say_net(s, v6);
		break;
	case 2:
		say_range(s, v6);
		break;
	default:
		s->id.type = IKE1_ID_FQDN;
		s->id.len = name.len;
		memcpy(s->data, name.data, name.len);
		break;
	}
}

/* --- the model --- */

static const char *addresses(char kind, const struct inet_addr *first, const struct inet_addr *last,
    uint16_t proto, uint16_t port, char *buf)
{
	char a[INET_ADDR_STRLEN], b[INET_ADDR_STRLEN];

	snprintf(buf, TEXT, "%c %s-%s %u %u", kind, inet_addr_format(first, a), inet_addr_format(last, b),
	    proto, port);
	return buf;
}

static const char *side_text(const struct ike_side *s, char *buf)
{
	const struct inet_prefix p = {.addr = s->first, .plen = s->plen};
	const struct inet_addr first = inet_prefix_first(&p), last = inet_prefix_last(&p);

	switch (s->kind) {
	case IKE_SIDE_HOST:
		return addresses('h', &s->first, &s->first, s->proto, s->port, buf);
	case IKE_SIDE_NET:
		return addresses('n', &first, &last, s->proto, s->port, buf);
	case IKE_SIDE_RANGE:
		return addresses('r', &s->first, &s->last, s->proto, s->port, buf);
	default:
		return "nothing that is said";
	}
}

static const char *said_text(const struct said *s, char *buf)
{
	bool v6 = s->first.family == INET_V6;
	char kind = s->id.type == (v6 ? IKE1_ID_IPV6 : IKE1_ID_IPV4)                         ? 'h'
	            : s->id.type == IKE1_ID_IPV4_SUBNET || s->id.type == IKE1_ID_IPV6_SUBNET ? 'n'
	                                                                                     : 'r';

	if (s->first.family)
		return addresses(
		    kind, &s->first, &s->last, s->id.proto ? s->id.proto : IPPROTO_ANY_, s->id.port, buf);
	snprintf(buf, TEXT, "name %.*s", (int)s->id.len, (const char *)s->data);
	return buf;
}

static bool model_side(const struct ike_side *s, const struct said *said, const struct inet_addr *peer)
{
	char a[TEXT], b[TEXT];

	if (s->kind == IKE_SIDE_ANY)
		return true;
	if (s->kind == IKE_SIDE_CLIENT)
		return inet_addr_equal(&said->first, peer) && inet_addr_equal(&said->last, peer);
	return strcmp(side_text(s, a), said_text(said, b)) == 0;
}

static bool model_from(const struct ike_child *k, const struct ike_id *id)
{
	if (!k->has_from)
		return true;
	if (k->from.kind == IKE_ID_DN && id->kind == IKE_ID_DN_DER)
		return k->from.len == 0;
	return k->from.kind == id->kind &&
	       (!k->from.len || (k->from.len == id->len && memcmp(k->from.data, id->data, id->len) == 0));
}

static void any_child(struct ike_child *k)
{
	k->local = any_side();
	k->remote = any_side();
	if (below(2))
		k->remote.kind = IKE_SIDE_ANY; /* else two sides hardly ever fit at once */
	k->has_from = below(2);
	k->from = any_id();
	k->remoteid = below(3);
	k->group = below(8) ? NULL : strdup("staff");
}

static void test_select_like_a_list(void **state)
{
	struct ike_peer peer = {0};
	unsigned found = 0;

	rng_seeded_init(&dice, 1);
	for (int round = 0; round < ROUNDS; round++) {
		struct ike_conf *c = ike_conf_new();
		const struct ike_child *want = NULL;
		struct inet_addr addr = any_addr(below(2));
		struct ike_id id = any_id();
		struct said local, remote;

		for (uint32_t i = 0, n = below(CHILDREN); i < n; i++)
			any_child(ike_conf_add_child(c));
		peer.ph1id = below(3);
		say(&local);
		say(&remote);
		for (uint32_t i = 0; i < c->n_children && !want; i++) {
			const struct ike_child *k = &c->child[i];

			if (!k->group && (!k->remoteid || k->remoteid == peer.ph1id) && model_from(k, &id) &&
			    model_side(&k->local, &local, &addr) && model_side(&k->remote, &remote, &addr))
				want = k;
		}
		if (select_child(c, &peer, &id, &local.id, &remote.id, &addr, NULL) != want)
			fail_msg("round %d", round);
		found += want != NULL;
		ike_conf_free(c);
	}
	assert_true(found > ROUNDS / 20 && found < ROUNDS);
}

/* A configured name as text is any name of a certificate only when nothing stands in it, and else the one
 * that it says; with asn1dn a peer always comes with the DER. */
static void test_select_names_of_certificates(void **state)
{
	struct ike_conf *c = ike_conf_new();
	struct ike_child *k = ike_conf_add_child(c);
	/* CN=moon */
	struct ike_id der = {.kind = IKE_ID_DN_DER,
	    .len = 17,
	    .data = {0x30, 15, 0x31, 13, 0x30, 11, 6, 3, 0x55, 4, 3, 0x0c, 4, 'm', 'o', 'o', 'n'}};
	struct ike_peer peer = {0};
	struct said s;

	rng_seeded_init(&dice, 1);
	say(&s);
	k->local.kind = k->remote.kind = IKE_SIDE_ANY;
	k->has_from = true;
	k->from.kind = IKE_ID_DN;
	assert_ptr_equal(select_child(c, &peer, &der, &s.id, &s.id, &s.first, NULL), k);
	k->from.len = 7;
	memcpy(k->from.data, "CN=moon", 7);
	assert_ptr_equal(select_child(c, &peer, &der, &s.id, &s.id, &s.first, NULL), k);
	memcpy(k->from.data, "CN=noon", 7);
	assert_null(select_child(c, &peer, &der, &s.id, &s.id, &s.first, NULL));
	k->from = der;
	assert_ptr_equal(select_child(c, &peer, &der, &s.id, &s.id, &s.first, NULL), k);
	ike_conf_free(c);
}

/* What we begin with lies in a range that is said in its place; what a peer asks for has to be it. */
static void test_select_own_lies_in_a_range(void **state)
{
	static const struct {
		const char *first, *last; /* of the sainfo */
		const char *net;
		uint8_t plen;
		bool fits;
	} rows[] = {
	    {"10.0.0.1", "10.0.0.6", "10.0.0.1", 32, true},
	    {"10.0.0.1", "10.0.0.6", "10.0.0.4", 31, true},
	    {"10.0.0.1", "10.0.0.6", "10.0.0.6", 31, false},
	    {"10.0.0.1", "10.0.0.6", "10.0.0.0", 31, false},
	    {"10.0.0.0", "10.0.0.255", "10.0.0.0", 24, true},
	    {"10.0.0.0", "10.0.0.255", "10.0.0.0", 23, false},
	    {"2001:db8::1", "2001:db8::ff", "2001:db8::8", 125, true},
	    {"2001:db8::1", "2001:db8::ff", "2001:db8::", 125, false},
	    {"2001:db8::1", "2001:db8::ff", "10.0.0.1", 32, false},
	};
	AUTO_IKE_CONF struct ike_conf *c = ike_conf_new();
	struct ike_child *k = ike_conf_add_child(c);
	const struct ike_id who = {.kind = IKE_ID_FQDN};
	const struct ike_peer peer = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct inet_prefix net = {.plen = rows[i].plen};
		struct selector s = {.proto = IPPROTO_ANY_};
		struct ike1_ident id;
		struct octets body = {0};
		bool fits;

		k->local = (struct ike_side){.kind = IKE_SIDE_RANGE, .proto = IPPROTO_ANY_};
		assert_int_equal(inet_addr_parse(rows[i].first, &k->local.first), 0);
		assert_int_equal(inet_addr_parse(rows[i].last, &k->local.last), 0);
		assert_int_equal(inet_addr_parse(rows[i].net, &net.addr), 0);
		assert_true(select_own_side(&net, &s, 0, &body, &id));
		fits = select_own(c, &peer, &who, &id, &id, &net.addr, NULL) == k;
		if (fits != rows[i].fits)
			fail_msg("row %zu", i);
		assert_null(select_child(c, &peer, &who, &id, &id, &net.addr, NULL));
		k->local.port = 80;
		assert_null(select_own(c, &peer, &who, &id, &id, &net.addr, NULL));
		octets_fini(&body);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_select_like_a_list),
	    cmocka_unit_test(test_select_names_of_certificates),
	    cmocka_unit_test(test_select_own_lies_in_a_range),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
