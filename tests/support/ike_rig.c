/*
 * The stand-ins answer after a millisecond and know only what their services would know.
 */
#include "support/ike_rig.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/crypto.h"

enum { ANSWER_MS = 1, WIRE_MS = 5, LATE_MS = 9000, MEMORY = 1 << 20 };

/* A datagram to a side, or an answer to its question. */
struct event {
	struct list node;
	uint64_t due_ms;
	struct rig_side *to;
	bool is_datagram;
	void (*undo)(struct rig_side *s, uint64_t number); /* nobody wants the answer any more; may be NULL */
	struct ike_path path;
	uint64_t token;
	struct core_reply reply;
	struct policy out, in;
	struct ike1_octets cert;
	uint8_t *octets;
	size_t n;
};

static struct event *event_new(struct rig_side *to, uint64_t delay)
{
	struct event *e = calloc(1, sizeof(*e));
	struct rig *r = to->rig;
	struct list *at = &r->events;

	e->to = to;
	e->due_ms = r->clock.ms + delay;
	list_foreach (other, &r->events, struct event, node)
		if (other->due_ms > e->due_ms) {
			at = &other->node;
			break;
		}
	list_init(&e->node);
	list_insert_before(at, &e->node);
	return e;
}

static void event_free(struct event *e)
{
	list_remove(&e->node);
	secret_free(e->reply.secret);
	free(e->octets);
	free(e);
}

static void keep(struct event *e, const void *p, size_t n)
{
	e->octets = malloc(n ? n : 1);
	memcpy(e->octets, p, n);
	e->n = n;
	e->reply.octets = e->octets;
	e->reply.n_octets = n;
}

static struct event *answer(struct rig_side *s, uint64_t token, int result, const char *why)
{
	struct event *e = event_new(s, ANSWER_MS);

	e->token = token;
	e->reply.result = result;
	e->reply.why = why;
	return e;
}

static struct rig_side *other_side(struct rig_side *s)
{
	return s == &s->rig->a ? &s->rig->b : &s->rig->a;
}

static void deliver(
    struct rig_side *to, const struct ike_path *from, const uint8_t *d, size_t n, uint64_t delay)
{
	struct event *e = event_new(to, delay);

	e->is_datagram = true;
	e->path = (struct ike_path){.local = from->remote,
	    .remote = from->local,
	    .local_port = from->remote_port,
	    .remote_port = from->local_port};
	keep(e, d, n);
}

static void port_send(void *arg, const struct ike_path *path, const uint8_t *d, size_t n)
{
	struct rig_side *s = arg, *to = other_side(s);
	struct rig *r = s->rig;
	uint8_t copy[CORE_DATAGRAM_MAX];
	unsigned number = r->n_datagrams++;

	memcpy(copy, d, n);
	if (s->dead || to->dead || (r->wire.tamper && !r->wire.tamper(r, number, s == &r->a, copy, n)))
		return;
	if (rng_below(&r->rng.rng, 1000) < r->wire.loss)
		return;
	deliver(to, path, copy, n,
	    rng_below(&r->rng.rng, 1000) < r->wire.late ? rng_below(&r->rng.rng, LATE_MS) + 1 : WIRE_MS);
	if (rng_below(&r->rng.rng, 1000) < r->wire.twice)
		deliver(to, path, copy, n, rng_below(&r->rng.rng, LATE_MS) + 1);
}

static void port_log(void *arg, int level, const char *event, const char *text)
{
	struct rig_side *s = arg;
	int n;

	if (getenv("RIG_LOG"))
		fprintf(stderr, "%8llu %s %s: %s\n", (unsigned long long)s->rig->clock.ms,
		    s == &s->rig->a ? "A" : "B", event, text);
	if (s->n_log + strlen(text) + 2 >= RIG_LOG_MAX)
		s->n_log = 0;
	n = snprintf(s->log + s->n_log, RIG_LOG_MAX - s->n_log, "%s\n", text);
	s->n_log += (size_t)n;
}

static struct secret *skeyid(const struct rig_side *s, const struct ike1_session *x)
{
	AUTO_SECRET struct secret *psk = secret_dup_bytes(s->psk, strlen(s->psk));
	struct secret *k = NULL;

	(void)!ike1_skeyid_psk(x->prf, psk, x->ni, x->nr, &k);
	return k;
}

