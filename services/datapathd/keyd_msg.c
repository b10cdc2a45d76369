/*
 * As in datapathd_msg.c: unpack with a cap, judge every field, let the message go. Key octets, and those of a
 * datagram, stay borrowed, so that they are copied once.
 */
#include "datapathd/keyd_msg.h"

#include <errno.h>

#include "datapathd/moved.h"
#include "datapathd/unknown_ring.h"
#include "ipc/model.h"

#include "datapathd_keyd.pb-c.h"
#include "policyd_datapathd.pb-c.h"

enum {
	CAP = 16 * 1024,
	CAP_IKE = IKE_LEN_MAX + 1024,
	GRANT_ALGS_MAX = 32, /* in one list */
};

#define AUTO_UNPACK AUTO(ipc_unpack_freep_)

static int unreadable(struct err_text *e)
{
	return err_set(e, -EBADMSG, "the request cannot be read");
}

static int proto_decode(uint32_t proto, enum ipsec_proto *ret, struct err_text *e)
{
	if (proto != IPSEC_ESP && proto != IPSEC_AH && proto != IPSEC_IPCOMP)
		return err_set(e, -EBADMSG, "an SA with protocol %u", proto);
	*ret = (enum ipsec_proto)proto;
	return 0;
}

static int pair_decode(const Postern__Addr *a, const Postern__Addr *b, struct inet_addr *ret_a,
    struct inet_addr *ret_b, struct err_text *e)
{
	int r = model_addr_decode(a, false, ret_a, e);

	if (r == 0)
		r = model_addr_decode(b, false, ret_b, e);
	if (r == 0 && ret_a->family != ret_b->family)
		return err_set(e, -EBADMSG, "two addresses that belong together are of two families");
	return r;
}

static int algs_decode(const uint32_t *alg, size_t n, alg_set *ret, struct err_text *e)
{
	alg_set set = 0;

	if (n > GRANT_ALGS_MAX)
		return err_set(e, -EBADMSG, "a grant with %zu algorithms", n);
	for (size_t i = 0; i < n; i++) {
		if (alg[i] >= ALG_SET_NUMBERS)
			return err_set(e, -EINVAL,
			    "the grant allows algorithm %u, which this datapathd does not know: are all "
			    "programs of "
			    "one release?",
			    alg[i]);
		set |= (alg_set)1 << alg[i];
	}
	*ret = set;
	return 0;
}

static int request_decode(const Postern__GrantRequest *m, struct grant_request *ret, struct err_text *e)
{
	int r = proto_decode(m->proto, &ret->proto, e);

	if (r == 0 && m->mode != IPSEC_TRANSPORT && m->mode != IPSEC_TUNNEL)
		r = err_set(e, -EBADMSG, "a grant with mode %u", m->mode);
	if (r == 0)
		r = algs_decode(m->enc, m->n_enc, &ret->enc, e);
	if (r == 0)
		r = algs_decode(m->auth, m->n_auth, &ret->auth, e);
	ret->mode = (enum ipsec_mode)m->mode;
	ret->reqid_out = m->reqid_out;
	ret->reqid_in = m->reqid_in;
	return r;
}

static int check_more(const uint32_t *more, size_t n, struct err_text *e)
{
	if (n > SA_MORE_MAX || !sa_reqids_rise(more, n))
		return err_set(e, -EBADMSG, "a grant for %zu further policies whose reqids do not rise", n);
	return 0;
}

static int count_more(const Postern__Grant *m, size_t *ret, struct err_text *e)
{
	int r = 0;

	*ret = 0;
	for (size_t i = 0; r == 0 && i < m->n_requests; i++) {
		const Postern__GrantRequest *q = m->requests[i];

		r = check_more(q->more_out, q->n_more_out, e);
		if (r == 0)
			r = check_more(q->more_in, q->n_more_in, e);
		*ret += q->n_more_out + q->n_more_in;
	}
	return r;
}

static const uint32_t *put_more(const uint32_t *more, size_t n, uint32_t **at)
{
	uint32_t *to = *at;

	if (n)
		memcpy(to, more, n * sizeof(more[0]));
	*at += n;
	return to;
}

static int copy_more(const Postern__Grant *m, struct grant *ret, struct err_text *e)
{
	uint32_t *at;
	size_t n;
	int r = count_more(m, &n, e);

	if (r < 0 || !n)
		return r;
	ret->more = at = calloc(n, sizeof(at[0]));
	if (!at)
		return err_set(e, -ENOMEM, "out of memory");
	for (size_t i = 0; i < m->n_requests; i++) {
		const Postern__GrantRequest *q = m->requests[i];

		ret->req[i].more_out = put_more(q->more_out, q->n_more_out, &at);
		ret->req[i].n_more_out = (uint16_t)q->n_more_out;
		ret->req[i].more_in = put_more(q->more_in, q->n_more_in, &at);
		ret->req[i].n_more_in = (uint16_t)q->n_more_in;
	}
	return 0;
}

