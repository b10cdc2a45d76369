/*
 * Layout, big endian: "PIKE", version u16, generation u64, sets of algorithms u32 each, number of children
 * u32, of peers u32, first and last address of the pool; per child its sets u32 each and for each side its
 * kind u8, first and last address, protocol u16, port u16; per peer its kind of generated policies u8,
 * whether it is asked for a user u8, its block's number u64, address, length of the name u16, name; then
 * "EKIP". An address: family u8, 16 octets, scope u32. Read as if a stranger had written it.
 */
#include "policyd/ike_file.h"

#include <errno.h>

#include "base/auto.h"
#include "base/rd.h"
#include "base/wr.h"
#include "policyd/state_file.h"

#define FILE_NAME "ike.snapshot"

enum {
	MAGIC = 0x50494b45,
	MAGIC_END = 0x454b4950,
	FORMAT = 3,
	HEAD_LEN = 72,
	PEER_LEN = 33,
	ADDR_LEN = 16,
	ADDR_ROW = 21,
	CHILD_LEN = 8 + 2 * 47
};
enum {
	FILE_MAX =
	    HEAD_LEN + 4 + IKE_PEERS_MAX * (PEER_LEN + IKE_CONF_TEXT_MAX) + IKE_CHILDREN_MAX * CHILD_LEN
};

static void put_addr(struct wr *w, const struct inet_addr *a)
{
	wr_u8(w, a->family);
	wr_bytes(w, a->b, ADDR_LEN);
	wr_u32(w, a->scope);
}

static void get_addr(struct rd *r, struct inet_addr *ret)
{
	uint8_t family = rd_u8(r), b[ADDR_LEN];
	struct inet_addr a = {0};

	rd_copy(r, b, sizeof(b));
	if (family != INET_NONE)
		a = inet_addr_from_bytes(b, family == INET_V4 ? 4 : sizeof(b));
	a.scope = rd_u32(r);
	if (a.family != family || (a.scope && family != INET_V6))
		rd_fail(r);
	*ret = a;
}

static void put_side(struct wr *w, const struct ike_view_side *s)
{
	wr_u8(w, (uint8_t)s->kind);
	put_addr(w, &s->first);
	put_addr(w, &s->last);
	wr_u16(w, s->proto);
	wr_u16(w, s->port);
}

static void get_side(struct rd *r, struct ike_view_side *ret)
{
	uint8_t kind = rd_u8(r);

	ret->kind = (enum ike_side_kind)kind;
	get_addr(r, &ret->first);
	get_addr(r, &ret->last);
	ret->proto = rd_u16(r);
	ret->port = rd_u16(r);
	if (kind == IKE_SIDE_NONE || kind > IKE_SIDE_NAME)
		rd_fail(r);
}

static void encode_child(struct sbuf *to, const struct ike_view_child *k)
{
	uint8_t row[CHILD_LEN];
	struct wr w = wr_init(row, sizeof(row));

	wr_u32(&w, k->enc);
	wr_u32(&w, k->auth);
	put_side(&w, &k->local);
	put_side(&w, &k->remote);
	sbuf_add_bytes(to, row, wr_len(&w));
}

static int decode_child(struct rd *r, struct ike_view *v)
{
	struct ike_view_child k = {.enc = rd_u32(r)};

	k.auth = rd_u32(r);
	get_side(r, &k.local);
	get_side(r, &k.remote);
	if (!rd_ok(r) || !ike_sets_known(k.enc, k.auth))
		return -EBADMSG;
	return ike_view_add_child(v, &k);
}

static void encode_peer(struct sbuf *to, const struct ike_view_peer *p)
{
	uint8_t row[PEER_LEN];
	struct wr w = wr_init(row, sizeof(row));
	size_t n = strlen(p->name);

	wr_u8(&w, (uint8_t)p->generate);
	wr_u8(&w, p->asks);
	wr_u64(&w, p->block);
	put_addr(&w, &p->addr);
	wr_u16(&w, (uint16_t)n);
	sbuf_add_bytes(to, row, wr_len(&w));
	sbuf_add_bytes(to, p->name, n);
}

