/*
 * libnftables takes text; every text given to it is made in compile/ from numbers and checked names. The
 * context is kept, because making one opens sockets and files that the sandbox no longer allows.
 */
#include "policyd/kernel/nft.h"

#include <errno.h>
#include <nftables/libnftables.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"

struct nft {
	struct nft_ctx *ctx;
};

int nft_open(struct nft **ret, struct err_text *e)
{
	AUTO_FREE struct nft *n = calloc(1, sizeof(*n));

	if (!n)
		return -ENOMEM;
	n->ctx = nft_ctx_new(NFT_CTX_DEFAULT);
	if (!n->ctx || nft_ctx_buffer_output(n->ctx) || nft_ctx_buffer_error(n->ctx)) {
		nft_close(take_ptr(n));
		return err_set(e, -ENOMEM, "libnftables does not start");
	}
	/* Numbers only: names would be looked up in files. */
	nft_ctx_output_set_flags(n->ctx, NFT_CTX_OUTPUT_NUMERIC_ALL | NFT_CTX_OUTPUT_TERSE);
	*ret = take_ptr(n);
	return 0;
}

struct nft *nft_close(struct nft *n)
{
	if (n && n->ctx)
		nft_ctx_free(n->ctx);
	free(n);
	return NULL;
}

/* "Error: Could not process rule: Operation not supported" and the like: its first line, and the errno it
 * names. */
static int complaint(const char *text, struct err_text *e)
{
	static const int known[] = {ENOENT, EEXIST, EOPNOTSUPP, EPERM, EBUSY, ENOMEM, EINVAL, ENOBUFS,
	    EMSGSIZE, EAFNOSUPPORT, EPROTONOSUPPORT};
	size_t n = strcspn(text, "\n");
	int code = -EIO;

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (memmem(text, n, strerror(known[i]), strlen(strerror(known[i]))))
			code = -known[i];
	return err_set(
	    e, code, "nftables: %.*s", (int)(n > 300 ? 300 : n), n ? text : "refused without a word");
}

int nft_run(struct nft *n, const char *commands, struct err_text *e)
{
	int r;

	if (!*commands)
		return 0;
	r = nft_run_cmd_from_buffer(n->ctx, commands);
	if (r)
		r = complaint(nft_ctx_get_error_buffer(n->ctx), e);
	else
		(void)nft_ctx_get_error_buffer(n->ctx);
	(void)nft_ctx_get_output_buffer(n->ctx);
	return r;
}

static int run_listing(struct nft *n, const char *command, struct sbuf *ret)
{
	struct err_text e;
	const char *out;

	if (nft_run_cmd_from_buffer(n->ctx, command))
		return complaint(nft_ctx_get_error_buffer(n->ctx), &e);
	out = nft_ctx_get_output_buffer(n->ctx);
	sbuf_add_bytes(ret, out, strlen(out));
	return ret->bad ? -ENOMEM : 0;
}

int nft_list(struct nft *n, const char *table, struct sbuf *ret)
{
	char command[96];

	snprintf(command, sizeof(command), "list table inet %s", table);
	return run_listing(n, command, ret);
}

/* In a listing "counter NAME {\n\t\tpackets N bytes M". */
static uint64_t counter_in(const char *listing, const char *name)
{
	char head[64];
	const char *at;
	unsigned long long packets = 0;

	snprintf(head, sizeof(head), "counter %s {", name);
	at = strstr(listing, head);
	if (!at || sscanf(at + strlen(head), " packets %llu", &packets) != 1)
		return 0;
	return packets;
}

int nft_read_counters(struct nft *n, const char *table, const char *const *names, uint64_t *values)
{
	AUTO_SBUF struct sbuf listing = {0};
	char command[96];
	int r;

	snprintf(command, sizeof(command), "list counters table inet %s", table);
	r = run_listing(n, command, &listing);
	for (int i = 0; r == 0 && names[i]; i++)
		values[i] = counter_in(sbuf_str(&listing), names[i]);
	return r;
}
