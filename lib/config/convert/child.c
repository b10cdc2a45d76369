/*
 * A sainfo's lists are every cipher with every hash; here each pair is written out, as far as there is room
 * for whole rows of it.
 */
#include "config/convert/convert.h"
#include "config/native/native.h"

enum { LIFE_MIN_S = 120, LIFE_MAX_S = 7 * 86400, SIZE_MAX_UNITS = 1000000 };

struct writing {
	const struct ike_child *k;
	struct sbuf *to;
	convert_say_fn say;
	void *arg;
	uint8_t n; /* proposals */
};

static void tell(const struct writing *w, enum convert_fate fate, const char *what)
{
	convert_tell(w->say, w->arg, fate, w->k->file ? w->k->file : "", w->k->line, "sainfo %s", what);
}

void convert_write_side(struct sbuf *to, const struct inet_prefix *net, uint16_t proto, uint16_t port)
{
	static const struct {
		uint16_t number;
		const char *name;
	} names[] = {{1, "icmp"}, {6, "tcp"}, {17, "udp"}, {58, "icmp6"}, {IPPROTO_ANY_, "any"}};
	const struct inet_prefix plain = {inet_prefix_first(net), net->plen};
	const char *name = NULL;
	char text[INET_PREFIX_STRLEN];

	sbuf_add(to, "%s", inet_prefix_format(&plain, text));
	if (proto == IPPROTO_ANY_ && !port)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		name = names[i].number == proto ? names[i].name : name;
	if (name)
		sbuf_add(to, "[%s", name);
	else
		sbuf_add(to, "[%u", proto);
	if (port)
		sbuf_add(to, "/%u", port);
	sbuf_add(to, "]");
}

const char *convert_cipher_word(enum alg_enc id, uint16_t bits)
{
	enum { UNSAID = 128 /* what key exchange takes it for */ };

	return native_cipher_word(id, bits ? bits : UNSAID);
}

static void add_one(struct writing *w, const char *a, const char *b)
{
	sbuf_add(w->to, "%s%s%s%s", w->n++ ? ", " : "", a, b ? "-" : "", b ? b : "");
}

static void add_row(struct writing *w, const struct ike_child_enc *e, const char *cipher)
{
	const struct ike_child *k = w->k;

	if (alg_enc_by_id(e->id)->aead) {
		add_one(w, cipher, NULL);
		return;
	}
	for (uint8_t i = 0; i < k->n_auth; i++) {
		const char *hash = native_hash_word(k->auth[i].id);

		if (hash)
			add_one(w, cipher, hash);
	}
}

static uint8_t n_hashes(const struct ike_child *k)
{
	uint8_t n = 0;

	for (uint8_t i = 0; i < k->n_auth; i++)
		n += native_hash_word(k->auth[i].id) != NULL;
	return n;
}

static void write_esp(struct writing *w)
{
	const struct ike_child *k = w->k;

	sbuf_add(w->to, "        esp ");
	for (uint8_t i = 0; i < k->n_enc; i++) {
		const char *cipher = convert_cipher_word(k->enc[i].id, k->enc[i].key_bits);
		uint8_t row = alg_enc_by_id(k->enc[i].id)->aead ? 1 : n_hashes(k);

		if (!cipher || !row)
			tell(w, CONVERT_DROPPED,
			    "encryption_algorithm: a cipher or its length has no word, or no hash beside it");
		else if (w->n + row > NATIVE_PROPOSALS_MAX)
			tell(w, CONVERT_DROPPED,
			    "encryption_algorithm: the lists are too long to write every pair: the last "
			    "ciphers are left out");
		else
			add_row(w, &k->enc[i], cipher);
	}
	/* A list without any would be the default's, which is more than was asked for. */
	if (!w->n)
		sbuf_add(w->to, "null-md5");
	sbuf_add(w->to, "\n");
}

static void write_ah(struct writing *w)
{
	sbuf_add(w->to, "        ah ");
	for (uint8_t i = 0; i < w->k->n_auth && w->n < NATIVE_PROPOSALS_MAX; i++)
		if (native_hash_word(w->k->auth[i].id))
			add_one(w, native_hash_word(w->k->auth[i].id), NULL);
	if (!w->n)
		sbuf_add(w->to, "md5");
	sbuf_add(w->to, "\n");
}

static void write_life(struct writing *w)
{
	uint64_t s = w->k->seconds, units = w->k->bytes / 1024;
	const char *unit = "K";

	if (s < LIFE_MIN_S || s > LIFE_MAX_S)
		tell(w, CONVERT_APPROXIMATED, "lifetime: 2 minutes to 7 days are possible");
	s = s < LIFE_MIN_S && s ? LIFE_MIN_S : s > LIFE_MAX_S || !s ? LIFE_MAX_S : s;
	sbuf_add(w->to, "        lifetime %llus\n", (unsigned long long)s);
	if (!w->k->bytes)
		return;
	for (const char *next = "MGT"; *next && (units > SIZE_MAX_UNITS); next++) {
		if (units % 1024)
			tell(w, CONVERT_APPROXIMATED, "lifetime byte: rounded down");
		units /= 1024;
		unit = next;
	}
	sbuf_add(w->to, "        volume %llu%.1s\n", (unsigned long long)(units ? units : 1), unit);
}

void convert_write_child(
    const struct ike_child *k, const struct policy *p, struct sbuf *to, convert_say_fn say, void *arg)
{
	struct writing w = {.k = k, .to = to, .say = say, .arg = arg};
	const struct policy_request *last = p ? &p->req[p->n_requests - 1] : NULL;
	const char *group = native_group_word(k->pfs);

	if (p && p->req[0].mode == IPSEC_TRANSPORT)
		sbuf_add(to, "        mode transport\n");
	if (last && last->proto == IPSEC_AH)
		write_ah(&w);
	else
		write_esp(&w);
	if (p && p->req[0].proto == IPSEC_IPCOMP && last->proto == IPSEC_AH && p->req[0].mode == IPSEC_TUNNEL)
		tell(&w, CONVERT_DROPPED, "compression: nobody speaks it with AH in a tunnel");
	else if (p && p->req[0].proto == IPSEC_IPCOMP)
		sbuf_add(to, "        compress yes\n");
	sbuf_add(to, "        pfs %s\n", group ? group : "no");
	write_life(&w);
	if (k->has_from || k->group)
		tell(&w, CONVERT_DROPPED, "from, group: a child is for its connection's peer alone");
	for (uint8_t i = 0; i < k->n_auth; i++)
		if (k->auth[i].id == ALG_AUTH_NONE)
			tell(&w, CONVERT_DROPPED,
			    "authentication_algorithm non_auth: packets are always authenticated");
}
