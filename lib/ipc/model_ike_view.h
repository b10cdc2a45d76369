/*
 * What key exchange shows of itself (lib/ipsec/ike_view.h), and which of it is meant, as messages.
 */
#ifndef POSTERN_IPC_MODEL_IKE_VIEW_H
#define POSTERN_IPC_MODEL_IKE_VIEW_H

#include "base/err.h"
#include "ipc/model.h"
#include "ipsec/ike_view.h"

#include "keyd_admin.pb-c.h"

/* Encoders borrow from the struct and fill storage that must outlive its use. */
struct model_ike_sa_view_pb {
	Postern__IkeSaView m;
	Postern__Addr local, remote;
	Postern__IkeId local_id, remote_id;
};
struct model_ike_child_view_pb {
	Postern__IkeChildView m;
	Postern__Addr local, remote;
	struct model_selector_pb selector;
	Postern__IkePartView part[POLICY_REQUESTS_MAX], *part_p[POLICY_REQUESTS_MAX];
};
struct model_ike_filter_pb {
	Postern__IkeDelete m;
	Postern__Addr local, remote;
	struct model_selector_pb selector;
};

void model_ike_sa_view_encode(const struct ike_sa_view *v, struct model_ike_sa_view_pb *ret);
void model_ike_child_view_encode(const struct ike_child_view *v, struct model_ike_child_view_pb *ret);
void model_ike_filter_encode(const struct ike_filter *f, struct model_ike_filter_pb *ret);

/* 0, or -EBADMSG with a reason. Texts come printable. */
must_check int model_ike_sa_view_decode(
    const Postern__IkeSaView *m, struct ike_sa_view *ret, struct err_text *e);
must_check int model_ike_child_view_decode(
    const Postern__IkeChildView *m, struct ike_child_view *ret, struct err_text *e);
/* -EINVAL for one that means nothing. */
must_check int model_ike_filter_decode(
    const Postern__IkeDelete *m, struct ike_filter *ret, struct err_text *e);

#endif
