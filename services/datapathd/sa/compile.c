/*
 * Everything that can be decided when an SA is installed is decided here, so that the stages only follow
 * pointers. Both directions are keyed: a manual SA does not say which end of it we are.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "datapathd/sa/rt.h"

static uint64_t limit(uint64_t v)
{
	return v ? v : UINT64_MAX;
}

static int key_both(struct sa_rt *rt, const struct sa_desc *d)
{
	struct crypto_sa_params p = {
	    .enc = d->enc,
	    .auth = d->auth,
	    .enc_key = d->enc_key,
	    .auth_key = d->auth_key,
	    .enc_key_len = d->enc_key_len,
	    .auth_key_len = d->auth_key_len,
	    .icv_len = d->icv_len,
	    .esn = d->flags & SA_F_ESN,
	};
	int r;

	if (d->proto == IPSEC_IPCOMP)
		return 0;
	p.dir = CRYPTO_SEAL;
	r = crypto_sa_new(&p, &rt->seal);
	if (r < 0)
		return r;
	p.dir = CRYPTO_OPEN;
	return crypto_sa_new(&p, &rt->open);
}

static enum esp_pad pad_of(uint32_t flags)
{
	return flags & SA_F_RANDPAD ? ESP_PAD_RANDOM : flags & SA_F_ZEROPAD ? ESP_PAD_ZERO : ESP_PAD_SEQ;
}

static uint64_t hard_at(const struct sa_desc *d, const struct sad_slot_facts *f)
{
	uint64_t left = (UINT64_MAX - f->created_ms) / 1000;

	return !d->life.hard_s || d->life.hard_s >= left ? UINT64_MAX : f->created_ms + d->life.hard_s * 1000;
}

static enum seq_kind seq_kind_of(uint32_t flags)
{
	return flags & SA_F_ESN ? SEQ_ESN : flags & SA_F_CYCLIC ? SEQ_CYCLIC : SEQ_32;
}

static void set_geometry(struct sa_rt *rt)
{
	if (!rt->seal)
		return;
	rt->icv_len = crypto_sa_icv_len(rt->seal);
	rt->authenticates = rt->icv_len > 0;
	rt->geom = esp_geom_make(crypto_sa_iv_len(rt->seal), crypto_sa_block(rt->seal), rt->icv_len);
}

static int copy_more(struct sa_rt *rt, const struct sa_desc *d)
{
	if (!d->n_more)
		return 0;
	rt->more = calloc(d->n_more, sizeof(rt->more[0]));
	if (!rt->more)
		return -ENOMEM;
	memcpy(rt->more, d->more_reqids, d->n_more * sizeof(rt->more[0]));
	rt->n_more = d->n_more;
	return 0;
}

int sa_rt_compile(
    const struct sa_desc *d, const struct sad_slot_facts *f, struct sad_slot *slot, struct sa_rt **ret)
{
	struct sa_rt *rt = calloc(1, sizeof(*rt));
	int r;

	if (!rt)
		return -ENOMEM;
	r = key_both(rt, d);
	if (r == 0)
		r = copy_more(rt, d);
	if (r < 0) {
		(void)sa_rt_free(rt);
		return r;
	}
	rt->src = d->src;
	rt->dst = d->dst;
	rt->serial = f->serial;
	rt->spi = d->spi;
	rt->reqid = d->reqid;
	rt->proto = d->proto;
	rt->mode = d->mode;
	rt->enc = d->enc;
	rt->auth = d->auth;
	rt->comp = d->comp;
	rt->cpi = d->flags & SA_F_RAWCPI ? (uint16_t)d->spi : (uint16_t)d->comp;
	rt->encap = d->encap;
	rt->esn = d->flags & SA_F_ESN;
	rt->seq_kind = seq_kind_of(d->flags);
	rt->pad = pad_of(d->flags);
	set_geometry(rt);
	rt->hard_bytes = limit(d->life.hard_bytes);
	rt->hard_packets = limit(d->life.hard_packets);
	rt->hard_at_ms = hard_at(d, f);
	rt->run = &slot->run;
	rt->window = sad_slot_window(slot);
	*ret = rt;
	return 0;
}

struct sa_rt *sa_rt_free(struct sa_rt *rt)
{
	if (!rt)
		return NULL;
	(void)crypto_sa_free(rt->seal);
	(void)crypto_sa_free(rt->open);
	free(rt->more);
	free(rt);
	return NULL;
}

bool sa_rt_usable(const struct sa_rt *rt, uint64_t now_ms)
{
	uint32_t state = atomic_load_explicit(&rt->run->state, memory_order_relaxed);

	return (state == SA_MATURE || state == SA_DYING) && now_ms < rt->hard_at_ms &&
	       atomic_load_explicit(&rt->run->bytes, memory_order_relaxed) < rt->hard_bytes &&
	       atomic_load_explicit(&rt->run->packets, memory_order_relaxed) < rt->hard_packets;
}

int sa_rt_take_seq(struct sa_rt *rt, uint64_t *ret_seq)
{
	struct seq_counter c = {.last = atomic_load_explicit(&rt->run->seq, memory_order_relaxed)};
	uint64_t first;

	if (seq_take(&c, rt->seq_kind, 1, &first) != SEQ_OK)
		return SEQ_EXHAUSTED;
	atomic_store_explicit(&rt->run->seq, c.last, memory_order_release);
	atomic_store_explicit(&rt->run->seq_not, ~c.last, memory_order_release);
	*ret_seq = first;
	return SEQ_OK;
}
