/*
 * What the core asks of each version of IKE. Which one a peer is spoken to with stands in the configuration.
 */
#ifndef POSTERN_KEYD_CORE_VERSIONS_H
#define POSTERN_KEYD_CORE_VERSIONS_H

#include "keyd/core/command.h"
#include "keyd/core/party.h"
#include "wire/ike/msg.h"

struct ike_version {
	/* A datagram whose header says this version; it has hdr->length octets. */
	void (*datagram)(
	    struct core *c, const struct ike_path *path, const struct ike_hdr *hdr, const uint8_t *d);
	/* A datagram of a version that is not there yet: the newest one answers. NULL: it does not. */
	void (*too_new)(struct core *c, const struct ike_path *path, const struct ike_hdr *hdr);
	/* Frees what has ended; nothing of it is on the stack. */
	void (*bury)(struct core *c);
	/* Every IKE SA ends, without a word. */
	void (*forget)(struct core *c);
	/* Every IKE SA ends and its peer is told; `why` for the log of those that were up, `undone` of those
	 * that were not (NULL: none). */
	void (*end_all)(struct core *c, const char *why, const char *undone);

	/* Another configuration is in force: every IKE SA whose peer has not changed goes over to it
	 * (carry_over_peer()), the others end, and their peers are told. */
	void (*carry_over)(struct core *c);

	/* A packet waits for a pair that this version is making or has just made, whoever began: it waits on.
	 * False: there is none. */
	bool (*join)(struct core *c, const struct core_acquire *a);
	/* Whether a pair is being made for this policy; NULL: not for those that are made for clients. */
	bool (*needs)(const struct core *c, uint32_t policy);
	/* It needs a pair, and the peer is of this version. */
	void (*acquire)(struct core *c, const struct core_acquire *a);
	/* An administrator's wish for an IKE SA, or for a policy's pair. 0, or -errno with *ret_why. */
	int (*wish)(struct core *c, uint32_t peer, const struct core_up *u, const char **ret_why);
	/* A peer sends into an SA that is not there; nobody but this version has to do with the peer. */
	void (*unknown_spi)(
	    struct core *c, const struct ike_path *path, enum ipsec_proto proto, uint32_t spi);
	/* Both sides may have begun at once: what there is twice with this peer ends but for one. NULL: it
	 * does by itself. False: some of it later, when this is called again. */
	bool (*end_twins)(struct core *c, const struct ike_path *path);
	/* A peer is behind another port: its IKE SAs follow (party_moved()). */
	void (*moved)(struct party *who, uint16_t port);

	/* Every IKE SA, each followed by what is being negotiated under it. */
	void (*show)(struct core *c, core_row_fn fn, void *arg);
	/* The IKE SA with a peer, or one on its way there; false: none. */
	bool (*sa_row)(struct core *c, const struct ike_path *path, uint32_t peer, struct ike_row_sa *ret);
	/* What this side negotiates for a policy; `waiting`: for its IKE SA. False: nothing. */
	bool (*making_row)(struct core *c, uint32_t policy, struct ike_row_child *ret, bool *ret_waiting);
	/* Begins another one in place of each IKE SA that fits and is up. How many are being renewed. */
	uint32_t (*renew)(struct core *c, const struct ike_row_filter *f);
	/* Ends the IKE SAs that fit, and tells the peers. Their number. */
	uint32_t (*end)(struct core *c, const struct ike_row_filter *f);
};

enum { IKE_VERSIONS = 2 };
extern const struct ike_version ike1_version, ike2_version;
extern const struct ike_version *const ike_versions[IKE_VERSIONS];
const struct ike_version *ike_version_of(const struct ike_peer *p);

/* Whether an IKE SA between these is one that the filter means. */
bool ike_sa_fits(
    const struct ike_row_filter *f, const struct ike_path *path, const uint8_t *spi_i, const uint8_t *spi_r);
/* Frees what has ended, and answers those who waited for what has happened: the end of every event. */
void core_settle(struct core *c);

#endif
