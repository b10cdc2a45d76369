/*
 * The commit word is a checksum over the fixed part, so one store both publishes a slot and lets a successor
 * see damage: every changed octet of the description changes it. It is no defence against somebody who writes
 * SAD memory on purpose (he has the keys already); against him each field is judged as if it came from a
 * stranger.
 */
#include "datapathd/sa/slot.h"

#include <stddef.h>
#include <string.h>

#include "base/auto.h"

/* A counter can run ahead of its complement by what one batch takes, not more. */
static const uint64_t seq_skew_max = 1024;

static uint32_t slots_for(size_t octets)
{
	return (uint32_t)((octets + SAD_SLOT_SIZE - 1) / SAD_SLOT_SIZE);
}

static uint32_t window_slots(uint32_t replay_bytes)
{
	size_t n = replay_memory(replay_bytes);

	return n <= SAD_WINDOW_INLINE ? 0 : slots_for(n);
}

uint32_t sad_slot_extra(uint32_t replay_bytes, uint16_t n_more)
{
	return window_slots(replay_bytes) + (n_more ? slots_for((n_more + 1U) * sizeof(uint32_t)) : 0);
}

struct replay *sad_slot_window(struct sad_slot *s)
{
	return (struct replay *)(void *)(window_slots(s->d.replay_bytes) ? (uint8_t *)(s + 1) : s->window);
}

/* A sum, and the reqids behind it. */
static uint32_t *list_at(const struct sad_slot *s, uint32_t replay_bytes)
{
	return (uint32_t *)(uintptr_t)(s + 1 + window_slots(replay_bytes));
}

static void put_more(struct sad_slot *s, const struct sa_desc *d)
{
	uint32_t *list = list_at(s, d->replay_bytes);

	if (!d->n_more)
		return;
	list[0] = (uint32_t)slot_sum(d->more_reqids, d->n_more * sizeof(list[0]));
	memcpy(list + 1, d->more_reqids, d->n_more * sizeof(list[0]));
}

static bool more_is_whole(const struct sad_slot *s, const struct sad_slot_desc *t)
{
	const uint32_t *list = list_at(s, t->replay_bytes);

	return !t->n_more || list[0] == (uint32_t)slot_sum(list + 1, t->n_more * sizeof(list[0]));
}

void sad_slot_write(
    struct sad_slot *s, uint32_t index, const struct sa_desc *d, const struct sad_slot_facts *f)
{
	struct sad_slot_desc *t = &s->d;

	sad_slot_clear(s, 1 + sad_slot_extra(d->replay_bytes, d->n_more));
	t->kind = SAD_KIND_SA;
	t->version = SAD_SLOT_VERSION;
	t->index = index;
	t->spi = d->spi;
	t->serial = f->serial;
	t->src_family = d->src.family;
	t->dst_family = d->dst.family;
	t->proto = (uint8_t)d->proto;
	t->mode = (uint8_t)d->mode;
	t->enc = (uint8_t)d->enc;
	t->auth = (uint8_t)d->auth;
	t->enc_key_len = d->enc_key_len;
	t->auth_key_len = d->auth_key_len;
	t->icv_len = d->icv_len;
	t->fresh_key = d->fresh_key;
	t->manual = f->manual;
	t->comp = (uint8_t)d->comp;
	t->flags = d->flags;
	memcpy(t->src, d->src.b, sizeof(t->src));
	memcpy(t->dst, d->dst.b, sizeof(t->dst));
	t->reqid = d->reqid;
	t->replay_bytes = d->replay_bytes;
	memcpy(t->life,
	    (const uint64_t[6]){d->life.soft_s, d->life.hard_s, d->life.soft_bytes, d->life.hard_bytes,
	        d->life.soft_packets, d->life.hard_packets},
	    sizeof(t->life));
	t->created_ms = f->created_ms;
	t->created_wall_ms = f->created_wall_ms;
	t->pid = f->pid;
	t->n_extra = sad_slot_extra(d->replay_bytes, d->n_more);
	t->n_more = d->n_more;
	put_more(s, d);
	t->src_scope = d->src.scope;
	t->dst_scope = d->dst.scope;
	t->encap_sport = d->encap.sport;
	t->encap_dport = d->encap.dport;
	t->encap_frag = d->encap.frag;
	t->encap_keepalive = d->encap.keepalive_s;
	if (f->partner && f->partner < f->serial && f->serial - f->partner <= UINT32_MAX)
		t->partner = (uint32_t)(f->serial - f->partner);
	t->oa_family = d->encap.nat_oa.family;
	memcpy(t->nat_oa, d->encap.nat_oa.b, sizeof(t->nat_oa));
	if (d->enc_key_len)
		memcpy(t->enc_key, d->enc_key, d->enc_key_len);
	if (d->auth_key_len)
		memcpy(t->auth_key, d->auth_key, d->auth_key_len);
	atomic_store(&s->run.seq_not, ~(uint64_t)0);
	atomic_store(&s->run.state, SA_MATURE);
	replay_init(sad_slot_window(s), d->replay_bytes);
}

