/*
 * `sainfo`: its selectors, its statements, and the order in which they are tried (racoon-conf.md section 5).
 */
#include <stdio.h>

#include "config/racoon/reader.h"
#include "ipsec/ike_weak.h"
#include "ipsec/selector.h"

/* "10.0.0.0-10.0.0.9": the range is one word with its first address. */
static bool split_range(struct rc_cur *c, struct ike_side *s)
{
	const struct rc_word *w = rc_next(c);
	char text[2 * INET_ADDR_STRLEN], *dash;

	if (!w || !rc_text(w, text, sizeof(text)))
		return rc_fault(c, w, w ? "is no address" : "wants an address behind it");
	dash = strchr(text, '-');
	if (!dash) {
		if (inet_addr_parse(text, &s->first) < 0)
			return rc_fault(c, w, "is no address");
		return true;
	}
	*dash = '\0';
	if (inet_addr_parse(text, &s->first) < 0 || inet_addr_parse(dash + 1, &s->last) < 0 ||
	    s->first.family != s->last.family || inet_addr_cmp(&s->first, &s->last) > 0)
		return rc_fault(c, w, "is no range: FIRST-LAST");
	s->kind = IKE_SIDE_RANGE;
	return true;
}

static bool upper(struct rc_cur *c, struct ike_side *s)
{
	static const struct rc_choice protos[] = {{"any", IPPROTO_ANY_}, {"esp", 50}, {"ah", 51},
	    {"ipcomp", 108}, {"icmp", 1}, {"icmp6", 58}, {"tcp", 6}, {"udp", 17}, {"gre", 47}};
	const struct rc_word *w = rc_peek(c);
	uint64_t number;
	uint32_t v;

	if (w && w->kind == RC_NUMBER) {
		if (!rc_number(c, 0, 255, &number))
			return false;
		v = number ? (uint32_t)number : IPPROTO_ANY_;
	} else if (!rc_pick(c, "an upper protocol: tcp, udp, icmp, any, a number ...", protos,
	               ARRAY_SIZE(protos), &v)) {
		return false;
	}
	if (s->port && (v == 1 || v == 58))
		return rc_fault(c, w, "has no ports: they must be `any`");
	s->proto = (uint16_t)v;
	return true;
}

static bool address_side(struct rc_cur *c, bool subnet, struct ike_side *s)
{
	const struct rc_word *w;
	uint64_t plen;
	bool said;

	s->kind = subnet ? IKE_SIDE_NET : IKE_SIDE_HOST;
	if (!split_range(c, s))
		return false;
	s->plen = inet_addr_bits(&s->first);
	w = rc_peek(c);
	if (rc_skip(c, "/")) {
		if (s->kind == IKE_SIDE_RANGE)
			return rc_fault(c, w, "does not go with a range");
		if (!rc_number(c, 0, inet_addr_bits(&s->first), &plen))
			return false;
		s->plen = (uint8_t)plen;
		/* `address` of full length is an identity of type address, `subnet` is one of type subnet. */
		s->kind = subnet || s->plen != inet_addr_bits(&s->first) ? IKE_SIDE_NET : IKE_SIDE_HOST;
	}
	return rc_port(c, &said, &s->port) && upper(c, s);
}

/* One `id`; `ret_clientaddr`: the word stands in its place. */
static bool side(struct rc_cur *c, struct ike_side *s)
{
	const struct rc_word *w = rc_peek(c);

	if (rc_skip(c, "address"))
		return address_side(c, false, s);
	if (rc_skip(c, "subnet"))
		return address_side(c, true, s);
	if (w && rc_word_is(w, "asn1dn"))
		return rc_fault(c, w, "id type forbidden");
	s->kind = IKE_SIDE_NAME;
	return rc_identifier(c, &s->id);
}

static bool is_param(const struct rc_word *w)
{
	return !w || rc_word_is(w, "from") || rc_word_is(w, "group");
}

/* local and remote; left out: any. */
static bool selectors(struct rc_cur *c, struct ike_child *k)
{
	const struct rc_word *w = rc_peek(c);

	if (!w)
		return rc_fault(c, NULL, "wants `anonymous` or two identities behind it");
	if (!rc_skip(c, "anonymous") && !side(c, &k->local))
		return false;
	w = rc_peek(c);
	if (is_param(w)) {
		if (k->local.kind != IKE_SIDE_ANY)
			return rc_fault(c, w, "wants the other side's identity in front: one alone is none");
		return true;
	}
	if (rc_skip(c, "anonymous"))
		return true;
	if (rc_skip(c, "clientaddr")) {
		k->remote.kind = IKE_SIDE_CLIENT;
		return true;
	}
	if (!side(c, &k->remote))
		return false;
	if (k->local.kind != IKE_SIDE_ANY && k->local.kind != IKE_SIDE_NAME &&
	    k->remote.kind != IKE_SIDE_NAME && k->local.proto != k->remote.proto)
		return rc_fault(c, w, "upper layer protocol mismatched.");
	return true;
}