int ike_file_save(const char *dir, const struct ike_view *v, struct err_text *e)
{
	AUTO_SBUF struct sbuf text = {0};
	uint8_t head[HEAD_LEN], end[4];
	struct wr w = wr_init(head, sizeof(head));

	wr_u32(&w, MAGIC);
	wr_u16(&w, FORMAT);
	wr_u64(&w, v->generation);
	wr_u32(&w, v->enc);
	wr_u32(&w, v->auth);
	wr_u32(&w, v->n_children);
	wr_u32(&w, v->n_peers);
	put_addr(&w, &v->pool_first);
	put_addr(&w, &v->pool_last);
	sbuf_add_bytes(&text, head, wr_len(&w));
	for (uint32_t i = 0; i < v->n_children; i++)
		encode_child(&text, &v->child[i]);
	for (uint32_t i = 0; i < v->n_peers; i++)
		encode_peer(&text, &v->peer[i]);
	w = wr_init(end, sizeof(end));
	wr_u32(&w, MAGIC_END);
	sbuf_add_bytes(&text, end, wr_len(&w));
	if (text.bad)
		return err_set(e, -ENOMEM, "out of memory");
	return state_file_replace(dir, FILE_NAME, &text, e);
}

static int decode_peer(struct rd *r, struct ike_view *v)
{
	char name[IKE_CONF_TEXT_MAX + 1] = {0};
	uint8_t generate = rd_u8(r), asks = rd_u8(r);
	uint64_t block = rd_u64(r);
	struct inet_addr addr;
	uint16_t n;
	int err;

	get_addr(r, &addr);
	n = rd_u16(r);
	if (!rd_ok(r) || generate > IKE_GENERATE_UNIQUE || asks > 1 || n > IKE_CONF_TEXT_MAX)
		return -EBADMSG;
	rd_copy(r, name, n);
	if (!rd_ok(r) || strlen(name) != n)
		return -EBADMSG;
	err = ike_view_add_peer(v, name, &addr, (enum ike_generate)generate, asks);
	if (err == 0)
		v->peer[v->n_peers - 1].block = block;
	return err;
}

int ike_file_decode(const uint8_t *buf, size_t n, struct ike_view **ret, struct err_text *e)
{
	AUTO_IKE_VIEW struct ike_view *v = NULL;
	struct rd r = rd_init(buf, n);
	uint32_t magic = rd_u32(&r), enc, auth, n_children, n_peers;
	uint16_t format = rd_u16(&r);
	uint64_t generation = rd_u64(&r);
	int err = 0;

	enc = rd_u32(&r);
	auth = rd_u32(&r);
	n_children = rd_u32(&r);
	n_peers = rd_u32(&r);
	if (!rd_ok(&r) || magic != MAGIC || format != FORMAT)
		return err_set(e, -EBADMSG, "it is no snapshot of this release");
	if (!generation || n_peers > IKE_PEERS_MAX || n_children > IKE_CHILDREN_MAX ||
	    !ike_sets_known(enc, auth))
		return err_set(e, -EBADMSG, "its head makes no sense");
	v = ike_view_new(n_peers, n_children);
	if (!v)
		return err_set(e, -ENOMEM, "out of memory");
	get_addr(&r, &v->pool_first);
	get_addr(&r, &v->pool_last);
	for (uint32_t i = 0; i < n_children; i++) {
		err = decode_child(&r, v);
		if (err < 0)
			return err_set(e, err, "child %u of %u makes no sense", i + 1, n_children);
	}
	for (uint32_t i = 0; i < n_peers; i++) {
		err = decode_peer(&r, v);
		if (err < 0)
			return err_set(e, err, "peer %u of %u makes no sense", i + 1, n_peers);
	}
	if (rd_u32(&r) != MAGIC_END || !rd_done(&r))
		return err_set(e, -EBADMSG, "its end is missing");
	err = ike_view_sort(v);
	if (err < 0)
		return err_set(e, err, "out of memory");
	v->generation = generation;
	v->enc = enc;
	v->auth = auth;
	*ret = take_ptr(v);
	return 0;
}

int ike_file_load(const char *dir, struct ike_view **ret, struct err_text *e)
{
	AUTO_SBUF struct sbuf text = {0};
	int r = state_file_read(dir, FILE_NAME, FILE_MAX, &text, e);

	if (r < 0)
		return r;
	r = ike_file_decode((const uint8_t *)sbuf_str(&text), text.len, ret, e);
	return r < 0 ? err_prefix(e, r, "cannot use %s/%s", dir, FILE_NAME) : 0;
}
