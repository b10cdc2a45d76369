/*
 * Who a peer has proved to be, and where it is. Behind a translator peers share an address, often the
 * identity of a group, and even a port: after it has forgotten its mappings one of them may get what another
 * one had, who is there for us until he is heard from elsewhere. So what belongs together, the IKE SAs with
 * one peer and the pairs that were made under them, hangs on one party and moves with it; a path alone says
 * only where to.
 */
#ifndef POSTERN_KEYD_CORE_PARTY_H
#define POSTERN_KEYD_CORE_PARTY_H

#include "keyd/core/core.h"
#include "keyd/core/octets.h"

enum {
	PARTY_USER_MAX = 128,
	PARTY_NAME_MAX = 3 + IKE_ID_DATA_MAX + PARTY_USER_MAX,
};

struct party {
	struct list node; /* who came last to where it is stands last */
	struct core *core;
	uint32_t refs;
	struct ike_path path; /* where it was heard last */
	struct octets name;   /* its identity and its user */
};

/* The one that has proved this identity, and by XAuth this user (empty: none was asked for), at this place:
 * whom we know there, else a new one. With a reference. NULL: no memory. */
must_check struct party *party_join(
    struct core *c, const struct ike_path *path, const struct ike_id *id, struct ike1_octets user);
/* The same by what an earlier life of this process has kept of `name`. */
must_check struct party *party_back(struct core *c, const struct ike_path *path, struct ike1_octets name);
struct party *party_ref(struct party *p);
/* NULL is fine. Returns NULL. */
struct party *party_unref(struct party *p);
/* Whether they are one peer, as far as anybody can tell: the only thing by which what one says, or does not
 * say, ends or changes anything. NULL is nobody: he has not proved who he is, or not yet who his user is. */
bool party_same(const struct party *a, const struct party *b);
/* The translator in front of it has given it another port: all that is its moves, and nothing else. */
void party_moved(struct party *p, uint16_t port);

#endif
