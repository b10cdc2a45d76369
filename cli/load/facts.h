/*
 * What a configuration says of each connection, as texts in the words of postern.conf: to be written down,
 * and to say later what has become different.
 */
#ifndef POSTERN_CLI_LOAD_FACTS_H
#define POSTERN_CLI_LOAD_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/auto.h"
#include "base/sbuf.h"
#include "cli/racoon/block.h"

/* The fact whose mark is all of the block: it differs with each of the others. */
#define FACT_BLOCK "block"

/* All owned. `mark`: what stands for a file's contents or for a secret, "" for what is all in the value. */
struct fact {
	char *conn, *what, *value, *mark;
};

/* Those of one connection stand together. */
struct facts {
	struct fact *f;
	size_t n, room;
	bool bad; /* out of memory: some are missing */
};

void facts_add(struct facts *f, const char *conn, const char *what, const char *value, const char *mark);
void facts_fini(struct facts *f);

/* peer_facts.c: of all peers, and of what may be negotiated with them. `secret` as blocks_number() has it. 0
 * or -errno. */
must_check int facts_of_conf(const struct ike_conf *c, const struct block_key *key,
    const struct block_print *secret, struct facts *ret);

/* Told in the order of the new configuration, what is gone last. `was`, `is`: the fact; NULL: there is, or
 * was, none. For a connection as a whole both are NULL. */
enum fact_change { FACT_CONN_ADDED, FACT_CONN_CHANGED, FACT_CONN_REMOVED, FACT_DIFFERS };
typedef void (*facts_diff_fn)(
    void *arg, enum fact_change what, const char *conn, const struct fact *was, const struct fact *is);
/* 0 or -ENOMEM. FACT_CONN_CHANGED comes before the facts that differ. */
must_check int facts_diff(const struct facts *before, const struct facts *after, facts_diff_fn fn, void *arg);

#endif
