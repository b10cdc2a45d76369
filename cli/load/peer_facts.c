/*
 * From what is loaded, not from what was written: a name whose address is another one today makes a
 * difference, and one that is written differently and means the same makes none.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/load/facts.h"
#include "config/native/native.h"
#include "config/setkey/setkey.h"

struct making {
	const struct ike_conf *c;
	const struct block_key *key;
	struct facts *to;
	const char *conn;
	int r;
};

static void put(struct making *m, const char *what, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static void put(struct making *m, const char *what, const char *fmt, ...)
{
	char text[1100];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	facts_add(m->to, m->conn, what, text, "");
}

static void put_marked(struct making *m, const char *what, const char *value, const struct block_print *print)
{
	char hex[2 * BLOCK_PRINT_LEN + 1];

	for (size_t i = 0; i < BLOCK_PRINT_LEN; i++)
		snprintf(hex + 2 * i, 3, "%02x", print->octets[i]);
	facts_add(m->to, m->conn, what, value, hex);
}

static void put_file(struct making *m, const char *what, const char *path)
{
	struct block_print print;
	int r = path ? block_print_file(m->key, path, &print) : 0;

	if (r < 0)
		m->r = r;
	else if (path)
		put_marked(m, what, path, &print);
}

static void put_ids(struct making *m, const struct ike_peer *p)
{
	AUTO_SBUF struct sbuf all;
	char text[1100];

	sbuf_init(&all);
	for (uint8_t i = 0; i < p->n_peer_ids; i++)
		sbuf_add(&all, "%s%s %s", i ? ", " : "", ike_id_kind_name(p->peer_id[i].kind),
		    ike_id_format(&p->peer_id[i], text, sizeof(text)));
	if (p->my_id.kind != IKE_ID_ADDRESS || p->my_id.len)
		put(m, "local-id", "%s %s", ike_id_kind_name(p->my_id.kind),
		    ike_id_format(&p->my_id, text, sizeof(text)));
	if (p->n_peer_ids)
		facts_add(m->to, m->conn, "remote-id", sbuf_str(&all), "");
	m->to->bad |= all.bad;
}

static const char *or_number(const char *word)
{
	return word ? word : "?";
}

static void put_offers(struct making *m, const struct ike_peer *p)
{
	AUTO_SBUF struct sbuf all;

	sbuf_init(&all);
	for (uint8_t i = 0; i < p->n_offers; i++) {
		const struct ike_offer *o = &p->offer[i];

		sbuf_add(&all, "%s%s-%s-%s", i ? ", " : "",
		    or_number(native_cipher_word(o->enc, o->key_bits)), or_number(native_prf_word(o->hash)),
		    or_number(native_group_word(o->group)));
	}
	facts_add(m->to, m->conn, "ike", sbuf_str(&all), "");
	m->to->bad |= all.bad;
}

static void put_ways(struct making *m, const struct ike_peer *p)
{
	static const char *const encap[] = {[IKE_OFF] = "never", [IKE_ON] = "auto", [IKE_FORCE] = "always"};

	put(m, "lifetime", "%llus", (unsigned long long)p->seconds);
	put(m, "keep", "%s", p->keep_up ? "up" : p->passive ? "respond" : "on-demand");
	put(m, "encap", "%s", encap[p->nat_traversal]);
	if (p->dpd.delay_s)
		put(m, "dpd", "%us %u", p->dpd.delay_s, p->dpd.maxfail);
	else
		put(m, "dpd", "no");
	if (p->n_modes)
		put(m, "exchange", "%s", ike_mode_name(p->mode[0]));
}

static void add_side(struct sbuf *to, const struct ike_side *s)
{
	const struct inet_prefix net = {s->first, s->plen};
	char text[INET_PREFIX_STRLEN];
	const char *proto = s->proto == IPPROTO_ANY_ ? NULL : setkey_proto_name(s->proto);

	if (s->kind == IKE_SIDE_HOST)
		sbuf_add(to, "%s", inet_addr_format(&s->first, text));
	else if (s->kind == IKE_SIDE_NET)
		sbuf_add(to, "%s", inet_prefix_format(&net, text));
	else
		sbuf_add(to, "%s", s->kind == IKE_SIDE_CLIENT ? "remote" : "any");
	if (proto)
		sbuf_add(to, "[%s", proto);
	else if (s->proto != IPPROTO_ANY_)
		sbuf_add(to, "[%u", s->proto);
	else if (s->port)
		sbuf_add(to, "[any");
	if (s->port)
		sbuf_add(to, "/%u", s->port);
	if (s->proto != IPPROTO_ANY_ || s->port)
		sbuf_add(to, "]");
}

/* What shares its SAs is known by the first of them. */
static void add_first(const struct making *m, struct sbuf *to, const struct ike_child *k)
{
	const struct ike_child *first = m->c->child;

	while (k->set && first < k && (first->set != k->set || first->remoteid != k->remoteid))
		first++;
	if (!k->set || first == k)
		return;
	sbuf_add(to, ", with ");
	add_side(to, &first->local);
	sbuf_add(to, " = ");
	add_side(to, &first->remote);
}