static bool param(struct rc_cur *c, struct ike_child *k)
{
	if (rc_skip(c, "from")) {
		k->has_from = true;
		return rc_identifier(c, &k->from) && rc_end(c);
	}
	if (rc_skip(c, "group"))
		return rc_string(c, &k->group) && rc_end(c);
	return rc_end(c);
}

static bool pfs_group(struct rc_cur *c, void *block)
{
	struct ike_child *k = block;

	return rc_group(c, &k->pfs, NULL) && rc_end(c);
}

static bool remoteid(struct rc_cur *c, void *block)
{
	struct ike_child *k = block;
	uint64_t v;

	if (!rc_number(c, 0, UINT32_MAX, &v) || !rc_end(c))
		return false;
	k->remoteid = (uint32_t)v;
	return true;
}

static bool lifetime(struct rc_cur *c, void *block)
{
	enum { LEAST = 1024 };
	struct ike_child *k = block;
	const struct rc_word *w;

	if (rc_skip(c, "byte")) {
		w = rc_peek(c);
		if (!rc_size(c, &k->bytes))
			return false;
		if (k->bytes < LEAST)
			return rc_fault(c, w, "byte size should be more than 1024B.");
		return rc_end(c);
	}
	if (!rc_skip(c, "time"))
		return rc_fault(c, rc_peek(c), "wants `time` or `byte` behind it");
	if (!rc_time(c, &k->seconds))
		return false;
	if (!k->seconds)
		return rc_fault(c, NULL, "of 0 is none");
	return rc_end(c);
}

static bool too_many(struct rc_cur *c)
{
	return rc_fault(c, rc_peek(c), "is one too many in its list: %d are enough", IKE_ALGS_MAX);
}

static bool enc_item(struct rc_cur *c, struct ike_child *k)
{
	bool usable;

	if (k->n_enc == IKE_ALGS_MAX)
		return too_many(c);
	if (!rc_child_enc(c, &k->enc[k->n_enc], &usable))
		return false;
	k->n_enc += usable;
	return true;
}

static bool auth_item(struct rc_cur *c, struct ike_child *k)
{
	bool usable;

	if (k->n_auth == IKE_ALGS_MAX)
		return too_many(c);
	if (!rc_child_auth(c, &k->auth[k->n_auth], &usable))
		return false;
	k->n_auth += usable;
	return true;
}

static bool comp_item(struct rc_cur *c, struct ike_child *k)
{
	bool usable;

	if (k->n_comp == IKE_ALGS_MAX)
		return too_many(c);
	if (!rc_child_comp(c, &k->comp[k->n_comp], &usable))
		return false;
	k->n_comp += usable;
	return true;
}

static bool list(struct rc_cur *c, struct ike_child *k, bool (*item)(struct rc_cur *c, struct ike_child *k))
{
	do {
		if (!item(c, k))
			return false;
	} while (rc_skip(c, ","));
	return rc_end(c);
}

static bool encryption(struct rc_cur *c, void *block)
{
	return list(c, block, enc_item);
}

static bool authentication(struct rc_cur *c, void *block)
{
	return list(c, block, auth_item);
}

static bool compression(struct rc_cur *c, void *block)
{
	struct ike_child *k = block;

	k->says_comp = true;
	return list(c, block, comp_item);
}

static bool old_identifier(struct rc_cur *c, void *block)
{
	rc_warn(c, NULL, "is ignored in `sainfo`: it belongs into `remote`");
	return true;
}

static const struct rc_verb verbs[] = {
    {"pfs_group", pfs_group, false},
    {"lifetime", lifetime, false},
    {"encryption_algorithm", encryption, false},
    {"authentication_algorithm", authentication, false},
    {"compression_algorithm", compression, false},
    {"remoteid", remoteid, false},
    {"my_identifier", old_identifier, false},
    {"identifier", old_identifier, false},
};

/* Host bits are of no account. */
static bool same_addresses(const struct ike_side *a, const struct ike_side *b)
{
	const struct inet_prefix p = {a->first, a->plen}, q = {b->first, b->plen};
	struct inet_addr x, y;

	if (a->plen != b->plen || !inet_addr_equal(&a->last, &b->last))
		return false;
	if (!inet_prefix_valid(&p) || !inet_prefix_valid(&q))
		return inet_addr_equal(&a->first, &b->first);
	x = inet_prefix_first(&p);
	y = inet_prefix_first(&q);
	return inet_addr_equal(&x, &y);
}

/* Two of them that fit the same: the second would never be chosen. */
static bool same_side(const struct ike_side *a, const struct ike_side *b)
{
	return a->kind == b->kind && same_addresses(a, b) && a->port == b->port && a->proto == b->proto &&
	       (a->kind != IKE_SIDE_NAME || ike_id_equal(&a->id, &b->id));
}

static bool same(const struct ike_child *a, const struct ike_child *b)
{
	return same_side(&a->local, &b->local) && same_side(&a->remote, &b->remote) &&
	       a->remoteid == b->remoteid && a->has_from == b->has_from &&
	       (!a->has_from || ike_id_equal(&a->from, &b->from)) && !a->group && !b->group;
}

