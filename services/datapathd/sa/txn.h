/*
 * Changes to the SAD that are judged at once and applied together. Every change is a transaction, a single
 * statement being one of length one. Staged SAs wait in slots without commit word: nobody finds them, and a
 * successor of a killed process wipes them.
 */
#ifndef POSTERN_DATAPATHD_SA_TXN_H
#define POSTERN_DATAPATHD_SA_TXN_H

#include "base/err.h"
#include "datapathd/sa/sad.h"

/* An SA by what identifies it to setkey. */
struct sa_ident {
	struct inet_addr src, dst;
	enum ipsec_proto proto;
	uint32_t spi;
};

struct sad_txn {
	struct sad *sad;
	bool manual;         /* root's, as sad_txn_init() sets it; false: keyd's, whose keys are fresh ones */
	uint64_t partner;    /* of what is added (struct sad_slot_facts) */
	struct list staged;  /* struct sa, to be added */
	struct rhash by_spi; /* the same, for judging further statements */
	uint32_t n_doomed;   /* marks set; 0 spares a walk over the SAD */
};

int must_check sad_txn_init(struct sad_txn *t, struct sad *s);
/* Forgets what was not committed. */
void sad_txn_fini(struct sad_txn *t);

/* Stages a new SA, or with `update` one that replaces the SA of the same identity. `d` has passed
 * sa_desc_check(). 0; -EEXIST, -ENOENT, -ENOSPC ... with `e`. */
int must_check sad_txn_add(struct sad_txn *t, const struct sa_desc *d, bool update, uint32_t pid,
    uint64_t *ret_serial, struct err_text *e);
/* 0, or -ENOENT with `e`. */
int must_check sad_txn_delete(
    struct sad_txn *t, const struct sa_ident *id, uint64_t *ret_serial, struct err_text *e);
/* Every SA of src, dst and proto. 0, or -ENOENT with `e`. */
int must_check sad_txn_delete_all(
    struct sad_txn *t, const struct sa_ident *id, uint32_t *ret_n, struct err_text *e);
/* Every SA, or those of one protocol (0: all). */
void sad_txn_flush(struct sad_txn *t, uint32_t proto, uint32_t *ret_n);

/* Tells what a commit did. */
typedef void (*sad_changed_fn)(void *arg, const char *event, const struct sa *sa);

/* Additions first, then removals, so that an SPI that is replaced is never without an SA. 0; or nothing has
 * changed: -EEXIST when somebody else added the same identity meanwhile, -ENOSPC. The transaction is empty
 * afterwards. */
int must_check sad_txn_commit(struct sad_txn *t, sad_changed_fn fn, void *arg, struct err_text *e);

#endif