static int port_skeyid(void *arg, uint64_t token, const struct ike1_session *x, const struct ike_id *id)
{
	struct rig_side *s = arg;

	if (!s->psk) {
		answer(s, token, -ENOENT, "there is no key for it");
		return 0;
	}
	answer(s, token, 0, "")->reply.secret = skeyid(s, x);
	return 0;
}

/* HASH_I or HASH_R under this SKEYID. */
static size_t prove(const struct secret *k, const struct ike1_session *x, const struct ike1_facts *f,
    uint8_t ret[ALG_PRF_LEN_MAX])
{
	const struct ike1_keys keys = {.prf = x->prf, .skeyid = (struct secret *)(uintptr_t)k};
	const struct ike1_proof p = {.mine = f->gx_prover,
	    .his = f->gx_other,
	    .sa = f->sa,
	    .id = f->id,
	    .my_cookie = f->prover_began ? x->icookie : x->rcookie,
	    .his_cookie = f->prover_began ? x->rcookie : x->icookie};

	return ike1_proof(&keys, &p, ret) == 0 ? crypto_prf_len(x->prf) : 0;
}

static struct event *judge(struct rig_side *s, uint64_t token, bool right)
{
	struct event *e = answer(s, token, right ? 0 : -EBADMSG, right ? "" : "HASH mismatched");

	if (right)
		keep(e, "ticket", 6);
	return e;
}

static int port_psk_verify(
    void *arg, uint64_t token, const struct ike1_session *x, const struct ike1_claim *c)
{
	struct rig_side *s = arg;
	AUTO_SECRET struct secret *k = skeyid(s, x);
	uint8_t hash[ALG_PRF_LEN_MAX];
	size_t n = prove(k, x, &c->facts, hash);

	judge(s, token, n == c->proof.n && memcmp(hash, c->proof.p, n) == 0);
	return 0;
}

/* A stupid signature: the hash behind the signer's name. */
static int port_sign(void *arg, uint64_t token, const struct ike1_session *x, const struct secret *k,
    const struct ike1_facts *f)
{
	struct rig_side *s = arg;
	uint8_t sig[256];
	size_t n = strlen(s->subject);

	memcpy(sig, s->subject, n);
	n += prove(k, x, f, sig + n);
	keep(answer(s, token, 0, ""), sig, n);
	return 0;
}

static int port_verify(void *arg, uint64_t token, const struct ike1_session *x, const struct secret *k,
    const struct ike1_claim *c)
{
	struct rig_side *s = arg;
	const char *subject = other_side(s)->subject;
	size_t n = strlen(subject);
	uint8_t want[256];

	memcpy(want, subject, n);
	n += prove(k, x, &c->facts, want + n);
	judge(s, token, c->n_certs == 1 && n == c->proof.n && memcmp(want, c->proof.p, n) == 0);
	return 0;
}

static int port_local_id(void *arg, uint64_t token, uint64_t generation, uint32_t peer)
{
	struct rig_side *s = arg;
	struct event *e = answer(s, token, s->subject ? 0 : -ENOENT, "there is no certificate");

	if (!s->subject)
		return 0;
	keep(e, s->subject, strlen(s->subject));
	e->cert = (struct ike1_octets){s->subject, strlen(s->subject)};
	e->reply.certs = &e->cert;
	e->reply.n_certs = 1;
	return 0;
}

static int port_match(void *arg, uint64_t token, const struct selector *out, const struct ike_path *path)
{
	struct rig_side *s = arg;
	struct event *e = answer(s, token, 0, "");

	for (size_t i = 0; i < s->n_policies; i++)
		if (selector_equal(&s->out[i].sel, out)) {
			e->out = s->out[i];
			e->in = s->in[i];
			e->reply.out = &e->out;
			e->reply.in = &e->in;
		}
	return 0;
}

static bool is_text(struct ike1_octets o, const char *text)
{
	return text && o.n == strlen(text) && memcmp(o.p, text, o.n) == 0;
}

static int port_xauth_check(void *arg, uint64_t token, struct ike1_octets ticket, struct ike1_octets user,
    struct ike1_octets password)
{
	struct rig_side *s = arg;
	bool right = is_text(user, s->user) && is_text(password, s->password) && is_text(ticket, "ticket");

