/*
 * Conversion between the plain model structs and their protobuf messages: the whole truth about how the model
 * travels. Decoders believe nothing: every enum, length and count is checked, and the result has passed
 * policy_check() or sa_desc_check().
 */
#ifndef POSTERN_IPC_MODEL_H
#define POSTERN_IPC_MODEL_H

#include <stdbool.h>

#include "base/err.h"
#include "ipsec/policy.h"
#include "ipsec/sa.h"

#include "model.pb-c.h"

/* Encoders fill `ret` and storage that must outlive its use; nothing is allocated. */
struct model_addr_pb {
	Postern__Addr m;
};
struct model_selector_pb {
	Postern__Selector m;
	Postern__Prefix src, dst;
	Postern__Addr src_addr, dst_addr;
};
struct model_policy_pb {
	Postern__Policy m;
	struct model_selector_pb sel;
	Postern__PolicyRequest req[POLICY_REQUESTS_MAX], *req_p[POLICY_REQUESTS_MAX];
	Postern__Addr req_src[POLICY_REQUESTS_MAX], req_dst[POLICY_REQUESTS_MAX];
};
struct model_sa_pb {
	Postern__SaDesc m;
	Postern__Addr src, dst, nat_oa;
	Postern__Lifetime life;
	Postern__Encap encap;
};

/* All borrow from the struct they encode. */
void model_addr_encode(const struct inet_addr *a, Postern__Addr *ret);
void model_prefix_encode(const struct inet_prefix *p, Postern__Addr *addr, Postern__Prefix *ret);
void model_selector_encode(const struct selector *s, struct model_selector_pb *ret);
void model_policy_encode(const struct policy *p, struct model_policy_pb *ret);
void model_sa_encode(const struct sa_desc *d, bool with_keys, struct model_sa_pb *ret);
void model_sa_status_encode(const struct sa_status *s, Postern__SaStatus *ret);

/*
 * 0; -EBADMSG for what cannot be a model struct at all; -EINVAL or -EOPNOTSUPP for one that policy_check() or
 * sa_desc_check() refuses (an answer to give rather than a connection to end); always with a reason in `e`.
 * `m` may be NULL (field absent): refused, except where `optional` says so.
 */
int model_addr_decode(const Postern__Addr *m, bool optional, struct inet_addr *ret, struct err_text *e);
int model_prefix_decode(const Postern__Prefix *m, struct inet_prefix *ret, struct err_text *e);
int model_selector_decode(const Postern__Selector *m, struct selector *ret, struct err_text *e);
int model_policy_decode(const Postern__Policy *m, struct policy *ret, struct err_text *e);
/* Key pointers of the result borrow from `m`. Rows of a dump may come without keys (`keys_optional`):
 * pointers NULL, lengths set; a row without any algorithm is a larval SA. Otherwise a key is there with all
 * its octets. */
int model_sa_decode(const Postern__SaDesc *m, bool keys_optional, struct sa_desc *ret, struct err_text *e);
int model_sa_status_decode(const Postern__SaStatus *m, struct sa_status *ret, struct err_text *e);

#endif