void sad_slot_commit(struct sad_slot *s)
{
	atomic_store_explicit(&s->commit, slot_sum(&s->d, sizeof(s->d)), memory_order_release);
}

void sad_slot_clear(struct sad_slot *s, uint32_t n)
{
	atomic_store_explicit(&s->commit, 0, memory_order_release);
	wipe(s, (size_t)n * SAD_SLOT_SIZE);
}

static const char *fixed_fault(
    const struct sad_slot_desc *t, uint32_t index, uint32_t n_left, uint64_t now_ms)
{
	if (t->kind != SAD_KIND_SA || t->version != SAD_SLOT_VERSION)
		return "unknown kind or version";
	if (t->index != index)
		return "not written for this place";
	if (t->serial == 0 || t->serial > UINT64_MAX / 2)
		return "impossible serial number";
	if (t->zero || t->fresh_key > 1 || t->manual > 1)
		return "a flag is neither 0 nor 1";
	if (t->partner >= t->serial)
		return "it belongs to an SA that cannot be";
	if (t->enc_key_len > ALG_KEY_MAX || t->auth_key_len > ALG_KEY_MAX)
		return "a key is longer than any algorithm's";
	if (t->replay_bytes > REPLAY_BYTES_MAX || t->n_more > SA_MORE_MAX ||
	    t->n_extra != sad_slot_extra(t->replay_bytes, t->n_more) || t->n_extra >= n_left)
		return "the window or the list of reqids does not have the size it claims";
	if (t->created_ms > now_ms)
		return "created in the future";
	return NULL;
}

static struct inet_addr addr_of(uint8_t family, const uint8_t b[16], uint32_t scope)
{
	struct inet_addr a = inet_addr_from_bytes(b, family == INET_V4 ? 4 : family == INET_V6 ? 16 : 0);

	a.scope = family == INET_V6 ? scope : 0;
	return a;
}

static void desc_of(const struct sad_slot_desc *t, const struct sad_slot *s, struct sa_desc *ret)
{
	*ret = (struct sa_desc){
	    .src = addr_of(t->src_family, t->src, t->src_scope),
	    .dst = addr_of(t->dst_family, t->dst, t->dst_scope),
	    .proto = (enum ipsec_proto)t->proto,
	    .spi = t->spi,
	    .mode = (enum ipsec_mode)t->mode,
	    .reqid = t->reqid,
	    .more_reqids = t->n_more ? list_at(s, t->replay_bytes) + 1 : NULL,
	    .n_more = t->n_more,
	    .replay_bytes = t->replay_bytes,
	    .flags = t->flags,
	    .enc = (enum alg_enc)t->enc,
	    .auth = (enum alg_auth)t->auth,
	    .comp = (enum alg_comp)t->comp,
	    .enc_key = s->d.enc_key,
	    .auth_key = s->d.auth_key,
	    .enc_key_len = t->enc_key_len,
	    .auth_key_len = t->auth_key_len,
	    .icv_len = t->icv_len,
	    .fresh_key = t->fresh_key,
	    .life =
	        {
	            .soft_s = t->life[0],
	            .hard_s = t->life[1],
	            .soft_bytes = t->life[2],
	            .hard_bytes = t->life[3],
	            .soft_packets = t->life[4],
	            .hard_packets = t->life[5],
	        },
	    .encap =
	        {
	            .sport = t->encap_sport,
	            .dport = t->encap_dport,
	            .frag = t->encap_frag,
	            .keepalive_s = t->encap_keepalive,
	            .nat_oa = addr_of(t->oa_family, t->nat_oa, 0),
	        },
	};
}

