/*
 * Field after field, in network order; lengths in front of what has one. A change here needs a new
 * KEEP_VERSION.
 */
#include "keyd/ike1/kept.h"

#include "base/rd.h"
#include "keyd/ike1/nat.h"
#include "keyd/keep/keep.h"

enum {
	ADDR_OCTETS = 16,
	TICKET_MOST = 2048,
	USER_MOST = PARTY_USER_MAX,
	GROUPS_MOST = 512,
	DOMAIN_MOST = 512,
	SPI_FIRST = 256
};

/* Of an ISAKMP SA, and of a pair. */
enum {
	F_INITIATOR = 1 << 0,
	F_NAT_HERE = 1 << 1,
	F_NAT_THERE = 1 << 2,
	F_PEER_DPD = 1 << 3,
	F_CUTS = 1 << 4,
	F_USER_KNOWN = 1 << 5,
	F_CONFIGURED = 1 << 6,
	F_LEASE = 1 << 7,
	F_ALL = 0xff,
	F_REPLACED = 1 << 1,
	F_GENERATED = 1 << 2,
	F_CHILD_ALL = F_INITIATOR | F_REPLACED | F_GENERATED,
};

void kept_isakmp(struct isakmp *sa)
{
	struct keep *keep = sa->core->keep;

	if (!keep || !isakmp_is_up(sa))
		return;
	/* First of all what it has heard: nothing of that may be heard again. */
	for (uint32_t i = 0; !keep_has(&sa->place) && i < sa->seen.room; i++)
		if (sa->seen.slot[i])
			keep_saw(keep, &sa->place, sa->seen.slot[i]);
	keep_put(keep, &sa->place, KEEP_ISAKMP, kept_isakmp_encode, sa);
	keep_heard(keep, &sa->place, sa->heard_ms);
	keep_asked(keep, &sa->place, sa->dpd_seq);
}

void kept_child(struct child *k)
{
	keep_put(k->core->keep, &k->place, KEEP_CHILD, kept_child_encode, k);
}

/* --- pieces --- */

static void put_addr(struct wr *w, const struct inet_addr *a)
{
	wr_u8(w, a->family);
	wr_bytes(w, a->b, ADDR_OCTETS);
	wr_u32(w, a->scope);
}

static struct inet_addr get_addr(struct rd *r)
{
	uint8_t family = rd_u8(r), b[ADDR_OCTETS];
	struct inet_addr a;

	rd_copy(r, b, sizeof(b));
	a = inet_addr_from_bytes(b, family == INET_V4 ? 4 : family == INET_V6 ? ADDR_OCTETS : 0);
	a.scope = rd_u32(r);
	if (family != a.family || (a.scope && family != INET_V6))
		rd_fail(r);
	return a;
}

static void put_side(struct wr *w, const struct inet_prefix *p)
{
	put_addr(w, &p->addr);
	wr_u8(w, p->plen);
}

static struct inet_prefix get_side(struct rd *r)
{
	struct inet_prefix p = {.addr = get_addr(r)};

	p.plen = rd_u8(r);
	return p;
}

static void put_path(struct wr *w, const struct ike_path *p)
{
	put_addr(w, &p->local);
	put_addr(w, &p->remote);
	wr_u16(w, p->local_port);
	wr_u16(w, p->remote_port);
}

static struct ike_path get_path(struct rd *r)
{
	struct ike_path p = {.local = get_addr(r)};

	p.remote = get_addr(r);
	p.local_port = rd_u16(r);
	p.remote_port = rd_u16(r);
	if (p.local.family == INET_NONE || p.local.family != p.remote.family || !p.remote_port ||
	    (p.local_port != IKE_PORT && p.local_port != IKE_PORT_NATT))
		rd_fail(r);
	return p;
}

static void put_octets(struct wr *w, const void *p, size_t n)
{
	wr_u16(w, (uint16_t)n);
	wr_bytes(w, p, n);
}