	s->n_logins++;
	judge(s, token, right)->reply.groups = "staff";
	return 0;
}

static int port_xauth_password(void *arg, uint64_t token, struct ike1_octets ticket)
{
	struct rig_side *s = arg;
	struct event *e = answer(s, token, s->password ? 0 : -ENOENT, s->password ? "" : "no line");

	if (s->password)
		e->reply.secret = secret_dup_bytes(s->password, strlen(s->password));
	return 0;
}

static void drop_policy(struct rig_side *s, uint64_t id)
{
	for (size_t i = 0; i < s->n_policies; i++)
		if (s->out[i].id == id) {
			s->n_dropped++;
			s->n_policies--;
			s->out[i] = s->out[s->n_policies];
			s->in[i] = s->in[s->n_policies];
			return;
		}
}

static int port_policy_make(void *arg, uint64_t token, const uint8_t *ticket, size_t n,
    const struct policy *out, const struct ike_path *path)
{
	struct rig_side *s = arg;
	size_t i = s->n_policies;
	struct event *e;

	if (s->makes_none || i == RIG_POLICIES_MAX) {
		answer(s, token, -EACCES, "no sainfo allows it");
		return 0;
	}
	s->out[i] = s->in[i] = *out;
	s->out[i].id = 1001 + 2 * s->n_made;
	s->in[i].id = s->out[i].id + 1;
	s->out[i].generated = s->in[i].generated = true;
	s->in[i].dir = POLICY_IN;
	s->in[i].sel.src = out->sel.dst;
	s->in[i].sel.dst = out->sel.src;
	s->in[i].req[0].src = out->req[0].dst;
	s->in[i].req[0].dst = out->req[0].src;
	s->n_policies++;
	s->n_made++;
	e = answer(s, token, 0, "");
	e->out = s->out[i];
	e->in = s->in[i];
	e->reply.out = &e->out;
	e->reply.in = &e->in;
	e->reply.number = e->out.id;
	e->undo = drop_policy;
	return 0;
}

static void port_policy_drop(void *arg, uint32_t id)
{
	drop_policy(arg, id);
}

static void undo_grant(struct rig_side *s, uint64_t grant)
{
	s->n_grants--;
}

static void take_larva(struct rig_side *s, uint64_t spi)
{
	for (uint32_t i = 0; i < s->n_larvae; i++)
		if (s->larva[i] == spi) {
			s->larva[i] = s->larva[--s->n_larvae];
			return;
		}
}

static void undo_install(struct rig_side *s, uint64_t serial)
{
	for (size_t i = 0; i < RIG_SAS_MAX; i++)
		if (s->sa[i].serial == serial)
			s->sa[i].serial = 0;
}

static int port_grant(void *arg, uint64_t token, const uint8_t *ticket, size_t n, uint32_t policy_id,
    const struct ike_path *path)
{
	struct rig_side *s = arg;
	bool good = n == 6 && memcmp(ticket, "ticket", 6) == 0;
	struct event *e = answer(s, token, good ? 0 : -EACCES, good ? "" : "no ticket");

	if (!good)
		return 0;
	e->reply.number = ++s->rig->last_grant;
	e->undo = undo_grant;
	s->n_grants++;
	return 0;
}

static void port_grant_drop(void *arg, uint64_t grant)
{
	struct rig_side *s = arg;

	s->n_grants--;
}

static void port_acquire_done(void *arg, uint64_t seq, bool ok)
{
	struct rig_side *s = arg;

	s->n_done_ok += ok;
	s->n_done_bad += !ok;
}

static int port_reserve(void *arg, uint64_t token, uint64_t grant, const struct inet_addr *src,
    const struct inet_addr *dst, enum ipsec_proto proto)
{
	struct rig_side *s = arg;
	struct event *e;

	if (s->n_larvae == RIG_SAS_MAX)
		return -ENOSPC;
	e = answer(s, token, 0, "");
	e->reply.number = 0x1000 + ++s->rig->last_spi;
	e->undo = take_larva;
	s->larva[s->n_larvae++] = (uint32_t)e->reply.number;
	return 0;
}

static void port_release(
    void *arg, const struct inet_addr *src, const struct inet_addr *dst, enum ipsec_proto proto, uint32_t spi)
{
	take_larva(arg, spi);
}

