/*
 * The model of key exchange between its structs (lib/ipsec/ike_conf.h) and its messages. Decoders believe
 * nothing, as those of ipc/model.h.
 */
#ifndef POSTERN_IPC_MODEL_IKE_H
#define POSTERN_IPC_MODEL_IKE_H

#include "base/err.h"
#include "ipsec/ike_conf.h"

#include "ike_conf.pb-c.h"

/* Encoders borrow from the struct and fill storage that must outlive its use. */
struct model_ike_peer_pb {
	Postern__IkePeer m;
	Postern__Addr addr;
	uint32_t modes[IKE_MODES];
	Postern__IkeId my_id, peer_id[IKE_PEER_IDS_MAX], *peer_id_p[IKE_PEER_IDS_MAX];
	Postern__IkeOffer offer[IKE_OFFERS_MAX], *offer_p[IKE_OFFERS_MAX];
};
struct model_ike_child_pb {
	Postern__IkeChild m;
	Postern__IkeSide local, remote;
	Postern__Addr addr[4];
	Postern__IkeId from, id[2];
	Postern__IkeAlg enc[IKE_ALGS_MAX], *enc_p[IKE_ALGS_MAX], auth[IKE_ALGS_MAX], *auth_p[IKE_ALGS_MAX];
	uint32_t comp[IKE_ALGS_MAX];
};
struct model_ike_pool_pb {
	Postern__IkePool m;
	Postern__Addr network, mask, dns[3], *dns_p[3], wins[4], *wins_p[4];
	struct model_ike_nets_pb {
		Postern__Addr addr[IKE_SPLITS_MAX];
		Postern__Prefix net[IKE_SPLITS_MAX], *p[IKE_SPLITS_MAX];
	} include, local_lan;
};
struct model_ike_begin_pb {
	Postern__IkeLoadBegin m;
	Postern__IkeTimers timers;
	Postern__IkePadding padding;
	Postern__IkeListen listen[IKE_LISTEN_MAX], *listen_p[IKE_LISTEN_MAX];
	Postern__Addr addr[IKE_LISTEN_MAX];
	struct model_ike_pool_pb pool;
};

void model_ike_id_encode(const struct ike_id *id, Postern__IkeId *ret);
void model_ike_peer_encode(const struct ike_peer *p, struct model_ike_peer_pb *ret);
void model_ike_child_encode(const struct ike_child *k, struct model_ike_child_pb *ret);
void model_ike_pool_encode(const struct ike_pool *p, struct model_ike_pool_pb *ret);
/* Everything but peers and children. */
void model_ike_begin_encode(const struct ike_conf *c, struct model_ike_begin_pb *ret);

/* Whether it is one of enum alg_group, NONE not among them. */
bool model_ike_group_is_known(uint32_t id);

/* 0, or -EBADMSG with a reason. */
must_check int model_ike_id_decode(const Postern__IkeId *m, struct ike_id *ret, struct err_text *e);
/* Adds one to `c`; -ENOMEM likewise. Of certificates and scripts only whether there is one is known: `cert`,
 * `key`, `peer_cert`, `peer_key` and `script` are then empty texts. */
must_check int model_ike_peer_decode(const Postern__IkePeer *m, struct ike_conf *c, struct err_text *e);
must_check int model_ike_child_decode(const Postern__IkeChild *m, struct ike_conf *c, struct err_text *e);
must_check int model_ike_pool_decode(const Postern__IkePool *m, struct ike_pool *ret, struct err_text *e);
must_check int model_ike_begin_decode(const Postern__IkeLoadBegin *m, struct ike_conf *c, struct err_text *e);

#endif