int msg_grant_decode(const struct ipc_record *rec, struct grant *ret, struct err_text *e)
{
	AUTO_UNPACK ProtobufCMessage *m = ipc_unpack(&postern__grant__descriptor, rec, CAP);
	const Postern__Grant *g = (const Postern__Grant *)m;
	struct grant x = {0};
	int r;

	if (!g || !g->id || !g->n_requests || g->n_requests > POLICY_REQUESTS_MAX)
		return unreadable(e);
	x.id = g->id;
	x.out_id = g->out_id;
	x.expires_ms = g->expires_ms;
	r = pair_decode(g->local, g->remote, &x.local, &x.remote, e);
	for (size_t i = 0; r == 0 && i < g->n_requests; i++)
		r = request_decode(g->requests[i], &x.req[x.n_requests++], e);
	if (r == 0)
		r = copy_more(g, &x, e);
	if (r == 0)
		*ret = x;
	return r;
}

int msg_grant_gone_decode(const struct ipc_record *rec, uint64_t *ret_id, struct err_text *e)
{
	AUTO_UNPACK ProtobufCMessage *m = ipc_unpack(&postern__grant_gone__descriptor, rec, CAP);

	if (!m)
		return unreadable(e);
	*ret_id = ((const Postern__GrantGone *)m)->id;
	return 0;
}

int msg_spi_reserve_decode(const struct ipc_record *rec, struct granted_spi *ret, struct err_text *e)
{
	AUTO_UNPACK ProtobufCMessage *m = ipc_unpack(&postern__spi_reserve__descriptor, rec, CAP);
	const Postern__SpiReserve *s = (const Postern__SpiReserve *)m;
	struct granted_spi x = {0};
	int r;

	if (!s)
		return unreadable(e);
	x.grant = s->grant;
	r = pair_decode(s->src, s->dst, &x.src, &x.dst, e);
	if (r == 0)
		r = proto_decode(s->proto, &x.proto, e);
	if (r == 0)
		*ret = x;
	return r;
}

int msg_spi_release_decode(const struct ipc_record *rec, struct sa_ident *ret, struct err_text *e)
{
	AUTO_UNPACK ProtobufCMessage *m = ipc_unpack(&postern__spi_release__descriptor, rec, CAP);
	const Postern__SpiRelease *s = (const Postern__SpiRelease *)m;
	struct sa_ident x = {0};
	int r;

	if (!s)
		return unreadable(e);
	x.spi = s->spi;
	r = pair_decode(s->src, s->dst, &x.src, &x.dst, e);
	if (r == 0)
		r = proto_decode(s->proto, &x.proto, e);
	if (r == 0)
		*ret = x;
	return r;
}

int msg_sa_remove_decode(const struct ipc_record *rec, uint64_t *ret_serial, struct err_text *e)
{
	AUTO_UNPACK ProtobufCMessage *m = ipc_unpack(&postern__sa_remove__descriptor, rec, CAP);

	if (!m)
		return unreadable(e);
	*ret_serial = ((const Postern__SaRemove *)m)->serial;
	return 0;
}

/* A negotiated key was never used before: nobody has to vouch for that, as root does for a manual one. */
static void vouch(Postern__SaDesc *sa)
{
	const struct alg_enc_info *enc = alg_enc_by_id(sa->enc);
	const struct alg_auth_info *auth = alg_auth_by_id(sa->auth);

	sa->fresh_key = (enc && enc->counter) || (auth && auth->counter);
}

int msg_sa_install_decode(const struct ipc_record *rec, struct msg_sa_install *ret, struct err_text *e)
{
	AUTO_UNPACK ProtobufCMessage *m = ipc_unpack(&postern__sa_install__descriptor, rec, CAP);
	Postern__SaInstall *in = (Postern__SaInstall *)m;
	struct sa_desc d;
	int r;

	if (!in || !in->sa || (in->inbound && in->partner))
		return unreadable(e);
	vouch(in->sa);
	r = model_sa_decode(in->sa, false, &d, e);
	if (r < 0)
		return r;
	*ret = (struct msg_sa_install){.grant = in->grant,
	    .partner = in->partner,
	    .inbound = in->inbound,
	    .desc = d,
	    .held = take_ptr(m)};
	return 0;
}

void msg_sa_install_fini(struct msg_sa_install *m)
{
	if (m->held)
		ipc_unpack_free(m->held);
	m->held = NULL;
}

int msg_sa_ask_decode(const struct ipc_record *rec, struct msg_sa_ask *ret, struct err_text *e)
{
	AUTO_UNPACK ProtobufCMessage *u = ipc_unpack(&postern__sa_ask__descriptor, rec, CAP);
	const Postern__SaAsk *m = (const Postern__SaAsk *)u;

	if (!m || !m->n_serial || m->n_serial > MSG_SA_ASK_MAX)
		return unreadable(e);
	*ret = (struct msg_sa_ask){.n = m->n_serial};
	memcpy(ret->serial, m->serial, m->n_serial * sizeof(ret->serial[0]));
	return 0;
}

