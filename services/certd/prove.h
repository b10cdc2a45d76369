/*
 * What certd does for keyd, request by request: an exchange is begun, has its keys made (version 1) or told
 * of (version 2), and then either side is proved. Every fact is judged again here.
 */
#ifndef POSTERN_CERTD_PROVE_H
#define POSTERN_CERTD_PROVE_H

#include "certd/creds.h"
#include "certd/exchange.h"
#include "inet/meter.h"
#include "ticket/statement.h"

enum {
	PROVE_RATE = 10, /* exchanges a second for one address, and at once */
	PROVE_BURST = 40,
	PROVE_STATEMENT_MS = 60 * 1000, /* certd-verify is asked next */
	PROVE_WORD_MAX = STATEMENT_MAX,
	/* of a proof: in version 2 a method, RFC 7427's length and algorithm, and a signature */
	PROVE_PROOF_MAX = 4 + 1 + 255 + OWN_SIGNATURE_MAX,
};

_Static_assert((int)TICKET_MAX <= (int)PROVE_WORD_MAX, "a word is a ticket or a statement");

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
	struct exchanges exchanges;
	struct ticket_key ticket_key;
};

/* Without keys. `rng` is borrowed. */
void prover_init(struct prover *p, struct rng *rng);
/* Ends all exchanges and lets go of all keys. */
void prover_fini(struct prover *p);

/* Each: 0 or octets, or -errno with a sentence. -ESTALE: it is not, or no more, known here. */

/* `s` without cookies. *ret_own is borrowed until the next load; NULL: we have no certificate for this peer.
 */
must_check int prove_begin(struct prover *p, const struct session *s, bool we_began, uint64_t now_ms,
    uint8_t ret_nonce[NONCE_LEN], const struct own_key **ret_own, struct err_text *e);

/* *ret has SKEYID_d, _a and _e and no SKEYID; end it with ike1_keys_fini(). With 0 a notice may stand in *e:
 * the pre-shared key is not the identity's. In base mode, when we began, `f->gxr` and `gxy` may be empty and
 * NULL: then 0 means that the facts are kept and *ret is empty, and the next call is for the keys, with the
 * nonce, `f->gxr` and `gxy` alone. */
must_check int prove_keys(struct prover *p, struct ike1_octets nonce, const struct exchange_facts *f,
    const struct secret *gxy, uint64_t now_ms, struct ike1_keys *ret, struct err_text *e);

/* The peer has said who it is, and that is for another block of its address: the exchange goes on under that
 * one, and its identity, key and expectations count from now on. Main mode alone, when we answer, between
 * the keys and the first proof. -EACCES: that block is not for this peer. *ret_own as above. */
must_check int prove_switch(struct prover *p, struct ike1_octets nonce, uint32_t to, uint64_t now_ms,
    const struct own_key **ret_own, struct err_text *e);

/* Version 2: what both have said so far. */
must_check int prove_tell(struct prover *p, struct ike1_octets nonce, const struct exchange_facts2 *f,
    uint64_t now_ms, struct err_text *e);

/* Our hash or signature over this body of our ID payload; in version 2 the body of our AUTH payload. */
must_check int prove_us(struct prover *p, struct ike1_octets nonce, struct ike1_octets id, uint64_t now_ms,
    uint8_t ret[PROVE_PROOF_MAX], struct err_text *e);

/* The peer's hash over this body of its ID payload, empty with signatures; in version 2 the body of its AUTH
 * payload. *ret is a ticket, or a statement for certd-verify. -EBADMSG: the proof is wrong; -EACCES: the
 * identity is not expected. */
must_check int prove_peer(struct prover *p, struct ike1_octets nonce, struct ike1_octets id,
    struct ike1_octets proof, uint64_t now_ms, bool *ret_is_ticket, uint8_t ret[PROVE_WORD_MAX],
    struct err_text *e);

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
