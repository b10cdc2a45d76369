/*
 * The stand-ins answer after a millisecond and know only what their services would know.
 */
#include "support/ike_rig.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crypto/crypto.h"
#include "support/ike_rig_event.h"

enum { ANSWER_MS = 1, WIRE_MS = 5, LATE_MS = 9000, MEMORY = 1 << 20 };

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
	secret_free(e->reply.d);
	secret_free(e->reply.a);
	secret_free(e->reply.e);
	secret_free(e->reply.secret);
	free(e->octets);
	free(e);
}

void rig_keep(struct event *e, const void *p, size_t n)
{
	e->octets = malloc(n ? n : 1);
	memcpy(e->octets, p, n);
	e->n = n;
	e->reply.octets = e->octets;
	e->reply.n_octets = n;
}

struct event *rig_answer(struct rig_side *s, uint64_t token, int result, const char *why)
{
	struct event *e = event_new(s, ANSWER_MS);

	e->token = token;
	e->reply.result = result;
	e->reply.why = why;
	return e;
}

struct rig_side *rig_other(struct rig_side *s)
{
	return s == &s->rig->a ? &s->rig->b : &s->rig->a;
}

struct inet_addr rig_outside(const struct rig *r)
{
	return r->nat.family == INET_NONE ? r->a.addr : r->nat;
}

/* The translator in front of A; false: nothing goes that way. */
static bool translate(struct rig *r, bool to_b, struct ike_path *p)
{
	static const uint16_t inside[] = {IKE_PORT, IKE_PORT_NATT};

	if (r->nat.family == INET_NONE)
		return true;
	if (!to_b && !inet_addr_equal(&p->local, &r->nat))
		return false;
	*(to_b ? &p->remote : &p->local) = to_b ? r->nat : r->a.addr;
	for (size_t i = 0; i < ARRAY_SIZE(inside); i++) {
		uint16_t out = r->nat_port[i] ? r->nat_port[i] : inside[i];

		if (to_b && p->remote_port == inside[i]) {
			p->remote_port = out;
			return true;
		}
		if (!to_b && p->local_port == out) {
			p->local_port = inside[i];
			return true;
		}
	}
	return false;
}

static void deliver(
    struct rig_side *to, const struct ike_path *from, const uint8_t *d, size_t n, uint64_t delay)
{
	struct ike_path path = {.local = from->remote,
	    .remote = from->local,
	    .local_port = from->remote_port,
	    .remote_port = from->local_port};
	struct event *e;

	if (!translate(to->rig, to == &to->rig->b, &path))
		return;
	e = event_new(to, delay);
	e->is_datagram = true;
	e->path = path;
	rig_keep(e, d, n);
}

