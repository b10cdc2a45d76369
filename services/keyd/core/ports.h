/*
 * What the core needs of the world, and what the world must look like to it. In service the ports are IPC
 * clients and sockets; in tests a simulated wire and stupid models. Questions carry a number and are answered
 * later through core_reply(), never from inside the question; a port that cannot even ask returns -errno at
 * once. When core_reply() says that nobody waits any more, the port gives back what the answer was about: a
 * grant, an SPI, an SA.
 */
#ifndef POSTERN_KEYD_CORE_PORTS_H
#define POSTERN_KEYD_CORE_PORTS_H

#include <stdint.h>

#include "crypto/ike1.h"
#include "ipsec/ike_conf.h"
#include "ipsec/policy.h"
#include "ipsec/sa.h"

/* Where an exchange runs. Port 4500 means with the marker of RFC 3948 section 2.2, which is the port's work.
 */
struct ike_path {
	struct inet_addr local, remote;
	uint16_t local_port, remote_port;
};

/* Whether two paths lead to the same place. Behind a NAT clients share an address and have a port each; a
 * peer without one is at 500 at first and may go on at 4500. Who is there it does not say (party.h). */
static inline bool ike_path_same_place(const struct ike_path *a, const struct ike_path *b)
{
	bool plain = (a->remote_port == IKE_PORT || a->remote_port == IKE_PORT_NATT) &&
	             (b->remote_port == IKE_PORT || b->remote_port == IKE_PORT_NATT);

	return inet_addr_equal(&a->remote, &b->remote) && (plain || a->remote_port == b->remote_port);
}

/* Where translators change ports: at 4500. Whether it was elsewhere before. */
static inline bool ike_path_turn(struct ike_path *p, uint16_t port)
{
	if (p->local_port != IKE_PORT_NATT || p->remote_port == port)
		return false;
	p->remote_port = port;
	return true;
}

/* What certd is told once of an exchange of version 1, to make its keys (RFC 2409 section 5). Who begins base
 * mode has no `gxr` and no `gxy` before its proof is made: it says the rest first, and then all. */
struct ike1_told {
	struct ike1_octets nonce; /* ours, as certd made it: it names the exchange */
	struct ike1_octets peer_nonce;
	const uint8_t *icookie, *rcookie;
	enum ike_auth_method auth;
	enum alg_prf prf;
	enum alg_group group;
	struct ike1_octets gxi, gxr, sa;
	const struct secret *gxy;
	const struct ike_id *peer_id; /* NULL: not known yet */
	struct ike1_octets idi;       /* base mode: the initiator's ID payload, else empty */
};

enum { CORE_MOVED_MAX = 500 };

/* A peer's signature, and certd's statement of what it has to be over. */
struct ike1_signed {
	struct ike1_octets statement, signature;
	const struct ike1_octets *certs;
	uint32_t n_certs;
	struct ike1_octets public_key; /* as the peer sent it (RFC 7670); empty: it did not */
};

/* What certd is told once of an exchange of version 2, to make and judge AUTH payloads (RFC 7296 section
 * 2.15). */
struct ike2_told {
	struct ike1_octets nonce; /* ours, as certd made it: it names the exchange */
	struct ike1_octets peer_nonce;
	const uint8_t *spi_i, *spi_r;
	enum alg_prf prf;
	const struct secret *pi, *pr;            /* SK_pi, SK_pr */
	struct ike1_octets message_i, message_r; /* IKE_SA_INIT's two, as they were sent at last */
	unsigned peer_hashes; /* bits 1 << enum ike2_hash, as the peer says; 0: it does not */
};

/* A script of the configuration is wanted. Everything is borrowed for the call. */
struct core_hook {
	enum ike_hook hook;
	uint64_t generation;
	uint32_t peer; /* index in the configuration of that generation */
	const struct ike_path *path;
	struct ike1_octets id; /* the peer's, as it said it; a DN or an address as text; empty: not known */
	bool has_given;        /* by mode config; what is INET_NONE or empty was not */
	struct inet_addr address, netmask;
	const struct inet_addr *dns, *wins;
	const struct inet_prefix *include, *kept_out; /* networks behind the tunnel; that stay outside */
	uint8_t n_dns, n_wins, n_include, n_kept_out;
	struct ike1_octets domain;
};

/* Leave is wanted for one pair of SAs under these outbound policies. Borrowed for the call. */
struct core_grant {
	const uint8_t *ticket;
	size_t n_ticket;
	uint32_t policy;
	const uint32_t *more; /* further policies: rising, at most SA_MORE_MAX */
	size_t n_more;
	const struct ike_path *path;
};

struct core_ports {
	void *arg;
	void (*send)(void *arg, const struct ike_path *path, const uint8_t *datagram, size_t n);
	void (*log)(void *arg, int level, const char *event, const char *text); /* level: enum core_level */
	/* Whether lines of level debug are read by anybody; NULL: nobody does. */
	bool (*traces)(void *arg);