static void put_child(struct making *m, const struct ike_child *k)
{
	AUTO_SBUF struct sbuf what, value;

	sbuf_init(&what);
	sbuf_init(&value);
	sbuf_add(&what, "child ");
	add_side(&what, &k->local);
	sbuf_add(&what, " = ");
	add_side(&what, &k->remote);
	for (uint8_t i = 0; i < k->n_enc; i++)
		sbuf_add(&value, "%s ", or_number(native_cipher_word(k->enc[i].id, k->enc[i].key_bits)));
	for (uint8_t i = 0; i < k->n_auth; i++)
		sbuf_add(&value, "%s ", or_number(native_hash_word(k->auth[i].id)));
	sbuf_add(&value, "pfs %s, lifetime %llus", k->pfs ? or_number(native_group_word(k->pfs)) : "no",
	    (unsigned long long)k->seconds);
	if (k->bytes)
		sbuf_add(&value, ", volume %llu", (unsigned long long)k->bytes);
	if (k->n_comp)
		sbuf_add(&value, ", compress");
	add_first(m, &value, k);
	m->to->bad |= what.bad || value.bad;
	facts_add(m->to, m->conn, sbuf_str(&what), sbuf_str(&value), "");
}

/* What is told to the services and has no word above, so that it is not left out either. */
static void put_block(struct making *m, const struct ike_peer *p)
{
	char hex[17];

	snprintf(hex, sizeof(hex), "%016llx", (unsigned long long)p->block);
	facts_add(m->to, m->conn, FACT_BLOCK, "", hex);
}

/* Each has a name of its own, by which it is found again in the configuration before. */
static void put_authorities(struct making *m, const struct ike_peer *p)
{
	char what[24] = "authority";

	for (int i = 0; i < IKE_AUTHORITIES_MAX && p->ca[i]; i++) {
		if (i)
			snprintf(what, sizeof(what), "authority %d", i + 1);
		put_file(m, what, p->ca[i]);
	}
}

static void put_peer(struct making *m, const struct ike_peer *p, const struct block_print *secret)
{
	static const struct block_print none;
	char addr[INET_ADDR_STRLEN];

	m->conn = p->name;
	put(m, "version", "%u", p->version);
	put(m, "remote", "%s", p->addr.family ? inet_addr_format(&p->addr, addr) : "any");
	put_ids(m, p);
	if (secret && memcmp(secret, &none, sizeof(none)) != 0)
		put_marked(m, "secret", "", secret);
	put_file(m, "certificate", p->cert);
	put_file(m, "key", p->key);
	put_authorities(m, p);
	put_file(m, "remote-certificate", p->peer_cert);
	put_file(m, "remote-key", p->peer_key);
	if (p->weak_certs)
		put(m, "weak-certificates", "yes");
	put_offers(m, p);
	put_ways(m, p);
	put_block(m, p);
}

/* Children stand in the order of their connections. */
int facts_of_conf(const struct ike_conf *c, const struct block_key *key, const struct block_print *secret,
    struct facts *ret)
{
	struct making m = {.c = c, .key = key, .to = ret};
	uint32_t k = 0;

	for (uint32_t i = 0; i < c->n_peers && m.r == 0; i++) {
		put_peer(&m, &c->peer[i], secret ? &secret[i] : NULL);
		for (; k < c->n_children && c->child[k].remoteid == c->peer[i].ph1id; k++)
			put_child(&m, &c->child[k]);
	}
	return m.r < 0 ? m.r : ret->bad ? -ENOMEM : 0;
}