/* ESP with neither is not negotiated (RFC 4303 section 3.2.2). */
static bool protects_nothing(const struct ike_child *k)
{
	for (uint8_t i = 0; i < k->n_enc; i++)
		if (k->enc[i].id != ALG_ENC_NULL)
			return false;
	for (uint8_t i = 0; i < k->n_auth; i++)
		if (k->auth[i].id != ALG_AUTH_NONE)
			return false;
	return true;
}

static bool check(struct rc_cur *c, const struct ike_child *k)
{
	const struct ike_conf *conf = c->r->conf;

	if (!k->n_enc)
		return rc_fault(c, NULL, "no encryption algorithm");
	if (!k->n_auth)
		return rc_fault(c, NULL, "no authentication algorithm");
	if (!k->says_comp)
		return rc_fault(c, NULL, "no compression algorithm");
	if (protects_nothing(k))
		return rc_fault(c, NULL, "would protect nothing: null_enc and non_auth do not go together");
	for (uint32_t i = 0; i + 1 < conf->n_children; i++)
		if (same(&conf->child[i], k))
			return rc_fault(
			    c, NULL, "duplicated sainfo: the first is in line %u", conf->child[i].line);
	return true;
}

static uint32_t nets_of(const struct ike_side *s)
{
	struct inet_prefix net[1];

	return s->kind == IKE_SIDE_RANGE ? inet_range_prefixes(&s->first, &s->last, net, ARRAY_SIZE(net)) : 1;
}

/* What is negotiated is policies', and those have networks (docs/decisions.md). */
static void warn_range(struct rc_cur *c, const struct ike_child *k)
{
	uint32_t n = nets_of(&k->local) * nets_of(&k->remote);

	if (n > IKE_RANGE_NETS_MAX)
		rc_warn(c, NULL,
		    "is never used: its ranges are made of %u networks, each of which needs a policy, and %d "
		    "are "
		    "negotiated at once; write a sainfo for each part",
		    n, IKE_RANGE_NETS_MAX);
}

static const char *why_weak(const struct ike_child *k, const char **ret_what)
{
	const char *why = ike_weak_group(k->pfs);

	*ret_what = "pfs_group";
	if (why)
		return why;
	*ret_what = "encryption_algorithm";
	for (uint8_t i = 0; i < k->n_enc; i++)
		if ((why = ike_weak_cipher(k->enc[i].id)))
			return why;
	*ret_what = "authentication_algorithm";
	for (uint8_t i = 0; i < k->n_auth; i++)
		if (k->auth[i].id == ALG_AUTH_HMAC_MD5 || k->auth[i].id == ALG_AUTH_NONE)
			return k->auth[i].id == ALG_AUTH_NONE ? "non_auth, with which packets can be altered"
			                                      : "hmac_md5, which is broken";
	return NULL;
}

static void warn_weak(struct rc_cur *c, const struct ike_child *k)
{
	const char *what, *why = why_weak(k, &what);

	if (why)
		rc_warn(c, NULL, "is weak: its %s has %s", what, why);
}

/* Policies have addresses. */
static void warn_name(struct rc_cur *c, const struct ike_child *k)
{
	if (k->local.kind == IKE_SIDE_NAME || k->remote.kind == IKE_SIDE_NAME)
		rc_warn(
		    c, NULL, "is never used: what is negotiated has addresses, and this one wants a name");
}

bool rc_sainfo(struct rc_cur *c, void *block)
{
	unsigned before = c->r->n_errors;
	struct ike_child *k = ike_conf_add_child(c->r->conf);

	if (!k)
		return rc_fault(c, NULL, "cannot be kept: too many, or no memory");
	k->file = strdup(c->r->tree->file);
	k->line = rc_word_at(c->r->tree, c->s, 0)->line;
	if (!selectors(c, k) || !param(c, k))
		return false;
	if (!c->s->has_body)
		return rc_fault(c, NULL, "wants a block behind it");
	rc_run_body(c, verbs, ARRAY_SIZE(verbs), k);
	if (c->r->n_errors != before || !check(c, k))
		return false;
	warn_range(c, k);
	warn_weak(c, k);
	warn_name(c, k);
	return true;
}

/* How particular one is (racoon-conf.md section 5.1, choice I). */
static int weight(const struct ike_child *k)
{
	return (k->remoteid ? 3 : 0) + (k->has_from ? 3 : 0) + (k->local.kind != IKE_SIDE_ANY) +
	       (k->remote.kind != IKE_SIDE_ANY);
}

/* The heaviest first, in the file's order among equals; few enough for a simple sort. */
void rc_sort_children(struct rc_read *r)
{
	struct ike_child *list = r->conf->child;

	for (uint32_t i = 1; i < r->conf->n_children; i++) {
		struct ike_child x = list[i];
		uint32_t at = i;

		while (at && weight(&list[at - 1]) < weight(&x)) {
			list[at] = list[at - 1];
			at--;
		}
		list[at] = x;
	}
}
