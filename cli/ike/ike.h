/*
 * keyd's SAs for the verbs that show and direct them: rows as plain values, requests as functions. Protobuf
 * stays in ike_msg.c.
 */
#ifndef POSTERN_CLI_IKE_IKE_H
#define POSTERN_CLI_IKE_IKE_H

#include "base/err.h"
#include "cli/cli.h"
#include "ipc/sync.h"
#include "ipsec/ike_view.h"

/* Everything that keyd shows, in the order in which it is printed: by the peer's address, then by age. */
struct ike_rows {
	struct ike_sa_view *sa;
	struct ike_child_view *child;
	uint32_t n_sas, n_children;
	uint32_t sa_room, child_room;
};

void ike_rows_fini(struct ike_rows *r);
/* Adds a copy. 0 or -ENOMEM. */
must_check int ike_rows_add_sa(struct ike_rows *r, const struct ike_sa_view *v);
must_check int ike_rows_add_child(struct ike_rows *r, const struct ike_child_view *v);
void ike_rows_sort(struct ike_rows *r);
/* The IKE SA under which a child is shown: the newest with its peer, one that is up before others. NULL:
 * none. */
const struct ike_sa_view *ike_rows_parent(const struct ike_rows *r, const struct ike_child_view *k);
static inline void ike_rows_finip_(struct ike_rows *r)
{
	ike_rows_fini(r);
}
#define AUTO_IKE_ROWS __attribute__((cleanup(ike_rows_finip_)))

/* ike_msg.c. All: 0, or a negative errno with a sentence. */
must_check int ike_fetch(struct ipc_sync *keyd, struct ike_rows *ret, struct err_text *e);
must_check int ike_find(struct ipc_sync *keyd, const char *name, struct inet_addr *ret, struct err_text *e);
/* Waits until it is up, at most timeout_ms; 0: it is only begun. -ETIME: it is not yet; then `keyd` is no use
 * any more. */
must_check int ike_up(struct ipc_sync *keyd, const struct inet_addr *local, const struct inet_addr *remote,
    const struct policy *p, uint32_t timeout_ms, bool *ret_already, struct err_text *e);
must_check int ike_delete(struct ipc_sync *keyd, const struct ike_filter *f, uint32_t *ret_sas,
    uint32_t *ret_children, struct err_text *e);

/* open.c. Each writes the error line itself. */
int ike_open(struct cli *cli, struct ipc_sync **ret);
/* A word of the command line as a peer's address: numeric, or the name of a remote. */
int ike_peer_of(struct cli *cli, struct ipc_sync *keyd, const char *word, struct inet_addr *ret);

/* print.c: for people, 80 columns. `peer` INET_NONE: all. */
void ike_print(FILE *to, const struct ike_rows *r, const struct inet_addr *peer);
/* "9 h 59 min", "12 s": two units at most. Returns buf. */
enum { IKE_SPAN_MAX = 48 };
const char *ike_span(uint64_t ms, char buf[IKE_SPAN_MAX]);
/* "A[500]" */
enum { IKE_END_MAX = INET_ADDR_STRLEN + 8 };
const char *ike_end(const struct inet_addr *a, uint16_t port, char buf[IKE_END_MAX]);
/* "0123456789abcdef" */
enum { IKE_SPI_TEXT = 2 * IKE_VIEW_SPI_LEN + 1 };
const char *ike_spi(const uint8_t spi[IKE_VIEW_SPI_LEN], char buf[IKE_SPI_TEXT]);

/* bring_up.c: what `up` and racoonctl's establish-sa do. */
struct ike_wish {
	struct inet_addr local;      /* INET_NONE: the one that packets to the peer leave from */
	struct inet_addr remote;     /* INET_NONE: no IKE SA by itself, and the policies' own */
	bool only_sa;                /* without the SAs of policies */
	bool no_wait;                /* done when it is begun */
	const struct selector *only; /* of policies only the one with this selector; NULL: all */
	uint32_t timeout_ms;         /* for all of it */
};
/* An exit code. What came up is written to cli->out, what did not to cli->err. */
int ike_bring_up(struct cli *cli, const struct ike_wish *w);

#endif
