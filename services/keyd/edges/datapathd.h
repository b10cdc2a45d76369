/*
 * Questions to datapathd, and what it says by itself. Results as those of ipc_client_request().
 */
#ifndef POSTERN_KEYD_EDGES_DATAPATHD_H
#define POSTERN_KEYD_EDGES_DATAPATHD_H

#include "ipc/client.h"
#include "keyd/core/core.h"

enum { DATAPATHD_DEADLINE_MS = 10000, DATAPATHD_ASK_MAX = 500 };
_Static_assert((int)CORE_MOVED_MAX <= (int)DATAPATHD_ASK_MAX, "no more serials than a record takes");

must_check int datapathd_ask_spi(struct ipc_client *c, uint64_t grant, const struct inet_addr *src,
    const struct inet_addr *dst, enum ipsec_proto proto, ipc_reply_fn fn, void *arg);
/* `partner`: as core_ports.install. */
must_check int datapathd_install(struct ipc_client *c, uint64_t grant, const struct sa_desc *sa,
    uint64_t partner, ipc_reply_fn fn, void *arg);
/* No answer is waited for: an SA that is not there any more is as good as removed. */
void datapathd_remove(struct ipc_client *c, uint64_t serial);
void datapathd_release(struct ipc_client *c, const struct inet_addr *src, const struct inet_addr *dst,
    enum ipsec_proto proto, uint32_t spi);
/* A datagram out of port 4500; the marker is put in front there. */
void datapathd_send(struct ipc_client *c, const struct ike_path *path, const uint8_t *d, size_t n);

/* The peer of these inbound SAs is behind this port now. No answer. */
void datapathd_moved(struct ipc_client *c, const uint64_t *serial, size_t n, uint16_t port);

/* Which of these SAs are gone, and which have passed their soft limit? At most DATAPATHD_ASK_MAX. */
must_check int datapathd_ask_sas(
    struct ipc_client *c, const uint64_t *serial, size_t n, ipc_reply_fn fn, void *arg);
/* The answer: calls fn for each, `hard`: it is gone. 0 or -EBADMSG. */
must_check int datapathd_sas_decode(
    const struct ipc_record *rec, void (*fn)(void *arg, uint64_t serial, bool hard), void *arg);

/* Events. 0 or -EBADMSG. */
must_check int datapathd_moved_decode(const struct ipc_record *rec, uint64_t *ret_serial, uint16_t *ret_port);
must_check int datapathd_expired_decode(const struct ipc_record *rec, uint64_t *ret_serial, bool *ret_hard);
must_check int datapathd_unknown_decode(const struct ipc_record *rec, struct inet_addr *ret_local,
    struct inet_addr *ret_remote, enum ipsec_proto *ret_proto, uint32_t *ret_spi);
/* Calls fn with the datagram. */
must_check int datapathd_datagram_decode(const struct ipc_record *rec,
    void (*fn)(void *arg, const struct ike_path *path, const uint8_t *d, size_t n), void *arg);

#endif
