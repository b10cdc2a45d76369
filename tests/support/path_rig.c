#include "support/path_rig.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire/ip/csum.h"
#include "wire/ip/ip.h"

/* Not cmocka's assertions: fuzz targets use this too. */
static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "path_rig: %s\n", what);
	abort();
}

void path_rig_init(struct path_rig *r)
{
	struct sad_store_env env = {0};
	struct err_text e = {0};

	memset(r, 0, sizeof(*r));
	clock_fake_init(&r->clock, 1000000);
	rng_seeded_init(&r->rng, 7);
	env.clock = &r->clock.clock;
	env.rng = &r->rng.rng;
	must(crypto_init(&e) == 0, e.s);
	epoch_init(&r->epoch);
	must(sad_store_new(&env, &r->store) == 0, "store");
	must(sad_init(&r->sad, &r->epoch, r->store, &r->clock.clock) == 0, "sad");
	must(sad_store_begin(r->store, &e) == 0, e.s);
	must(path_init(&r->path, &r->rng.rng) == 0, "path");
	must(batch_init(&r->batch) == 0, "batch");
	r->path.counters = &r->counters;
	r->path.sad = &r->sad;
	r->path.acquires = &r->acquires;
	path_rig_spd(r, NULL, 0);
}

void path_rig_fini(struct path_rig *r)
{
	epoch_fini(&r->epoch);
	sad_fini(&r->sad);
	epoch_fini(&r->epoch);
	r->store = sad_store_free(r->store);
	r->view = spd_view_free(r->view);
	path_fini(&r->path);
	batch_fini(&r->batch);
}

struct inet_addr path_rig_addr(const char *text)
{
	struct inet_addr a;

	must(inet_addr_parse(text, &a) == 0, text);
	return a;
}

static struct inet_prefix prefix(const char *text)
{
	struct inet_prefix p;
	char addr[64];
	unsigned plen;

	if (sscanf(text, "%63[^/]/%u", addr, &plen) == 2) {
		p.addr = path_rig_addr(addr);
		p.plen = (uint8_t)plen;
		return p;
	}
	p.addr = path_rig_addr(text);
	return inet_prefix_host(&p.addr);
}

struct selector path_rig_selector(const char *src, const char *dst, uint16_t proto)
{
	return (struct selector){.src = prefix(src), .dst = prefix(dst), .proto = proto};
}

struct sa_desc path_rig_desc(const char *src, const char *dst, enum ipsec_proto proto, uint32_t spi,
    enum ipsec_mode mode, enum alg_enc enc, enum alg_auth auth)
{
	static uint8_t keys[64][2][ALG_KEY_MAX];
	static unsigned next;
	const struct alg_enc_info *ei = alg_enc_by_id(enc);
	const struct alg_auth_info *ai = alg_auth_by_id(auth);
	uint8_t(*k)[ALG_KEY_MAX] = keys[next++ % ARRAY_SIZE(keys)];

	for (unsigned i = 0; i < ALG_KEY_MAX; i++) {
		k[0][i] = (uint8_t)(spi * 31 + i * 7 + 1);
		k[1][i] = (uint8_t)(spi * 17 + i * 5 + 3);
	}
	return (struct sa_desc){
	    .src = path_rig_addr(src),
	    .dst = path_rig_addr(dst),
	    .proto = proto,
	    .spi = spi,
	    .mode = mode,
	    .replay_bytes = 8,
	    .flags = ei && ei->counter ? 0 : SA_F_CYCLIC,
	    .enc = enc,
	    .auth = auth,
	    .enc_key = k[0],
	    .auth_key = k[1],
	    .enc_key_len = ei ? ei->key_min : 0,
	    .auth_key_len = ai ? ai->key_min : 0,
	    .fresh_key = ei && ei->counter,
	};
}

struct sa *path_rig_add(struct path_rig *r, const struct sa_desc *d, struct err_text *e)
{
	struct err_text own = {0};
	struct sad_txn t;
	const char *why;
	uint64_t serial;
	struct sa *sa = NULL;

