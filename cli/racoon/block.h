/*
 * Numbers for the peers' blocks of a configuration: the same in the next load as long as a block, what its
 * files hold and what counts for all of them are the same. By them the services know what a load leaves as it
 * was. They are made under a key that nobody but root reads, so that they say nothing of what is in a block.
 */
#ifndef POSTERN_CLI_RACOON_BLOCK_H
#define POSTERN_CLI_RACOON_BLOCK_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/sbuf.h"
#include "ipsec/ike_conf.h"
#include "service/settings.h"

enum { BLOCK_PRINT_LEN = 32 };

struct block_key {
	uint8_t octets[32];
};

struct block_print {
	uint8_t octets[BLOCK_PRINT_LEN];
};

/* RUN_DIR/load.key; made if there is none. Without the one of before every block looks changed. 0, or -errno
 * with a sentence. */
must_check int block_key_get(const struct settings *s, struct block_key *ret, struct err_text *e);
/* What stands for these octets, or for those of a file (of none, for one that cannot be read). 0, or -errno.
 */
must_check int block_print_octets(
    const struct block_key *key, const void *p, size_t n, struct block_print *ret);
must_check int block_print_file(const struct block_key *key, const char *path, struct block_print *ret);
/* Numbers every peer. `secret`: what stands for each one's own pre-shared key; NULL: they have none in the
 * configuration itself. 0, or -errno with a sentence. */
must_check int blocks_number(
    const struct block_key *key, const struct block_print *secret, struct ike_conf *c, struct err_text *e);

/* block_msg.c: a peer, and what holds in general, as the services get it, without what only names or counts.
 */
void block_add_peer(struct sbuf *to, const struct ike_peer *p);
void block_add_general(struct sbuf *to, const struct ike_conf *c);

#endif