static void port_send(void *arg, const struct ike_path *path, const uint8_t *d, size_t n)
{
	struct rig_side *s = arg, *to = rig_other(s);
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

static bool port_traces(void *arg)
{
	return ((struct rig_side *)arg)->traces;
}

static void port_log(void *arg, int level, const char *event, const char *text)
{
	struct rig_side *s = arg;
	int n;

	s->n_lines += level != CORE_DEBUG;
	if (getenv("RIG_LOG"))
		fprintf(stderr, "%8llu %s %s: %s\n", (unsigned long long)s->rig->clock.ms,
		    s == &s->rig->a ? "A" : "B", event, text);
	if (s->n_log + strlen(text) + 2 >= RIG_LOG_MAX)
		s->n_log = 0;
	n = snprintf(s->log + s->n_log, RIG_LOG_MAX - s->n_log, "%s\n", text);
	s->n_log += (size_t)n;
}

/* Version 2 narrows: here there is always a policy for the part that is meant. */
static int port_match(
    void *arg, uint64_t token, const struct selector *out, const struct ike_path *path, bool within)
{
	struct rig_side *s = arg;
	struct event *e = rig_answer(s, token, 0, "");

	for (size_t i = 0; i < s->n_policies; i++)
		if (selector_equal(&s->out[i].sel, out) ||
		    (within && !e->reply.out && inet_prefix_contains(&out->src, &s->out[i].sel.src.addr) &&
		        inet_prefix_contains(&out->dst, &s->out[i].sel.dst.addr))) {
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
	struct event *e;

	s->n_logins++;
	e = rig_answer(s, token, right ? 0 : -EACCES, right ? "" : "wrong password");
	if (right) {
		rig_keep(e, "ticket", 6);
		e->reply.groups = "staff";
	}
	return 0;
}

static int port_xauth_password(void *arg, uint64_t token, struct ike1_octets ticket)
{
	struct rig_side *s = arg;
	struct event *e = rig_answer(s, token, s->password ? 0 : -ENOENT, s->password ? "" : "no line");

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

static void unmake_policy(struct rig_side *s, uint64_t id)
{
	child_leave_policy(s->core, &(struct policy){.generated = true, .id = (uint32_t)id});
}

/* One that is there already for the same traffic between the same ends; n_policies: there is none. */
static size_t find_made(const struct rig_side *s, const struct policy *out)
{
	size_t i = 0;

	while (i < s->n_policies && !(s->out[i].generated && selector_equal(&s->out[i].sel, &out->sel) &&
	                                inet_addr_equal(&s->out[i].req[0].dst, &out->req[0].dst)))
		i++;
	return i;
}

static void add_made(struct rig_side *s, const struct policy *out)
{
	size_t i = s->n_policies;

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
}

static int port_policy_make(void *arg, uint64_t token, const uint8_t *ticket, size_t n,
    const struct policy *out, const struct ike_path *path)
{
	struct rig_side *s = arg;
	size_t i = find_made(s, out);
	struct event *e;

	if (s->makes_none || i == RIG_POLICIES_MAX) {
		rig_answer(s, token, -EACCES, "no sainfo allows it");
		return 0;
	}
	if (i == s->n_policies)
		add_made(s, out);
	e = rig_answer(s, token, 0, "");
	e->out = s->out[i];
	e->in = s->in[i];
	e->reply.out = &e->out;
	e->reply.in = &e->in;
	e->reply.number = e->out.id;
	e->undo = unmake_policy;
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

static int port_grant(void *arg, uint64_t token, const struct core_grant *g)
{
	struct rig_side *s = arg;
	bool good = g->n_ticket == 6 && memcmp(g->ticket, "ticket", 6) == 0 && !(s->grants_one && g->n_more);
	struct event *e = rig_answer(s, token, good ? 0 : -EACCES, good ? "" : "no ticket");

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
	e = rig_answer(s, token, 0, "");
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

static int port_install(void *arg, uint64_t token, uint64_t grant, const struct sa_desc *sa, uint64_t partner)
{
	struct rig_side *s = arg;
	struct event *e;

	for (size_t i = 0; i < RIG_SAS_MAX; i++) {
		struct rig_sa *x = &s->sa[i];

		if (x->serial)
			continue;
		*x = (struct rig_sa){.serial = ++s->rig->last_serial,
		    .inbound = !partner,
		    .partner = partner,
		    .made_ms = s->rig->clock.ms,
		    .desc = *sa};
		if (sa->enc_key_len)
			memcpy(x->enc_key, sa->enc_key, sa->enc_key_len);
		if (sa->auth_key_len)
			memcpy(x->auth_key, sa->auth_key, sa->auth_key_len);
		if (sa->n_more && sa->n_more <= RIG_MORE_MAX)
			memcpy(x->more, sa->more_reqids, sa->n_more * sizeof(x->more[0]));
		x->desc.more_reqids = x->more;
		if (!partner)
			take_larva(s, sa->spi);
		e = rig_answer(s, token, 0, "");
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

static void port_hook(void *arg, const struct core_hook *h)
{
	struct rig_side *s = arg;
	size_t n = strlen(s->hooks);

	snprintf(s->hooks + n, sizeof(s->hooks) - n, "%s ", ike_hook_name(h->hook) + strlen("phase1_"));
	snprintf(s->last_id, sizeof(s->last_id), "%.*s", (int)h->id.n, (const char *)h->id.p);
	s->last_hook = *h;
}

static void port_moved(void *arg, const uint64_t *serial, size_t n, uint16_t port)
{
	struct rig_side *s = arg;

	for (size_t i = 0; i < RIG_SAS_MAX; i++)
		for (size_t j = 0; j < n; j++) {
			if (s->sa[i].serial == serial[j])
				s->sa[i].desc.encap.sport = port;
			if (s->sa[i].partner == serial[j])
				s->sa[i].desc.encap.dport = port;
		}
}

static int store(void *arg, const char *name, int fd)
{
	struct rig_side *s = arg;

	if (s->n_stored == RIG_STORED_MAX)
		return -ENOSPC;
	snprintf(s->stored[s->n_stored].name, KEEP_NAME_MAX, "%s", name);
	s->stored[s->n_stored++].fd = dup(fd);
	return 0;
}

static void keep_log(void *arg, const char *what)
{
	port_log(arg, CORE_WARNING, "keep", what);
}

/* A new process finds what the launcher has kept. */
static void make_keep(struct rig_side *s)
{
	/* Thousands of rigs: hiding each page from the kernel is what takes time. */
	const struct keep_env env = {.rng = &s->rig->rng.rng,
	    .create = secret_region_create_memfd,
	    .store = store,
	    .log = keep_log,
	    .arg = s};

	s->keep = keep_new(&env);
	for (size_t i = 0; i < s->n_stored; i++)
		(void)!keep_adopt(s->keep, s->stored[i].name, dup(s->stored[i].fd));
}

static void forget_stored(struct rig_side *s)
{
	while (s->n_stored)
		close(s->stored[--s->n_stored].fd);
}

static struct core *make_core(struct rig_side *s, struct ike_conf *conf)
{
	struct rig *r = s->rig;
	struct core *c;
	const struct core_def def = {.keep = s->keep,
	    .clock = &r->clock.clock,
	    .rng = &r->rng.rng,
	    .ports = {.arg = s,
	        .send = port_send,
	        .log = port_log,
	        .traces = port_traces,
	        .ike1_begin = rig_port_begin,
	        .ike1_keys = rig_port_keys,
	        .ike1_prove = rig_port_prove,
	        .ike1_switch = rig_port_switch,
	        .ike1_verify = rig_port_verify,
	        .ike1_judge = rig_port_judge,
	        .ike2_begin = rig_port_begin,
	        .ike2_tell = rig_port_tell2,
	        .ike2_prove = rig_port_prove2,
	        .ike2_verify = rig_port_verify2,
	        .ike2_judge = rig_port_judge,
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
	        .remove = port_remove,
	        .moved = port_moved,
	        .hook = port_hook}};

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
	list_init(&s->exchanges);
	make_keep(s);
	s->core = make_core(s, conf);
}

static void forget_answers(struct rig_side *s)
{
	list_foreach_safe (e, next, &s->rig->events, struct event, node)
		if (e->to == s && !e->is_datagram)
			event_free(e);
}

/* The configuration of a core that ends. */
static struct ike_conf *end_core(struct rig_side *s)
{
	struct core_conf *held = core_conf_ref(s->core->conf);
	struct ike_conf *conf;

	s->core = core_free(s->core);
	conf = held->c;
	held->c = NULL;
	core_conf_unref(held);
	return conf;
}

static bool has_child(const struct rig_side *s, uint64_t serial)
{
	return child_by_serial(s->core, serial) != NULL;
}

void rig_rebirth(struct rig_side *s)
{
	struct ike_conf *conf = end_core(s);

	forget_answers(s);
	s->keep = keep_free(s->keep);
	make_keep(s);
	s->core = make_core(s, conf);
	core_restore(s->core);
	/* datapathd gives reserved SPIs back with their connection; policyd lets grants run out. */
	s->n_larvae = 0;
	s->n_grants = s->core->n_children;
	for (size_t i = 0; i < RIG_SAS_MAX; i++)
		if (s->sa[i].serial && !has_child(s, s->sa[i].serial))
			s->sa[i].orphan = true;
}

void rig_recall(struct rig_side *s)
{
	uint64_t serial[2 * RIG_SAS_MAX];
	size_t n = core_serials(s->core, serial, ARRAY_SIZE(serial));

	for (size_t i = 0; i < n; i++) {
		bool there = false;

		for (size_t j = 0; j < RIG_SAS_MAX; j++)
			there |= s->sa[j].serial == serial[i];
		if (!there)
			core_expired(s->core, serial[i], true);
	}
}

void rig_restart(struct rig_side *s, struct ike_conf *conf)
{
	forget_answers(s);
	core_free(s->core);
	s->keep = keep_free(s->keep);
	forget_stored(s);
	make_keep(s);
	rig_certd_restart(s);
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
	r->a.keep = keep_free(r->a.keep);
	r->b.keep = keep_free(r->b.keep);
	forget_stored(&r->a);
	forget_stored(&r->b);
	rig_certd_restart(&r->a);
	rig_certd_restart(&r->b);
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
	if (ike_auth_is_rsa(auth)) {
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

struct ike_conf *rig_conf2(enum ike_auth_method auth)
{
	struct ike_conf *c = rig_conf(IKE_MODE_MAIN, auth, true);
	struct ike_peer *p = &c->peer[0];
	struct ike_child *k = &c->child[0];

	p->version = 2;
	p->n_modes = 0;
	p->offer[0].enc = ALG_ENC_AES_CBC;
	p->offer[0].key_bits = 128;
	p->offer[0].hash = ALG_PRF_HMAC_SHA256;
	p->ike_frag = p->nat_traversal = IKE_ON;
	k->enc[0] = (struct ike_child_enc){ALG_ENC_AES_GCM_16, 128};
	k->n_enc = 1;
	k->n_auth = 0;
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
	const struct inet_addr outside = rig_outside(r), *from[] = {&r->a.addr, &r->b.addr},
	                       *to[] = {&r->b.addr, &outside};

	for (size_t i = 0; i < 2; i++) {
		size_t n = s[i]->n_policies++;
		uint32_t id = (uint32_t)(2 * n + 1);

		s[i]->out[n] = make_policy(id, POLICY_OUT, from[i], to[i], mode, protos, upper);
		s[i]->in[n] = make_policy(id + 1, POLICY_IN, to[i], from[i], mode, protos, upper);
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
	    .dst = s == &s->rig->a ? s->rig->b.addr : rig_outside(s->rig)};

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