static struct ike1_octets get_octets(struct rd *r, size_t most)
{
	size_t n = rd_u16(r);
	const uint8_t *p = rd_bytes(r, n);

	if (n > most)
		rd_fail(r);
	return (struct ike1_octets){p, rd_ok(r) ? n : 0};
}

static void put_secret(struct wr *w, const struct secret *s)
{
	put_octets(w, secret_bytes(s), secret_len(s));
}

static uint8_t get_flags(struct rd *r, uint8_t all)
{
	uint8_t f = rd_u8(r);

	if (f & ~all)
		rd_fail(r);
	return f;
}

/* --- ISAKMP SAs --- */

static void put_addrs(struct wr *w, const struct inet_addr *a, uint8_t n)
{
	wr_u8(w, n);
	for (uint8_t i = 0; i < n; i++)
		put_addr(w, &a[i]);
}

static void get_addrs(struct rd *r, struct inet_addr *a, uint8_t *ret_n)
{
	*ret_n = rd_u8(r);
	if (*ret_n > IKE1_CFG_SERVERS_MAX)
		rd_fail(r);
	for (uint8_t i = 0; rd_ok(r) && i < *ret_n; i++)
		a[i] = get_addr(r);
}

static void put_nets(struct wr *w, const struct ike1_nets *n)
{
	wr_u8(w, n->n);
	for (uint8_t i = 0; i < n->n; i++)
		put_side(w, &n->net[i]);
}

static void get_nets(struct rd *r, struct ike1_nets *ret)
{
	ret->n = rd_u8(r);
	if (ret->n > IKE1_CFG_NETS_MAX)
		rd_fail(r);
	for (uint8_t i = 0; rd_ok(r) && i < ret->n; i++) {
		ret->net[i] = get_side(r);
		if (!inet_prefix_valid(&ret->net[i]))
			rd_fail(r);
	}
}

/* What the server gave us: the end of the SA is told to scripts with it. */
static void put_given(struct wr *w, const struct mode_given *g)
{
	wr_u8(w, g != NULL);
	if (!g)
		return;
	put_addr(w, &g->v.address);
	put_addr(w, &g->v.netmask);
	put_addrs(w, g->v.dns, g->v.n_dns);
	put_addrs(w, g->v.nbns, g->v.n_nbns);
	put_nets(w, &g->v.include);
	put_nets(w, &g->v.local);
	/* One that is longer is no domain's. */
	put_octets(w, g->domain.p, g->domain.n <= DOMAIN_MOST ? g->domain.n : 0);
}

static void get_given(struct rd *r, struct kept_isakmp *k)
{
	uint8_t there = rd_u8(r);

	if (there > 1)
		rd_fail(r);
	k->has_given = there;
	if (!there)
		return;
	k->given.address = get_addr(r);
	k->given.netmask = get_addr(r);
	get_addrs(r, k->given.dns, &k->given.n_dns);
	get_addrs(r, k->given.nbns, &k->given.n_nbns);
	get_nets(r, &k->given.include);
	get_nets(r, &k->given.local);
	k->domain = get_octets(r, DOMAIN_MOST);
}

static uint8_t flags_of(const struct isakmp *sa)
{
	return (uint8_t)((sa->initiator ? F_INITIATOR : 0) | (sa->nat_here ? F_NAT_HERE : 0) |
	                 (sa->nat_there ? F_NAT_THERE : 0) | (sa->peer_dpd ? F_PEER_DPD : 0) |
	                 (sa->cuts ? F_CUTS : 0) | (sa->ra.user_known ? F_USER_KNOWN : 0) |
	                 (sa->ra.configured ? F_CONFIGURED : 0) | (sa->ra.has_lease ? F_LEASE : 0));
}

