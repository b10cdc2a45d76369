/*
 * An answer of another service, taken out of its record: what core_reply() is given, and what has to be given
 * back when nobody wants it any more.
 */
#ifndef POSTERN_KEYD_EDGES_ANSWER_H
#define POSTERN_KEYD_EDGES_ANSWER_H

#include "base/err.h"
#include "ipc/record.h"
#include "keyd/core/parked.h"

enum { ANSWER_CERTS_MAX = 10 };

/* What was asked. */
enum answer_kind {
	ANSWER_NONE = 0,
	ANSWER_KEYS,
	ANSWER_TOLD,
	ANSWER_TICKET,
	ANSWER_PROOF,
	ANSWER_BEGUN,
	ANSWER_POLICIES,
	ANSWER_GRANT,
	ANSWER_SPI,
	ANSWER_SERIAL,
	ANSWER_STATEMENT,
	ANSWER_MADE, /* policies, and `number` is that of the outbound one */
	ANSWER_USER,
	ANSWER_PASSWORD,
	ANSWER_HEARD, /* that, and nothing else */
	ANSWER_KINDS,
};

struct answer {
	struct core_reply reply; /* points into what follows */
	ProtobufCMessage *m;
	struct policy out, in;
	struct ike1_octets cert[ANSWER_CERTS_MAX];
	struct err_text why;
};

/* Always makes a reply, of a failure too: `result` is ipc_reply_fn's. End with answer_fini(). */
void answer_decode(enum answer_kind kind, int result, const struct ipc_record *rec, struct answer *ret);
/* Wipes and frees. */
void answer_fini(struct answer *a);

#endif
