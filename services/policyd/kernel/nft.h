/*
 * libnftables: runs commands, reads back what policyd needs. One context for the life of the process.
 */
#ifndef POSTERN_POLICYD_KERNEL_NFT_H
#define POSTERN_POLICYD_KERNEL_NFT_H

#include <stdint.h>

#include "base/err.h"
#include "base/sbuf.h"

struct nft;

/* Before the sandbox: the library opens its socket and reads its name tables here. 0 or -errno with a
 * sentence. */
int nft_open(struct nft **ret, struct err_text *e);
struct nft *nft_close(struct nft *n);

/* Runs commands as one transaction. 0, or -errno with the library's complaint. */
int nft_run(struct nft *n, const char *commands, struct err_text *e);

/* nft's listing of a table without elements. 0; -ENOENT when there is none. */
int nft_list(struct nft *n, const char *table, struct sbuf *ret);

/* Packets of the table's named counters: values[i] belongs to names[i] (NULL behind the last), 0 when it is
 * not there. */
int nft_read_counters(struct nft *n, const char *table, const char *const *names, uint64_t *values);

#endif