void kept_isakmp_encode(struct wr *w, const void *what)
{
	const struct isakmp *sa = what;

	wr_u64(w, sa->conf->generation);
	wr_u32(w, sa->peer);
	wr_u64(w, isakmp_peer(sa)->block);
	wr_u8(w, flags_of(sa));
	wr_u8(w, sa->mode);
	wr_u8(w, (uint8_t)sa->nat_form);
	put_path(w, &sa->path);
	wr_bytes(w, sa->icookie, IKE_COOKIE_LEN);
	wr_bytes(w, sa->rcookie, IKE_COOKIE_LEN);
	wr_u16(w, sa->terms.enc);
	wr_u16(w, sa->terms.key_len);
	wr_u16(w, sa->terms.prf);
	wr_u16(w, sa->terms.group);
	wr_u16(w, sa->terms.auth);
	wr_u64(w, sa->terms.seconds);
	wr_u64(w, sa->begun_ms);
	wr_u64(w, sa->established_ms);
	put_octets(w, sa->iv, sa->block);
	put_secret(w, sa->keys.d);
	put_secret(w, sa->keys.a);
	put_secret(w, sa->cipher_key);
	wr_u8(w, sa->peer_id.kind);
	put_octets(w, sa->peer_id.data, sa->peer_id.len);
	put_octets(w, sa->ticket.p, sa->ticket.n);
	put_octets(w, sa->ra.user.p, sa->ra.user.n);
	put_octets(w, sa->ra.groups.p, sa->ra.groups.n);
	wr_u32(w, sa->ra.lease);
	put_addr(w, &sa->ra.address);
	put_given(w, sa->ra.given);
}

static void get_terms(struct rd *r, struct isakmp_terms *t)
{
	t->enc = (enum alg_enc)rd_u16(r);
	t->key_len = rd_u16(r);
	t->prf = (enum alg_prf)rd_u16(r);
	t->group = (enum alg_group)rd_u16(r);
	t->auth = (enum ike_auth_method)rd_u16(r);
	t->seconds = rd_u64(r);
}

static const char *terms_fault(const struct isakmp_terms *t)
{
	const struct alg_enc_info *enc = alg_enc_by_id(t->enc);

	if (!enc || !crypto_cbc_block(t->enc) || !alg_enc_keylen_ok(enc, t->key_len))
		return "it has no cipher, or no such length of a key";
	if (!crypto_hash_len(t->prf) || !crypto_dh_public_len(t->group))
		return "unknown hash or group";
	if (t->auth < IKE_AUTH_PSK || t->auth > IKE_AUTH_XAUTH_RSA_SERVER)
		return "unknown way to prove oneself";
	return t->seconds && t->seconds <= UINT32_MAX ? NULL : "it has no lifetime";
}

static bool is_zero(const uint8_t *cookie)
{
	static const uint8_t zero[IKE_COOKIE_LEN];

	return memcmp(cookie, zero, IKE_COOKIE_LEN) == 0;
}

static const char *isakmp_fault(const struct kept_isakmp *k, size_t n_iv, uint64_t now_ms)
{
	const char *why = terms_fault(&k->terms);
	const char *groups = k->groups.p;

	if (why)
		return why;
	if (k->mode <= IKE_MODE_NONE || k->mode >= IKE_MODES)
		return "unknown mode";
	if (k->nat_form < NAT_NONE || k->nat_form > NAT_RFC)
		return "unknown form of NAT traversal";
	if (is_zero(k->icookie) || is_zero(k->rcookie))
		return "it has no cookie";
	if (k->begun_ms > k->established_ms || k->established_ms > now_ms)
		return "established in the future";
	if (n_iv != crypto_cbc_block(k->terms.enc) || k->d.n != crypto_prf_len(k->terms.prf) ||
	    k->a.n != k->d.n || k->cipher_key.n != k->terms.key_len)
		return "its keys are not as long as its algorithms want";
	if (k->peer_id.kind == IKE_ID_NONE || k->peer_id.kind > IKE_ID_DN_DER || !k->ticket.n)
		return "nobody has said who its peer is";
	if (k->groups.n && groups[k->groups.n - 1])
		return "a text does not end";
	if (k->has_lease != (k->address.family != INET_NONE))
		return "an address without a place in the pool";
	return NULL;
}