static int port_install(void *arg, uint64_t token, uint64_t grant, const struct sa_desc *sa, bool inbound)
{
	struct rig_side *s = arg;
	struct event *e;

	for (size_t i = 0; i < RIG_SAS_MAX; i++) {
		struct rig_sa *x = &s->sa[i];

		if (x->serial)
			continue;
		*x = (struct rig_sa){.serial = ++s->rig->last_serial,
		    .inbound = inbound,
		    .made_ms = s->rig->clock.ms,
		    .desc = *sa};
		if (sa->enc_key_len)
			memcpy(x->enc_key, sa->enc_key, sa->enc_key_len);
		if (sa->auth_key_len)
			memcpy(x->auth_key, sa->auth_key, sa->auth_key_len);
		if (inbound)
			take_larva(s, sa->spi);
		e = answer(s, token, 0, "");
		e->reply.number = x->serial;
		e->undo = undo_install;
		return 0;
	}
	return -ENOSPC;
}

static void port_remove(void *arg, uint64_t serial)
{
	undo_install(arg, serial);
}

static struct core *make_core(struct rig_side *s, struct ike_conf *conf)
{
	struct rig *r = s->rig;
	struct core *c;
	const struct core_def def = {.clock = &r->clock.clock,
	    .rng = &r->rng.rng,
	    .ports = {.arg = s,
	        .send = port_send,
	        .log = port_log,
	        .psk_skeyid = port_skeyid,
	        .psk_verify = port_psk_verify,
	        .sign = port_sign,
	        .local_id = port_local_id,
	        .verify = port_verify,
	        .match = port_match,
	        .grant = port_grant,
	        .grant_drop = port_grant_drop,
	        .acquire_done = port_acquire_done,
	        .reserve = port_reserve,
	        .release = port_release,
	        .xauth_check = port_xauth_check,
	        .xauth_password = port_xauth_password,
	        .policy_make = port_policy_make,
	        .policy_drop = port_policy_drop,
	        .install = port_install,
	        .remove = port_remove}};

	c = core_new(&def);
	(void)!core_load(c, 1, conf);
	return c;
}

static void side_init(struct rig *r, struct rig_side *s, uint32_t addr, struct ike_conf *conf)
{
	s->rig = r;
	s->addr = inet_addr_v4(addr);
	s->psk = "mekmitasdigoat";
	s->log = calloc(1, RIG_LOG_MAX);
	s->core = make_core(s, conf);
}

void rig_restart(struct rig_side *s, struct ike_conf *conf)
{
	list_foreach_safe (e, next, &s->rig->events, struct event, node)
		if (e->to == s && !e->is_datagram)
			event_free(e);
	core_free(s->core);
	memset(s->sa, 0, sizeof(s->sa));
	s->n_larvae = s->n_grants = 0;
	s->core = make_core(s, conf);
}

void rig_init(struct rig *r, uint64_t seed, struct ike_conf *conf_a, struct ike_conf *conf_b)
{
	struct err_text e = {{0}};

	if (secret_init(MEMORY, &e) < 0 || crypto_init(&e) < 0) {
		fprintf(stderr, "%s\n", e.s);
		abort();
	}
	*r = (struct rig){0};
	list_init(&r->events);
	clock_fake_init(&r->clock, 1000000);
	rng_seeded_init(&r->rng, seed);
	side_init(r, &r->a, 0x0a000064, conf_a);
	side_init(r, &r->b, 0x0a00006e, conf_b);
}

void rig_fini(struct rig *r)
{
	list_foreach_safe (e, next, &r->events, struct event, node)
		event_free(e);
	r->a.core = core_free(r->a.core);
	r->b.core = core_free(r->b.core);
	free(r->a.log);
	free(r->b.log);
}

struct ike_conf *rig_conf(enum ike_mode mode, enum ike_auth_method auth, bool fast)
{
	struct ike_conf *c = ike_conf_new();
	struct ike_peer *p = ike_conf_add_peer(c);
	struct ike_child *k = ike_conf_add_child(c);

