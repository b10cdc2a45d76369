/*
 * The messages of automatic keying as plain structs: grants from policyd, and keyd's edge. Decoders as in
 * datapathd_msg.h.
 */
#ifndef POSTERN_DATAPATHD_KEYD_MSG_H
#define POSTERN_DATAPATHD_KEYD_MSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "datapathd/grants.h"
#include "datapathd/ike_ring.h"
#include "datapathd/sa/granted.h"
#include "ipc/conn.h"
#include "ipc/record.h"

/* datapathd <- policyd. `more` of the result is the caller's. */
int must_check msg_grant_decode(const struct ipc_record *rec, struct grant *ret, struct err_text *e);
/* 0: all. */
int must_check msg_grant_gone_decode(const struct ipc_record *rec, uint64_t *ret_id, struct err_text *e);

/* datapathd <- keyd */
int must_check msg_spi_reserve_decode(
    const struct ipc_record *rec, struct granted_spi *ret, struct err_text *e);
int must_check msg_spi_release_decode(const struct ipc_record *rec, struct sa_ident *ret, struct err_text *e);
int must_check msg_sa_remove_decode(const struct ipc_record *rec, uint64_t *ret_serial, struct err_text *e);

/* The description borrows its keys from the message: msg_sa_install_fini() wipes them. */
struct msg_sa_install {
	uint64_t grant, partner;
	bool inbound;
	struct sa_desc desc;
	void *held;
};
int must_check msg_sa_install_decode(
    const struct ipc_record *rec, struct msg_sa_install *ret, struct err_text *e);
void msg_sa_install_fini(struct msg_sa_install *m);

/* keyd's question about its SAs, and the answer as it is made. */
enum { MSG_SA_ASK_MAX = 500 };
struct msg_sa_ask {
	size_t n, n_gone, n_soft;
	uint64_t serial[MSG_SA_ASK_MAX], gone[MSG_SA_ASK_MAX], soft[MSG_SA_ASK_MAX];
};
int must_check msg_sa_ask_decode(const struct ipc_record *rec, struct msg_sa_ask *ret, struct err_text *e);
int msg_sa_asked_send(struct ipc_conn *c, uint32_t id, struct msg_sa_ask *m);

int msg_spi_reply_send(struct ipc_conn *c, uint32_t id, uint32_t spi);
int msg_sa_made_send(struct ipc_conn *c, uint32_t id, uint64_t serial);
/* A peer whose port has changed: inbound SAs of its, as keyd names them; and the one that was heard. */
struct msg_moved {
	size_t n;
	uint64_t serial[MSG_SA_ASK_MAX];
	uint16_t port;
};
int must_check msg_moved_decode(const struct ipc_record *rec, struct msg_moved *ret, struct err_text *e);
struct moved;
int msg_moved_send(struct ipc_conn *c, const struct moved *m);
struct unknown_spi;
int msg_spi_unknown_send(struct ipc_conn *c, const struct unknown_spi *u);
int msg_sa_expired_send(struct ipc_conn *c, uint64_t serial, const struct sa_desc *d, bool hard);

/* A datagram of port 4500, without the marker. */
struct msg_ike {
	struct inet_addr local, remote;
	uint16_t remote_port;
	const uint8_t *octets; /* borrowed; of a decoded one until msg_ike_fini() */
	size_t n;
	void *held;
};
int must_check msg_ike_decode(const struct ipc_record *rec, struct msg_ike *ret, struct err_text *e);
void msg_ike_fini(struct msg_ike *m);
int msg_ike_send(struct ipc_conn *c, const struct msg_ike *m);

#endif