static bool get_id(struct rd *r, struct ike_id *ret)
{
	struct ike1_octets data;

	ret->kind = (enum ike_id_kind)rd_u8(r);
	data = get_octets(r, sizeof(ret->data));
	ret->len = (uint16_t)data.n;
	if (data.n)
		memcpy(ret->data, data.p, data.n);
	return rd_ok(r);
}

int kept_isakmp_decode(
    const void *p, size_t n, uint64_t now_ms, struct kept_isakmp *ret, const char **ret_why)
{
	struct rd r = rd_init(p, n);
	struct kept_isakmp k = {.generation = rd_u64(&r), .peer = rd_u32(&r), .peer_block = rd_u64(&r)};
	uint8_t f = get_flags(&r, F_ALL);
	struct ike1_octets iv;

	k.mode = (enum ike_mode)rd_u8(&r);
	k.nat_form = rd_u8(&r);
	k.path = get_path(&r);
	k.icookie = rd_bytes(&r, IKE_COOKIE_LEN);
	k.rcookie = rd_bytes(&r, IKE_COOKIE_LEN);
	get_terms(&r, &k.terms);
	k.begun_ms = rd_u64(&r);
	k.established_ms = rd_u64(&r);
	iv = get_octets(&r, IKE1_BLOCK_MAX);
	k.d = get_octets(&r, ALG_PRF_LEN_MAX);
	k.a = get_octets(&r, ALG_PRF_LEN_MAX);
	k.cipher_key = get_octets(&r, ALG_KEY_MAX);
	(void)get_id(&r, &k.peer_id);
	k.ticket = get_octets(&r, TICKET_MOST);
	k.user = get_octets(&r, USER_MOST);
	k.groups = get_octets(&r, GROUPS_MOST);
	k.lease = rd_u32(&r);
	k.address = get_addr(&r);
	get_given(&r, &k);
	k.initiator = f & F_INITIATOR;
	k.nat_here = f & F_NAT_HERE;
	k.nat_there = f & F_NAT_THERE;
	k.peer_dpd = f & F_PEER_DPD;
	k.cuts = f & F_CUTS;
	k.user_known = f & F_USER_KNOWN;
	k.configured = f & F_CONFIGURED;
	k.has_lease = f & F_LEASE;
	k.iv = iv.p;
	k.block = iv.n;
	*ret_why = rd_done(&r) ? isakmp_fault(&k, iv.n, now_ms) : "it is not as long as it says";
	if (*ret_why)
		return -EBADMSG;
	*ret = k;
	return 0;
}

/* --- pairs --- */

static void put_part(struct wr *w, const struct child_part *p)
{
	wr_u8(w, p->proto);
	wr_u8(w, p->mode);
	wr_u32(w, p->spi_in);
	wr_u32(w, p->spi_out);
	wr_u64(w, p->serial_in);
	wr_u64(w, p->serial_out);
	wr_u16(w, p->enc);
	wr_u16(w, p->bits);
	wr_u16(w, p->auth);
	wr_u16(w, p->comp);
}

static struct child_part get_part(struct rd *r)
{
	struct child_part p = {.proto = (enum ipsec_proto)rd_u8(r), .mode = (enum ipsec_mode)rd_u8(r)};

	p.spi_in = rd_u32(r);
	p.spi_out = rd_u32(r);
	p.serial_in = rd_u64(r);
	p.serial_out = rd_u64(r);
	p.enc = (enum alg_enc)rd_u16(r);
	p.bits = rd_u16(r);
	p.auth = (enum alg_auth)rd_u16(r);
	p.comp = (enum alg_comp)rd_u16(r);
	return p;
}

