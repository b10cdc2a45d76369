/*
 * keyd's SAs for the command line: asked for, printed, begun and ended.
 */
#ifndef POSTERN_CLI_IKE_IKE_H
#define POSTERN_CLI_IKE_IKE_H

#include "cli/cli.h"
#include "cli/rows.h"
#include "ipsec/ike_row.h"

/* ask_msg.c. All: 0, or -errno with a sentence. Rows and their texts are borrowed during the call. */
typedef int (*ike_row_fn)(void *arg, const struct ike_row *row);
must_check int ike_each_row(struct ipc_sync *keyd, ike_row_fn fn, void *arg, struct err_text *e);
/* Where the remote of this name is; INET_NONE: anywhere. */
must_check int ike_find(struct ipc_sync *keyd, const char *name, struct inet_addr *ret, struct err_text *e);
/* `p` NULL: the IKE SA alone. wait_ms 0: begun is enough. `fn` gets what is up. */
must_check int ike_up(struct ipc_sync *keyd, const struct inet_addr *local, const struct inet_addr *remote,
    const struct policy *p, uint32_t wait_ms, ike_row_fn fn, void *arg, struct err_text *e);
must_check int ike_end(
    struct ipc_sync *keyd, const struct ike_row_filter *f, struct ike_row_ended *ret, struct err_text *e);
/* Begins another one in place of each that fits; *ret says of how many. */
must_check int ike_renew(
    struct ipc_sync *keyd, const struct ike_row_filter *f, struct ike_row_ended *ret, struct err_text *e);
/* datapathd: takes one SA away. */
must_check int ike_remove_sa(struct ipc_sync *datapathd, const struct sa_desc *d, struct err_text *e);

/* all.c: every row at once, in keyd's order. Texts are owned. */
struct ike_rows {
	struct ike_row_sa *sa;
	size_t n_sas, room_sas;
	struct ike_row_child *child;
	size_t n_children, room_children;
	struct ike_row_kept *kept;
	size_t n_kept, room_kept;
	struct ike_rows_also {
		size_t child; /* index */
		struct ike_row_also row;
	} * also; /* in the order of their children */
	size_t n_also, room_also;
};
must_check int ike_rows_read(struct ipc_sync *keyd, struct ike_rows *ret, struct err_text *e);
/* A copy of one row. 0 or -ENOMEM. */
must_check int ike_rows_add(struct ike_rows *r, const struct ike_row *row);
void ike_rows_fini(struct ike_rows *r);
/* The further policies of one child: the first, and how many. */
const struct ike_rows_also *ike_rows_also_of(const struct ike_rows *r, size_t child, size_t *ret_n);

/* print.c: 80 columns. `only`: rows of this peer; NULL: all. */
void ike_print(FILE *to, const struct ike_rows *r, const struct inet_addr *only);
void ike_print_child(
    FILE *to, const struct ike_row_child *k, const struct ike_rows_also *also, size_t n_also);
void ike_print_sa(FILE *to, const struct ike_row_sa *sa);
void ike_print_selector(FILE *to, const struct selector *s);
/* print_kept.c: what is kept up, whether it is there or not. */
void ike_print_kept(FILE *to, const struct ike_rows *r, const struct inet_addr *only);
/* "ICOOKIE:RCOOKIE" */
enum { IKE_SPIS_LEN = 34 };
const char *ike_spis_text(const uint8_t *i, const uint8_t *r, char buf[IKE_SPIS_LEN]);
/* The reverse. False: it is none. */
bool ike_spis_parse(const char *text, uint8_t *i, uint8_t *r);
/* "3h12m", "12m3s", "4.2s" */
enum { IKE_TIME_LEN = 24 };
const char *ike_time_text(uint64_t ms, char buf[IKE_TIME_LEN]);

/* print_json.c */
int ike_write_json(struct cli *cli, const struct ike_rows *r, const struct inet_addr *only);

/* peer.c: an address, a remote of the configuration, or a host's name. */
must_check int ike_resolve(
    struct ipc_sync *keyd, const char *peer, struct inet_addr *ret, struct err_text *e);
/* The same with a connection of its own. */
must_check int ike_resolve_open(struct cli *cli, const char *peer, struct inet_addr *ret, struct err_text *e);
/* The address from which this host sends there. */
must_check int ike_local_for(const struct inet_addr *remote, struct inet_addr *ret, struct err_text *e);
/* Whether all SAs of an outbound policy can be with this peer; *ret_local is then this side's end (INET_NONE:
 * any). */
bool ike_policy_is_with(const struct policy *p, const struct inet_addr *remote, struct inet_addr *ret_local);

#endif