	must(sa_desc_check(d, &why) == 0, "a test's SA is not valid");
	must(sad_txn_init(&t, &r->sad) == 0, "transaction");
	if (sad_txn_add(&t, d, false, 1, &serial, e ? e : &own) == 0 &&
	    sad_txn_commit(&t, NULL, NULL, e ? e : &own) == 0)
		sa = sad_find(&r->sad, &d->src, &d->dst, d->proto, d->spi);
	sad_txn_fini(&t);
	return sa;
}

void path_rig_delete(struct path_rig *r, const struct sa_desc *d)
{
	struct sa *sa = sad_find(&r->sad, &d->src, &d->dst, d->proto, d->spi);

	must(sa != NULL, "no such SA");
	sad_remove(&r->sad, sa, false);
	(void)epoch_reclaim(&r->epoch);
}

struct policy path_rig_policy(enum policy_dir dir, const struct selector *sel, enum policy_action action)
{
	static uint32_t id;

	return (struct policy){.id = ++id, .dir = dir, .action = action, .sel = *sel};
}

void path_rig_request(struct policy *p, enum ipsec_proto proto, enum ipsec_mode mode, enum policy_level level,
    const char *src, const char *dst)
{
	struct policy_request *q = &p->req[p->n_requests++];

	*q = (struct policy_request){.proto = proto, .mode = mode, .level = level};
	if (src) {
		q->src = path_rig_addr(src);
		q->dst = path_rig_addr(dst);
	}
}

void path_rig_spd(struct path_rig *r, const struct policy *p, uint32_t n)
{
	r->view = spd_view_free(r->view);
	r->view = spd_view_new(1, n, &policy_deflev_kame, true);
	must(r->view != NULL, "view");
	for (uint32_t i = 0; i < n; i++)
		must(spd_view_add(r->view, &p[i]) == 0, "policy");
	must(spd_view_finish(r->view) == 0, "view");
	r->view->generation = ++r->generation;
	r->path.view = r->view;
}

void path_rig_clear(struct path_rig *r)
{
	r->batch.n = 0;
}

struct pkt *path_rig_put(struct path_rig *r, const void *data, size_t len)
{
	struct pkt *p;

	must(r->batch.n < BATCH_MAX && len <= PKT_LEN_MAX, "the batch is full");
	p = batch_slot(&r->batch, r->batch.n++);
	if (len)
		memcpy(p->data, data, len);
	p->len = (uint32_t)len;
	return p;
}

size_t path_rig_udp(uint8_t *buf, const char *src, const char *dst, uint16_t sport, uint16_t dport, size_t n)
{
	const struct inet_addr s = path_rig_addr(src), d = path_rig_addr(dst);
	struct ip4_params ip = {.proto = 17, .ttl = 63, .id = 77, .total_len = (uint16_t)(28 + n)};

	memcpy(ip.src, s.b, 4);
	memcpy(ip.dst, d.b, 4);
	ip4_write(buf, &ip);
	memcpy(buf + 20,
	    (uint8_t[8]){(uint8_t)(sport >> 8), (uint8_t)sport, (uint8_t)(dport >> 8), (uint8_t)dport,
	        (uint8_t)((8 + n) >> 8), (uint8_t)(8 + n), 0, 0},
	    8);
	for (size_t i = 0; i < n; i++)
		buf[28 + i] = (uint8_t)(i * 3 + 1);
	return 28 + n;
}

void path_rig_out(struct path_rig *r)
{
	r->path.now_ms = r->clock.ms;
	path_outbound(&r->path, &r->batch);
}

void path_rig_in(struct path_rig *r)
{
	r->path.now_ms = r->clock.ms;
	path_inbound(&r->path, &r->batch);
}

uint32_t path_rig_wire(const struct path_rig *from, struct path_rig *to)
{
	path_rig_clear(to);
	for (uint32_t i = 0; i < from->batch.n; i++)
		if (from->batch.pkt[i].verdict == VERDICT_SEND)
			(void)path_rig_put(to, from->batch.pkt[i].data, from->batch.pkt[i].len);
	return to->batch.n;
}

uint64_t path_rig_kame(const struct path_rig *r, enum kame_counter k)
{
	return counter_get(&r->counters.kame[0][k]) + counter_get(&r->counters.kame[1][k]);
}

uint64_t path_rig_drops(const struct path_rig *r, enum drop_reason d)
{
	return counter_get(&r->counters.drop[d]);
}