/* Of the policy that it is for: its number and what it matches. The rest is policyd's, and asked of it. */
void kept_child_encode(struct wr *w, const void *what)
{
	const struct child *k = what;

	wr_u8(w, (uint8_t)((k->initiator ? F_INITIATOR : 0) | (k->replaced ? F_REPLACED : 0) |
	                   (k->out.generated ? F_GENERATED : 0)));
	put_octets(w, k->party->name.p, k->party->name.n);
	put_path(w, &k->path);
	wr_u32(w, k->out.id);
	put_side(w, &k->out.sel.src);
	put_side(w, &k->out.sel.dst);
	wr_u16(w, k->out.sel.proto);
	wr_u16(w, k->out.sel.sport);
	wr_u16(w, k->out.sel.dport);
	wr_u8(w, k->out.sel.misc);
	wr_u64(w, k->grant);
	wr_u64(w, k->made_ms);
	wr_u64(w, k->seconds);
	wr_u8(w, k->n_parts);
	for (uint8_t i = 0; i < k->n_parts; i++)
		put_part(w, &k->part[i]);
}

static const char *part_fault(const struct child_part *p)
{
	if (p->proto != IPSEC_ESP && p->proto != IPSEC_AH && p->proto != IPSEC_IPCOMP)
		return "unknown protocol";
	if (p->mode != IPSEC_TRANSPORT && p->mode != IPSEC_TUNNEL)
		return "unknown mode";
	if (!p->serial_in || !p->serial_out || !p->spi_out ||
	    (p->proto != IPSEC_IPCOMP && (p->spi_in < SPI_FIRST || p->spi_out < SPI_FIRST)))
		return "an SA without a number";
	if ((p->enc && !alg_enc_by_id(p->enc)) || (p->auth && !alg_auth_by_id(p->auth)) ||
	    (p->comp && !alg_comp_name(p->comp)))
		return "unknown algorithm";
	return NULL;
}

static const char *child_fault(const struct child *k, uint64_t now_ms)
{
	const char *why;

	if (!k->out.id || selector_check(&k->out.sel, &why) < 0)
		return "there can be no such policy";
	if (k->made_ms > now_ms)
		return "made in the future";
	if (k->seconds > UINT32_MAX)
		return "it lives for ever";
	for (uint8_t i = 0; i < k->n_parts; i++) {
		why = part_fault(&k->part[i]);
		if (why)
			return why;
	}
	return NULL;
}

static struct selector get_selector(struct rd *r)
{
	struct selector s = {.src = get_side(r)};
	uint8_t misc;

	s.dst = get_side(r);
	s.proto = rd_u16(r);
	s.sport = rd_u16(r);
	s.dport = rd_u16(r);
	misc = rd_u8(r);
	if (misc > 1)
		rd_fail(r);
	s.misc = misc;
	return s;
}

int kept_child_decode(const void *p, size_t n, uint64_t now_ms, struct child *ret,
    struct ike1_octets *ret_name, const char **ret_why)
{
	struct rd r = rd_init(p, n);
	uint8_t f = get_flags(&r, F_CHILD_ALL);
	struct ike1_octets name = get_octets(&r, PARTY_NAME_MAX);
	struct child k = {.initiator = f & F_INITIATOR,
	    .replaced = f & F_REPLACED,
	    .path = get_path(&r),
	    .out = {.dir = POLICY_OUT, .action = POLICY_IPSEC, .generated = f & F_GENERATED}};

	k.out.id = rd_u32(&r);
	k.out.sel = get_selector(&r);
	k.grant = rd_u64(&r);
	k.made_ms = rd_u64(&r);
	k.seconds = rd_u64(&r);
	k.n_parts = rd_u8(&r);
	if (!k.n_parts || k.n_parts > POLICY_REQUESTS_MAX)
		rd_fail(&r);
	for (uint8_t i = 0; rd_ok(&r) && i < k.n_parts; i++)
		k.part[i] = get_part(&r);
	*ret_why = rd_done(&r) ? child_fault(&k, now_ms) : "it is not as long as it says";
	if (!*ret_why && !name.n)
		*ret_why = "nobody has said whose it is";
	if (*ret_why)
		return -EBADMSG;
	*ret = k;
	*ret_name = name;
	return 0;
}
