/*
 * The edge to datapathd, the only one that negotiated keys cross.
 */
#include <errno.h>

#include "ipc/model.h"
#include "ipc/types.h"
#include "keyd/edges/datapathd.h"

#include "datapathd_keyd.pb-c.h"

enum { CAP = 128 << 10, DATAGRAM_MAX = 60000 };

int datapathd_ask_spi(struct ipc_client *c, uint64_t grant, const struct inet_addr *src,
    const struct inet_addr *dst, enum ipsec_proto proto, ipc_reply_fn fn, void *arg)
{
	Postern__SpiReserve m = POSTERN__SPI_RESERVE__INIT;
	Postern__Addr s, d;

	model_addr_encode(src, &s);
	model_addr_encode(dst, &d);
	m.grant = grant;
	m.src = &s;
	m.dst = &d;
	m.proto = proto;
	return ipc_client_request(c, IPC_SPI_RESERVE, &m.base, DATAPATHD_DEADLINE_MS, fn, arg);
}

int datapathd_install(struct ipc_client *c, uint64_t grant, const struct sa_desc *sa, uint64_t partner,
    ipc_reply_fn fn, void *arg)
{
	Postern__SaInstall m = POSTERN__SA_INSTALL__INIT;
	struct model_sa_pb x;

	model_sa_encode(sa, true, &x);
	m.grant = grant;
	m.sa = &x.m;
	m.inbound = !partner;
	m.partner = partner;
	return ipc_client_request(c, IPC_SA_INSTALL, &m.base, DATAPATHD_DEADLINE_MS, fn, arg);
}

static void ignore_answer(struct ipc_client *c, int result, const struct ipc_record *rec, void *arg)
{
}

void datapathd_remove(struct ipc_client *c, uint64_t serial)
{
	Postern__SaRemove m = POSTERN__SA_REMOVE__INIT;

	m.serial = serial;
	(void)!ipc_client_request(c, IPC_SA_REMOVE, &m.base, DATAPATHD_DEADLINE_MS, ignore_answer, NULL);
}

void datapathd_release(struct ipc_client *c, const struct inet_addr *src, const struct inet_addr *dst,
    enum ipsec_proto proto, uint32_t spi)
{
	Postern__SpiRelease m = POSTERN__SPI_RELEASE__INIT;
	Postern__Addr s, d;

	model_addr_encode(src, &s);
	model_addr_encode(dst, &d);
	m.src = &s;
	m.dst = &d;
	m.proto = proto;
	m.spi = spi;
	(void)ipc_client_send_row(c, IPC_SPI_RELEASE, 0, &m.base);
}

void datapathd_send(struct ipc_client *c, const struct ike_path *path, const uint8_t *d, size_t n)
{
	Postern__IkeDatagram m = POSTERN__IKE_DATAGRAM__INIT;
	Postern__Addr local, remote;

	model_addr_encode(&path->local, &local);
	model_addr_encode(&path->remote, &remote);
	m.local = &local;
	m.remote = &remote;
	m.remote_port = path->remote_port;
	m.octets = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)d, .len = n};
	(void)ipc_client_send_row(c, IPC_IKE_DATAGRAM, 0, &m.base);
}

void datapathd_moved(struct ipc_client *c, const uint64_t *serial, size_t n, uint16_t port)
{
	Postern__PeerMoved m = POSTERN__PEER_MOVED__INIT;

	/* protobuf-c has no const; the numbers are only read. */
	m.serial = (uint64_t *)(uintptr_t)serial;
	m.n_serial = n;
	m.port = port;
	(void)ipc_client_send_row(c, IPC_PEER_MOVED, 0, &m.base);
}

int datapathd_ask_sas(struct ipc_client *c, const uint64_t *serial, size_t n, ipc_reply_fn fn, void *arg)
{
	Postern__SaAsk m = POSTERN__SA_ASK__INIT;

	/* protobuf-c has no const; the numbers are only read. */
	m.serial = (uint64_t *)(uintptr_t)serial;
	m.n_serial = n;
	return ipc_client_request(c, IPC_SA_ASK, &m.base, DATAPATHD_DEADLINE_MS, fn, arg);
}