int msg_sa_asked_send(struct ipc_conn *c, uint32_t id, struct msg_sa_ask *m)
{
	Postern__SaAsked out = POSTERN__SA_ASKED__INIT;

	out.gone = m->gone;
	out.n_gone = m->n_gone;
	out.soft = m->soft;
	out.n_soft = m->n_soft;
	return ipc_conn_send(c, IPC_SA_ASKED, id, &out.base);
}

int msg_spi_reply_send(struct ipc_conn *c, uint32_t id, uint32_t spi)
{
	Postern__SpiReply m = POSTERN__SPI_REPLY__INIT;

	m.spi = spi;
	return ipc_conn_send(c, IPC_SPI_REPLY, id, &m.base);
}

int msg_sa_made_send(struct ipc_conn *c, uint32_t id, uint64_t serial)
{
	Postern__SaMade m = POSTERN__SA_MADE__INIT;

	m.serial = serial;
	return ipc_conn_send(c, IPC_SA_MADE, id, &m.base);
}

int msg_sa_expired_send(struct ipc_conn *c, uint64_t serial, const struct sa_desc *d, bool hard)
{
	Postern__SaExpired m = POSTERN__SA_EXPIRED__INIT;
	Postern__Addr src, dst;

	model_addr_encode(&d->src, &src);
	model_addr_encode(&d->dst, &dst);
	m.serial = serial;
	m.hard = hard;
	m.spi = d->spi;
	m.proto = d->proto;
	m.src = &src;
	m.dst = &dst;
	return ipc_conn_send(c, IPC_SA_EXPIRED, 0, &m.base);
}

int msg_spi_unknown_send(struct ipc_conn *c, const struct unknown_spi *u)
{
	Postern__SpiUnknown m = POSTERN__SPI_UNKNOWN__INIT;
	Postern__Addr src, dst;

	model_addr_encode(&u->src, &src);
	model_addr_encode(&u->dst, &dst);
	m.src = &src;
	m.dst = &dst;
	m.proto = u->proto;
	m.spi = u->spi;
	return ipc_conn_send(c, IPC_SPI_UNKNOWN, 0, &m.base);
}

int msg_moved_decode(const struct ipc_record *rec, struct msg_moved *ret, struct err_text *e)
{
	AUTO_UNPACK ProtobufCMessage *u = ipc_unpack(&postern__peer_moved__descriptor, rec, CAP);
	const Postern__PeerMoved *m = (const Postern__PeerMoved *)u;

	if (!m || !m->n_serial || m->n_serial > MSG_SA_ASK_MAX || !m->port || m->port > UINT16_MAX)
		return unreadable(e);
	*ret = (struct msg_moved){.n = m->n_serial, .port = (uint16_t)m->port};
	memcpy(ret->serial, m->serial, m->n_serial * sizeof(ret->serial[0]));
	return 0;
}

int msg_moved_send(struct ipc_conn *c, const struct moved *m)
{
	Postern__PeerMoved out = POSTERN__PEER_MOVED__INIT;
	uint64_t serial = m->serial;

	out.serial = &serial;
	out.n_serial = 1;
	out.port = m->port;
	return ipc_conn_send(c, IPC_PEER_MOVED, 0, &out.base);
}

int msg_ike_decode(const struct ipc_record *rec, struct msg_ike *ret, struct err_text *e)
{
	AUTO_UNPACK ProtobufCMessage *m = ipc_unpack(&postern__ike_datagram__descriptor, rec, CAP_IKE);
	const Postern__IkeDatagram *in = (const Postern__IkeDatagram *)m;
	struct msg_ike x = {0};
	int r;

	if (!in || !in->octets.len || in->octets.len > IKE_LEN_MAX || !in->remote_port ||
	    in->remote_port > UINT16_MAX)
		return unreadable(e);
	r = pair_decode(in->local, in->remote, &x.local, &x.remote, e);
	if (r < 0)
		return r;
	x.remote_port = (uint16_t)in->remote_port;
	x.octets = in->octets.data;
	x.n = in->octets.len;
	x.held = take_ptr(m);
	*ret = x;
	return 0;
}

void msg_ike_fini(struct msg_ike *m)
{
	if (m->held)
		ipc_unpack_free(m->held);
	m->held = NULL;
}

int msg_ike_send(struct ipc_conn *c, const struct msg_ike *m)
{
	Postern__IkeDatagram out = POSTERN__IKE_DATAGRAM__INIT;
	Postern__Addr local, remote;

	model_addr_encode(&m->local, &local);
	model_addr_encode(&m->remote, &remote);
	out.local = &local;
	out.remote = &remote;
	out.remote_port = m->remote_port;
	/* protobuf-c has no const; the octets are only read. */
	out.octets = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)m->octets, .len = m->n};
	return ipc_conn_send(c, IPC_IKE_DATAGRAM, 0, &out.base);
}
