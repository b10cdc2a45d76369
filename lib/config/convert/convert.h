/*
 * From a racoon.conf and setkey's policies to a postern.conf. What the model has is written from the model,
 * so that reading it again gives the same; what was written and has no word here is told by its name.
 */
#ifndef POSTERN_CONFIG_CONVERT_CONVERT_H
#define POSTERN_CONFIG_CONVERT_CONVERT_H

#include "base/sbuf.h"
#include "config/racoon/tree.h"
#include "ipsec/ike_conf.h"
#include "ipsec/policy.h"

/* One policy as setkey's reader gave it. */
struct convert_policy {
	struct policy p;
	const char *file;
	uint32_t line;
	bool done; /* it is in what was written, or what became of it has been told */
};

struct convert_input {
	const struct ike_conf *ike; /* NULL: there is no racoon.conf */
	const struct rc_tree *tree; /* the same as it was written; NULL with it */
	struct convert_policy *policy;
	uint32_t n_policies;
};

enum convert_fate { CONVERT_APPROXIMATED = 1, CONVERT_DROPPED };
typedef void (*convert_say_fn)(
    void *arg, enum convert_fate fate, const char *file, uint32_t line, const char *text);

/* Writes the native file, and tells of everything that is not carried as it was. 0 or -ENOMEM. */
must_check int convert_write(struct convert_input *in, struct sbuf *to, convert_say_fn say, void *arg);

/* report.c: statements of the tree whose meaning has no word, whatever the model makes of them. */
void convert_report_tree(const struct convert_input *in, convert_say_fn say, void *arg);

/* peer.c: what stands in a connection in front of its children. `remote` of no family: any. False: there can
 * be no such connection, which was told. */
bool convert_write_peer(const struct convert_input *in, const struct ike_peer *p,
    const struct inet_addr *local, const struct inet_addr *remote, struct sbuf *to, convert_say_fn say,
    void *arg);
/* child.c: the block of a child; `p` NULL: for whoever comes. */
void convert_write_child(
    const struct ike_child *k, const struct policy *p, struct sbuf *to, convert_say_fn say, void *arg);
/* The word for a cipher of racoon.conf: a length that is not said is 128. NULL: there is none. */
const char *convert_cipher_word(enum alg_enc id, uint16_t bits);
/* Addresses, protocol and port of one side. */
void convert_write_side(struct sbuf *to, const struct inet_prefix *net, uint16_t proto, uint16_t port);

void convert_tell(convert_say_fn say, void *arg, enum convert_fate fate, const char *file, uint32_t line,
    const char *fmt, ...) __attribute__((format(printf, 6, 7)));

#endif