	/* certd, for one exchange in this order, the last two in either (base mode's initiator: keys without
	 * an answer, prove, keys, verify). `peer` is an index in the
	 * configuration of that generation. The answers: our nonce and, if we have one, our certificate;
	 * SKEYID_d, _a and _e; our hash or signature over the body of our ID payload; a ticket for the peer's
	 * hash over the body of its own, or a statement where that is signed (`hash` is then empty). Between
	 * keys and the first proof, in main mode when we answer, the exchange may go on under another block
	 * of the peer's address: the answer is begin's. */
	int (*ike1_begin)(void *arg, uint64_t token, uint64_t generation, uint32_t peer,
	    const struct inet_addr *peer_addr, bool we_began);
	int (*ike1_keys)(void *arg, uint64_t token, const struct ike1_told *t);
	int (*ike1_switch)(void *arg, uint64_t token, struct ike1_octets nonce, uint32_t peer);
	int (*ike1_prove)(void *arg, uint64_t token, struct ike1_octets nonce, struct ike1_octets id);
	int (*ike1_verify)(void *arg, uint64_t token, struct ike1_octets nonce, struct ike1_octets id,
	    struct ike1_octets hash);
	/* Whether this is a user's password: the answer has a ticket and `groups`. Our own password for a
	 * server: the answer has `secret`. */
	int (*xauth_check)(void *arg, uint64_t token, struct ike1_octets ticket, struct ike1_octets user,
	    struct ike1_octets password);
	int (*xauth_password)(void *arg, uint64_t token, struct ike1_octets ticket);
	/* certd-verify: the answer has a ticket. */
	int (*ike1_judge)(void *arg, uint64_t token, const struct ike1_signed *s);

	/* certd, version 2: begin as above; tell, answered by nothing, when both messages of IKE_SA_INIT are
	 * there; then prove and verify, once each, in either order. Identities are bodies of ID payloads,
	 * proofs bodies of AUTH payloads. prove answers with our own proof, verify with a ticket when the
	 * peer's is by a shared key, else with a statement, which goes with the proof (as `signature`) and
	 * certificates to certd-verify, who answers with a ticket. */
	int (*ike2_begin)(void *arg, uint64_t token, uint64_t generation, uint32_t peer,
	    const struct inet_addr *peer_addr, bool we_began);
	int (*ike2_tell)(void *arg, uint64_t token, const struct ike2_told *t);
	int (*ike2_prove)(void *arg, uint64_t token, struct ike1_octets nonce, struct ike1_octets id);
	int (*ike2_verify)(void *arg, uint64_t token, struct ike1_octets nonce, struct ike1_octets id,
	    struct ike1_octets proof);
	int (*ike2_judge)(void *arg, uint64_t token, const struct ike1_signed *s);

	/* policyd. match answers with `out` and `in`, grant with `number` and `expires_ms`. A path whose
	 * local end is 0.0.0.0 or :: does for a selector that is a policy's own. `within`: policies that
	 * protect a part of `out` between the path's ends will do as well. */
	int (*match)(
	    void *arg, uint64_t token, const struct selector *out, const struct ike_path *path, bool within);
	/* A policy for a client, and its partners in the other directions: the answer is match's. */
	int (*policy_make)(void *arg, uint64_t token, const uint8_t *ticket, size_t n_ticket,
	    const struct policy *out, const struct ike_path *path);
	/* Such a policy is not used any more. */
	void (*policy_drop)(void *arg, uint32_t policy_id);
	int (*grant)(void *arg, uint64_t token, const struct core_grant *g);
	/* Once for each time that it was given. */
	void (*grant_drop)(void *arg, uint64_t grant);
	void (*acquire_done)(void *arg, uint64_t seq, bool ok);

	/* datapathd. reserve answers with an SPI (grant 0: for a peer that has not proved itself yet, as
	 * version 2's first child wants it), install with a serial. `partner`: the serial of the inbound SA
	 * beside which this one is to send, 0: it is inbound itself. */
	int (*reserve)(void *arg, uint64_t token, uint64_t grant, const struct inet_addr *src,
	    const struct inet_addr *dst, enum ipsec_proto proto);
	void (*release)(void *arg, const struct inet_addr *src, const struct inet_addr *dst,
	    enum ipsec_proto proto, uint32_t spi);
	int (*install)(void *arg, uint64_t token, uint64_t grant, const struct sa_desc *sa, uint64_t partner);
	void (*remove)(void *arg, uint64_t serial);
	/* The peer of these inbound SAs, at most CORE_MOVED_MAX, is behind this port now: they and their
	 * partners follow. */
	void (*moved)(void *arg, const uint64_t *serial, size_t n, uint16_t port);

	/* hooks, asked for nothing. NULL: nobody runs scripts. */
	void (*hook)(void *arg, const struct core_hook *h);
};

#endif
