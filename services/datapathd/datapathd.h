/*
 * The control side's state, one per process, and the parts of it that have a file of their own.
 */
#ifndef POSTERN_DATAPATHD_DATAPATHD_H
#define POSTERN_DATAPATHD_DATAPATHD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "datapathd/epoch.h"
#include "datapathd/grants.h"
#include "datapathd/sa/sad.h"
#include "datapathd/sa/txn.h"
#include "datapathd/spd/view.h"
#include "datapathd/used.h"
#include "datapathd/worker.h"
#include "service/service.h"

struct acquirer;
struct control_io;
struct keyd_edge;
struct spd_edge;

struct datapathd {
	struct service *service;
	struct worker_fds fd; /* opened by open.c before the privilege drop; kept for life */
	int used_keys; /* file of fingerprints, likewise; -1: none, and counter-mode keys are refused */
	struct epoch epoch;
	struct sad_store *store;
	struct sad sad;
	struct sad_txn txn;              /* the one transaction that may be open */
	struct ipc_conn *txn_owner;      /* reference; NULL: none is open */
	_Atomic(struct spd_view *) view; /* the worker's; NULL before the first snapshot */
	_Atomic uint32_t tune;           /* tunables_pack(); the worker's too */
	uint64_t generation;             /* of the last view published */
	struct spd_edge *spd;
	struct grants grants;   /* policyd's, for keyd */
	struct keyd_edge *keyd; /* keying.h */
	struct acquirer *acquirer;
	struct used used;
	struct control_io *io;
	struct worker *worker;
	uint32_t bad_slots;    /* of SAD memory, dropped at start */
	uint64_t n_keepalives; /* sent */
	struct {
		uint64_t n_lost, n_sent, n_unsent; /* keyd was gone; to the wire; the kernel refused it */
	} ike;
};

static inline struct datapathd *datapathd_of_conn(const struct ipc_conn *c)
{
	return service_data(service_of_conn(c));
}

/* open.c: as root. Takes descriptors from the launcher where they are what they should be, makes the others,
 * and stores what it made. 0, or -errno with `e`. */
int datapathd_open_privileged(struct service *s, struct err_text *e);

/* spd_edge.c */
int must_check spd_edge_new(struct datapathd *d, struct spd_edge **ret, struct err_text *e);
struct spd_edge *spd_edge_free(struct spd_edge *e);
/* Acknowledges what the worker uses by now. True while a snapshot still waits for its quiet point. */
bool spd_edge_quiet(struct spd_edge *e);

/* acquire.c */
int must_check acquirer_new(struct datapathd *d, struct acquirer **ret, struct err_text *e);
struct acquirer *acquirer_free(struct acquirer *a);
/* Takes the worker's hints and asks policyd as far as the budget goes. */
void acquirer_collect(struct acquirer *a);
/* Frees policies whose acquire got no answer in time. */
void acquirer_age(struct acquirer *a);
/* A new view has no marks: sets those of the policies whose acquire is still out. Before it is published. */
void acquirer_mark(struct acquirer *a, struct spd_view *v);
uint32_t acquirer_outstanding(const struct acquirer *a);
/* The connection to policyd's edge for hints. */
struct ipc_client *acquirer_client(const struct acquirer *a);

/* keepalive_io.c: once a second; sends what keeps a NAT from forgetting us. */
void datapathd_keepalive(struct datapathd *d);

/* dummy_io.c: once a second; asks the worker for dummy packets on associations that were quiet. */
void datapathd_dummies(struct datapathd *d);

/* control_io.c: timers and the worker's eventfd on the loop. */
int must_check control_io_new(struct datapathd *d, struct control_io **ret, struct err_text *e);
struct control_io *control_io_free(struct control_io *io);
/* Retired objects or acknowledgements wait for the worker: look soon, and be told. */
void control_io_expect_quiet(struct control_io *io);

/* admin/sa_verbs.c */
enum { DATAPATHD_N_ADMIN_RULES = 10 };
extern const struct ipc_rule datapathd_admin_rules[DATAPATHD_N_ADMIN_RULES];
void datapathd_admin_on_close(struct ipc_conn *c);

/* udp_port.c: 0, or -EOPNOTSUPP with `e` for an SA in UDP when another program has the port. */
int must_check datapathd_check_port(const struct datapathd *d, const struct sa_desc *sa, struct err_text *e);

/* tell.c: one event for an SA: monitors and the log. */
void datapathd_tell_sa(void *d, const char *event, const struct sa *sa);

/* report.c */
void datapathd_status(struct service *s, struct service_status_sink *to);
void datapathd_stats(struct service *s, struct service_stats_sink *to);

#endif