int datapathd_sas_decode(
    const struct ipc_record *rec, void (*fn)(void *arg, uint64_t serial, bool hard), void *arg)
{
	AUTO(ipc_unpack_freep_) ProtobufCMessage *u = NULL;
	const Postern__SaAsked *m;

	if (rec->type != IPC_SA_ASKED)
		return -EBADMSG;
	u = ipc_unpack(&postern__sa_asked__descriptor, rec, CAP);
	m = (const Postern__SaAsked *)u;
	if (!m || m->n_gone > DATAPATHD_ASK_MAX || m->n_soft > DATAPATHD_ASK_MAX)
		return -EBADMSG;
	for (size_t i = 0; i < m->n_gone; i++)
		fn(arg, m->gone[i], true);
	for (size_t i = 0; i < m->n_soft; i++)
		fn(arg, m->soft[i], false);
	return 0;
}

int datapathd_moved_decode(const struct ipc_record *rec, uint64_t *ret_serial, uint16_t *ret_port)
{
	AUTO(ipc_unpack_freep_) ProtobufCMessage *u = ipc_unpack(&postern__peer_moved__descriptor, rec, CAP);
	const Postern__PeerMoved *m = (const Postern__PeerMoved *)u;

	if (!m || m->n_serial != 1 || !m->serial[0] || !m->port || m->port > UINT16_MAX)
		return -EBADMSG;
	*ret_serial = m->serial[0];
	*ret_port = (uint16_t)m->port;
	return 0;
}

int datapathd_expired_decode(const struct ipc_record *rec, uint64_t *ret_serial, bool *ret_hard)
{
	AUTO(ipc_unpack_freep_) ProtobufCMessage *u = ipc_unpack(&postern__sa_expired__descriptor, rec, CAP);
	const Postern__SaExpired *m = (const Postern__SaExpired *)u;

	if (!m || !m->serial)
		return -EBADMSG;
	*ret_serial = m->serial;
	*ret_hard = m->hard;
	return 0;
}

int datapathd_unknown_decode(const struct ipc_record *rec, struct inet_addr *ret_local,
    struct inet_addr *ret_remote, enum ipsec_proto *ret_proto, uint32_t *ret_spi)
{
	AUTO(ipc_unpack_freep_) ProtobufCMessage *u = ipc_unpack(&postern__spi_unknown__descriptor, rec, CAP);
	const Postern__SpiUnknown *m = (const Postern__SpiUnknown *)u;
	struct err_text e;

	if (!m || (m->proto != IPSEC_ESP && m->proto != IPSEC_AH && m->proto != IPSEC_IPCOMP) ||
	    model_addr_decode(m->dst, false, ret_local, &e) < 0 ||
	    model_addr_decode(m->src, false, ret_remote, &e) < 0)
		return -EBADMSG;
	*ret_proto = m->proto;
	*ret_spi = m->spi;
	return 0;
}

int datapathd_datagram_decode(const struct ipc_record *rec,
    void (*fn)(void *arg, const struct ike_path *path, const uint8_t *d, size_t n), void *arg)
{
	AUTO(ipc_unpack_freep_)
	ProtobufCMessage *u = ipc_unpack(&postern__ike_datagram__descriptor, rec, CAP);
	const Postern__IkeDatagram *m = (const Postern__IkeDatagram *)u;
	struct ike_path path = {.local_port = IKE_PORT_NATT};
	struct err_text e;

	if (!m || m->remote_port > UINT16_MAX || m->octets.len > DATAGRAM_MAX ||
	    model_addr_decode(m->local, false, &path.local, &e) < 0 ||
	    model_addr_decode(m->remote, false, &path.remote, &e) < 0)
		return -EBADMSG;
	path.remote_port = (uint16_t)m->remote_port;
	fn(arg, &path, m->octets.data, m->octets.len);
	return 0;
}
