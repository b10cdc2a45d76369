/*
 * One end of a tunnel without sockets: SAD memory, SAD, SPD and both pipelines, for tests and fuzz targets of
 * datapathd. Two rigs make a wire: what one seals is copied into the other.
 */
#ifndef POSTERN_TESTS_PATH_RIG_H
#define POSTERN_TESTS_PATH_RIG_H

#include "base/rng.h"
#include "datapathd/sa/sad.h"
#include "datapathd/sa/txn.h"
#include "datapathd/stage/path.h"

struct path_rig {
	struct clock_fake clock;
	struct rng_seeded rng;
	struct epoch epoch;
	struct sad_store *store;
	struct sad sad;
	struct counters counters;
	struct acquire_ring acquires;
	struct spd_view *view;
	uint64_t generation;
	struct path path;
	struct batch batch;
};

/* Fails the test on any error. Without policies at first, `enabled`. */
void path_rig_init(struct path_rig *r);
void path_rig_fini(struct path_rig *r);

/* "10.0.0.1". */
struct inet_addr path_rig_addr(const char *text);
struct selector path_rig_selector(const char *src, const char *dst, uint16_t proto);

/* An SA with keys made from its SPI; mode any unless changed by the caller afterwards with
 * path_rig_add_desc(). */
struct sa_desc path_rig_desc(const char *src, const char *dst, enum ipsec_proto proto, uint32_t spi,
    enum ipsec_mode mode, enum alg_enc enc, enum alg_auth auth);
/* Adds by a transaction of its own. The SA, or NULL when refused (`e` may be NULL). */
struct sa *path_rig_add(struct path_rig *r, const struct sa_desc *d, struct err_text *e);
void path_rig_delete(struct path_rig *r, const struct sa_desc *d);

/* A policy without requests; add them with path_rig_request(). */
struct policy path_rig_policy(enum policy_dir dir, const struct selector *sel, enum policy_action action);
void path_rig_request(struct policy *p, enum ipsec_proto proto, enum ipsec_mode mode, enum policy_level level,
    const char *src, const char *dst);
/* Replaces the SPD. */
void path_rig_spd(struct path_rig *r, const struct policy *p, uint32_t n);

/* Empties the batch. */
void path_rig_clear(struct path_rig *r);
/* Appends a copy of a packet to the batch. */
struct pkt *path_rig_put(struct path_rig *r, const void *data, size_t len);
/* An IPv4 packet with `n` octets of UDP payload; returns its length. */
size_t path_rig_udp(uint8_t *buf, const char *src, const char *dst, uint16_t sport, uint16_t dport, size_t n);

void path_rig_out(struct path_rig *r);
void path_rig_in(struct path_rig *r);
/* Copies what `from` would send into an emptied `to`. How many. */
uint32_t path_rig_wire(const struct path_rig *from, struct path_rig *to);

uint64_t path_rig_kame(const struct path_rig *r, enum kame_counter k);
uint64_t path_rig_drops(const struct path_rig *r, enum drop_reason d);

#endif
