/*
 * What keyd may do to the SAD: reserve SPIs, install SAs and take them away, all of it under grants of
 * policyd and none of it with what root has added. keyd is believed in nothing but the keys.
 */
#ifndef POSTERN_DATAPATHD_SA_GRANTED_H
#define POSTERN_DATAPATHD_SA_GRANTED_H

#include "base/rng.h"
#include "datapathd/grants.h"
#include "datapathd/sa/txn.h"

enum { GRANTED_WINDOW_MAX = 4096 /* packets */ };

/* Who asks. What he has reserved is known by `holder` and ends with it. */
struct granted_by {
	const void *holder; /* not NULL */
	uint32_t pid;
};

struct granted_spi {
	uint64_t grant;            /* 0: none is there yet */
	struct inet_addr src, dst; /* of the SA: from the peer to this host */
	enum ipsec_proto proto;
};
/* 0 with an SPI that is nobody else's until LARVA_HELD_LIFE_MS; -EACCES, -ENOSPC with `e`. */
int must_check granted_reserve(struct sad *s, const struct grants *g, const struct granted_by *by,
    const struct granted_spi *want, struct rng *rng, uint32_t *ret_spi, struct err_text *e);
/* False when this holder has not reserved it, or not any more. */
bool granted_release(struct sad *s, const struct granted_by *by, const struct sa_ident *id);
/* The holder is gone: so is what it reserved. Its SAs stay. */
void granted_holder_gone(struct sad *s, const void *holder);

struct granted_sa {
	uint64_t grant;
	bool inbound;
	uint64_t
	    partner; /* as in struct sad_slot_facts: keyd's word, that what moves the one moves the other */
	const struct sa_desc *desc; /* has passed sa_desc_check() */
};
/* `fn` hears of the SA. 0 with its serial; -EACCES for what the grant does not allow, or as sad_txn_add(),
 * with `e`. */
int must_check granted_install(struct sad *s, const struct grants *g, const struct granted_by *by,
    const struct granted_sa *sa, sad_changed_fn fn, void *arg, uint64_t *ret_serial, struct err_text *e);
/* 0; -ENOENT, -EACCES with `e`. */
int must_check granted_remove(
    struct sad *s, uint64_t serial, sad_changed_fn fn, void *arg, struct err_text *e);

#endif
