/*
 * Private keys that a passphrase has opened, in clear in memory that the launcher keeps for a restart of
 * certd: nobody is asked again, and the passphrase itself is kept nowhere.
 */
#ifndef POSTERN_CERTD_KEPT_KEYS_H
#define POSTERN_CERTD_KEPT_KEYS_H

#include "certd/creds.h"
#include "secret/region.h"

enum { KEPT_KEYS_MAX = 256 << 10 /* octets of one configuration's */ };

/* A region with the keys of the first `n_peers` blocks that were unlocked; SECRET_REGION_INIT when there is
 * none. 0; -EFBIG: too many; -errno; with a sentence. */
must_check int kept_keys_make(
    const struct creds *c, uint32_t n_peers, struct secret_region *ret, struct err_text *e);
/* The key of a peer's block in such memory, which is believed nothing: borrowed. 0; -ENOENT; -EBADMSG: it is
 * no such memory. */
must_check int kept_keys_find(const uint8_t *p, size_t n, uint32_t peer, struct ike1_octets *ret);

#endif
