/*
 * What certd does for keyd, request by request: every fact is judged again here.
 */
#ifndef POSTERN_CERTD_PROVE_H
#define POSTERN_CERTD_PROVE_H

#include "certd/creds.h"
#include "certd/session.h"
#include "inet/meter.h"

enum { PROVE_RATE = 10, PROVE_BURST = 40 }; /* computations a second for one address */

enum { LOGIN_RATE = 1, LOGIN_BURST = 10 }; /* passwords a second from one address */
enum {
	WRONG_PLACES = 1024,
	WRONG_BURST = 10,
	WRONG_REST_S = 30
}; /* of one user: so many at once, then rarely */

struct prover {
	struct creds *now, *before; /* NULL: nothing is loaded; the configuration that was loaded before */
	struct meter meter, logins;
	struct {
		uint32_t
		    n; /* wrong passwords that count against a user; one is forgotten every WRONG_REST_S */
		uint64_t since_ms;
	} wrong[WRONG_PLACES];
	struct ticket_key ticket_key;
};

/* Without keys. */
void prover_init(struct prover *p);

/* Each: 0, or -errno with a sentence. `id` NULL: the exchange has not told it yet. With 0 a notice may stand
 * in *e: the key is not the identity's. */
must_check int prove_skeyid(struct prover *p, const struct session *s, const struct ike_id *id,
    uint64_t now_ms, struct secret **ret, struct err_text *e);

/* The peer's hash under its pre-shared key. Octets of the ticket. */
struct prove_claim {
	struct facts facts;
	struct ike_id id;
	bool by_id;
	struct ike1_octets hash;
};
must_check int prove_verify(struct prover *p, const struct session *s, const struct prove_claim *c,
    uint64_t now_ms, uint8_t ret[TICKET_MAX], struct err_text *e);

/* *ret is borrowed until the next load. */
must_check int prove_local_id(
    struct prover *p, uint64_t generation, uint32_t peer, const struct own_key **ret, struct err_text *e);

/* Octets of our signature. */
must_check int prove_sign(struct prover *p, const struct session *s, const struct secret *skeyid,
    const struct facts *f, uint64_t now_ms, uint8_t ret[OWN_SIGNATURE_MAX], struct err_text *e);

/* Whether a peer's user is who he says (draft-beaulieu-ike-xauth-02). The ticket shows which peer it is, and
 * that it has shown itself; the answer is another one with the user in it. Octets of the ticket; -EACCES: no;
 * -EBUSY: too many have been tried; the sentence is for the log. */
struct prove_login {
	struct ike1_octets ticket, user;
	struct secret *password; /* owned by whoever made this */
};
must_check int prove_user(struct prover *p, const struct prove_login *l, uint64_t now_ms,
    uint8_t ret[TICKET_MAX], char ret_groups[USERS_GROUPS_MAX], struct err_text *e);

/* Our password for a server that has shown who it is by this ticket. */
must_check int prove_password(
    struct prover *p, struct ike1_octets ticket, uint64_t now_ms, struct secret **ret, struct err_text *e);

#endif