	p->name = strdup("anonymous");
	p->mode[0] = mode;
	p->n_modes = 1;
	p->check = CHECK_OBEY;
	p->offer = calloc(1, sizeof(*p->offer));
	p->n_offers = 1;
	p->offer[0] = (struct ike_offer){.enc = ALG_ENC_3DES_CBC,
	    .hash = ALG_PRF_HMAC_SHA1,
	    .group = fast ? ALG_GROUP_CURVE25519 : ALG_GROUP_MODP1024,
	    .auth = auth,
	    .seconds = 3600};
	if (auth == IKE_AUTH_RSA) {
		p->cert = strdup("cert.pem");
		p->my_id.kind = IKE_ID_DN;
	}
	k->pfs = p->offer[0].group;
	k->seconds = 36000;
	k->enc[0].id = ALG_ENC_3DES_CBC;
	k->enc[1].id = ALG_ENC_BLOWFISH_CBC;
	k->n_enc = 2;
	k->auth[0].id = ALG_AUTH_HMAC_SHA1;
	k->auth[1].id = ALG_AUTH_HMAC_MD5;
	k->n_auth = 2;
	k->comp[0] = ALG_COMP_DEFLATE;
	k->n_comp = 1;
	return c;
}

static struct policy make_policy(uint32_t id, enum policy_dir dir, const struct inet_addr *from,
    const struct inet_addr *to, enum ipsec_mode mode, const enum ipsec_proto *protos, uint16_t upper)
{
	struct policy p = {.id = id,
	    .dir = dir,
	    .action = POLICY_IPSEC,
	    .sel = {.src = inet_prefix_host(from), .dst = inet_prefix_host(to), .proto = upper}};

	for (; protos[p.n_requests]; p.n_requests++) {
		struct policy_request *q = &p.req[p.n_requests];

		*q = (struct policy_request){
		    .proto = protos[p.n_requests], .mode = mode, .level = LEVEL_REQUIRE};
		if (mode == IPSEC_TUNNEL) {
			q->src = *from;
			q->dst = *to;
		}
	}
	return p;
}

void rig_policy_of(struct rig *r, enum ipsec_mode mode, const enum ipsec_proto *protos, uint16_t upper)
{
	struct rig_side *s[] = {&r->a, &r->b};

	for (size_t i = 0; i < 2; i++) {
		size_t n = s[i]->n_policies++;
		uint32_t id = (uint32_t)(2 * n + 1);

		s[i]->out[n] = make_policy(id, POLICY_OUT, &s[i]->addr, &s[1 - i]->addr, mode, protos, upper);
		s[i]->in[n] =
		    make_policy(id + 1, POLICY_IN, &s[1 - i]->addr, &s[i]->addr, mode, protos, upper);
	}
}

void rig_policy(struct rig *r, enum ipsec_mode mode, uint16_t upper)
{
	rig_policy_of(r, mode, (const enum ipsec_proto[]){IPSEC_ESP, IPSEC_PROTO_NONE}, upper);
}

void rig_packet(struct rig_side *s, size_t n)
{
	const struct core_acquire a = {.seq = 1,
	    .policy = &s->out[n],
	    .packet = s->out[n].sel,
	    .src = s->addr,
	    .dst = other_side(s)->addr};

	core_acquire(s->core, &a);
}

static void handle(struct event *e)
{
	if (!e->to->dead && e->is_datagram)
		core_datagram(e->to->core, &e->path, e->octets, e->n);
	else if (!e->is_datagram && !core_reply(e->to->core, e->token, &e->reply) && e->undo)
		e->undo(e->to, e->reply.number);
	event_free(e);
}

void rig_run(struct rig *r, uint64_t ms)
{
	uint64_t end = r->clock.ms + ms;

	for (;;) {
		uint64_t next = end, a = core_next_ms(r->a.core), b = core_next_ms(r->b.core);
		struct event *e =
		    list_is_empty(&r->events) ? NULL : list_entry(r->events.next, struct event, node);

		next = a < next ? a : next;
		next = b < next ? b : next;
		next = e && e->due_ms < next ? e->due_ms : next;
		if (next > r->clock.ms)
			r->clock.ms = next;
		if (e && e->due_ms <= r->clock.ms)
			handle(e);
		else if (a <= r->clock.ms || b <= r->clock.ms) {
			core_step(r->a.core);
			core_step(r->b.core);
		} else if (r->clock.ms >= end) {
			return;
		}
	}
}
