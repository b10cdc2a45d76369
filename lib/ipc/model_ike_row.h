/*
 * Rows of key exchange (lib/ipsec/ike_row.h) and what is asked of it, between structs and messages. Decoders
 * believe nothing, as those of ipc/model.h.
 */
#ifndef POSTERN_IPC_MODEL_IKE_ROW_H
#define POSTERN_IPC_MODEL_IKE_ROW_H

#include "base/err.h"
#include "ipc/model.h"
#include "ipsec/ike_row.h"

#include "keyd_admin.pb-c.h"

/* Borrows from the row; must outlive the message's use. */
struct model_ike_row_pb {
	Postern__IkeRow m;
	Postern__IkeSa sa;
	Postern__IkeChildSa child;
	Postern__IkeKept kept;
	Postern__IkeAlso also;
	Postern__Addr local, remote;
	Postern__IkeId peer_id;
	struct model_selector_pb sel;
	Postern__IkeChildPart part[POLICY_REQUESTS_MAX], *part_p[POLICY_REQUESTS_MAX];
};
void model_ike_row_encode(const struct ike_row *r, struct model_ike_row_pb *ret);

/* What one message holds, for a reader; `row` points into it. Texts are cleaned for a terminal. */
enum { MODEL_IKE_TEXT_MAX = 256 };
struct model_ike_row {
	struct ike_row row;
	struct ike_row_sa sa;
	struct ike_row_child child;
	struct ike_row_kept kept;
	struct ike_row_also also;
	char name[MODEL_IKE_TEXT_MAX], detail[MODEL_IKE_TEXT_MAX];
};
/* 0 (a last, empty row has no member); -EBADMSG with a reason. */
must_check int model_ike_row_decode(const Postern__IkeRow *m, struct model_ike_row *ret, struct err_text *e);

struct model_ike_end_pb {
	Postern__IkeEnd m;
	Postern__Addr local, remote;
	struct model_selector_pb sel;
};
void model_ike_end_encode(const struct ike_row_filter *f, struct model_ike_end_pb *ret);
must_check int model_ike_end_decode(const Postern__IkeEnd *m, struct ike_row_filter *ret, struct err_text *e);

#endif