/* Never lower than any number that was taken. */
static const char *run_fault(struct sad_slot_run *r, uint64_t now_ms)
{
	uint64_t seq = atomic_load(&r->seq), not_ = ~atomic_load(&r->seq_not);
	uint64_t high = seq > not_ ? seq : not_, low = seq > not_ ? not_ : seq;
	uint32_t state = atomic_load(&r->state);

	if (high - low > seq_skew_max)
		return "the sequence number is damaged";
	if (state != SA_MATURE && state != SA_DYING && state != SA_DEAD)
		return "unknown state";
	if (atomic_load(&r->told) > (SAD_TOLD_SOFT | SAD_TOLD_HARD))
		return "unknown event flags";
	if (atomic_load(&r->last_used_ms) > now_ms)
		return "used in the future";
	if (atomic_load(&r->far_port) > UINT16_MAX || r->zero)
		return "a reserved word is not zero";
	atomic_store(&r->seq, high);
	atomic_store(&r->seq_not, ~high);
	return NULL;
}

/* The window's place follows from the judged copy, not from the slot. */
static const char *window_fault(struct sad_slot *s, const struct sad_slot_desc *t)
{
	uint32_t n = window_slots(t->replay_bytes);
	const uint8_t *at = n ? (const uint8_t *)(s + 1) : s->window;
	const struct replay *r = (const struct replay *)(const void *)at;

	if (!replay_valid(r, n ? (size_t)n * SAD_SLOT_SIZE : SAD_WINDOW_INLINE, t->replay_bytes))
		return "the window is damaged";
	return r->top > UINT32_MAX && !(t->flags & SA_F_ESN) ? "the window stands beyond any sequence number"
	                                                     : NULL;
}

enum sad_slot_verdict sad_slot_read(struct sad_slot *s, uint32_t index, uint32_t n_left, uint64_t now_ms,
    struct sa_desc *ret_desc, struct sad_slot_facts *ret_facts, const char **ret_why)
{
	struct sad_slot_desc t = s->d; /* judged on a copy: the memory may be mapped elsewhere */
	uint64_t commit = atomic_load_explicit(&s->commit, memory_order_acquire);
	struct sa_desc d;
	const char *why;
	enum sad_slot_verdict v = SAD_SLOT_BAD;

	if (commit == 0) {
		v = SAD_SLOT_EMPTY;
		goto out;
	}
	why = commit == slot_sum(&t, sizeof(t)) ? fixed_fault(&t, index, n_left, now_ms)
	                                        : "checksum does not fit";
	if (!why && !more_is_whole(s, &t))
		why = "the list of reqids is damaged";
	if (!why) {
		desc_of(&t, s, &d);
		if (sa_desc_check(&d, &why) == 0)
			why = window_fault(s, &t);
		if (!why)
			why = run_fault(&s->run, now_ms);
	}
	if (why) {
		*ret_why = why;
		goto out;
	}
	*ret_desc = d;
	*ret_facts = (struct sad_slot_facts){
	    .serial = t.serial,
	    .created_ms = t.created_ms,
	    .created_wall_ms = t.created_wall_ms,
	    .partner = t.partner ? t.serial - t.partner : 0,
	    .pid = t.pid,
	    .manual = t.manual,
	};
	v = SAD_SLOT_OK;
out:
	wipe(&t, sizeof(t));
	return v;
}

static uint64_t prints_checksum(const struct sad_prints *s)
{
	const uint32_t fixed[3] = {s->kind, s->version, s->index};

	return slot_sum(fixed, sizeof(fixed));
}

enum sad_slot_verdict sad_prints_read(struct sad_prints *s, uint32_t index)
{
	uint64_t commit = atomic_load_explicit(&s->commit, memory_order_acquire);

	if (commit == 0)
		return SAD_SLOT_EMPTY;
	if (commit != prints_checksum(s) || s->kind != SAD_KIND_PRINTS || s->version != SAD_SLOT_VERSION ||
	    s->index != index || atomic_load(&s->n) > SAD_PRINTS)
		return SAD_SLOT_BAD;
	return SAD_SLOT_OK;
}

void sad_prints_write(struct sad_prints *s, uint32_t index)
{
	sad_slot_clear((struct sad_slot *)(void *)s, 1);
	s->kind = SAD_KIND_PRINTS;
	s->version = SAD_SLOT_VERSION;
	s->index = index;
	atomic_store_explicit(&s->commit, prints_checksum(s), memory_order_release);
}
