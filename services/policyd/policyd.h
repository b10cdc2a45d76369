/*
 * The service's state in one place; each part's own header says what it does.
 */
#ifndef POSTERN_POLICYD_H
#define POSTERN_POLICYD_H

#include "policyd/acquires.h"
#include "base/bucket.h"
#include "policyd/book.h"
#include "policyd/commit.h"
#include "policyd/conf.h"
#include "policyd/kernel/enforce.h"
#include "policyd/kernel/probe.h"
#include "policyd/generated.h"
#include "policyd/grants.h"
#include "policyd/ike_view.h"
#include "policyd/lives.h"
#include "policyd/snapshot_file.h"
#include "policyd/txn.h"
#include "service/log.h"

struct datapath;
struct keyd;
struct pump;
struct service;

struct policyd {
	struct service *service;
	const struct clock *clock;
	struct policyd_conf conf;
	struct boot_id boot;
	char state_dir[128];
	struct nft *nft;
	int nft_events_fd, rtnl_events_fd;

	struct book book;
	struct txn txn;
	struct lives lives;
	struct commit commit;
	struct enforce enforce;
	struct acquires acquires;
	struct ike_gens ike;
	struct grants grants;
	struct generated_set generated;
	struct log_limit generate_refusals;
	struct txn_client generate_txn; /* never has a transaction of its own */
	struct ticket_key ticket_key;
	struct datapath *datapath;
	struct keyd *keyd; /* NULL: the launcher has no socket for it */
	struct pump *pump;

	/* Repairs that are due, and the brake on them: two programs that undo each other must not eat the
	 * machine. */
	uint64_t table_repair_ms, routing_repair_ms; /* 0: none */
	struct bucket table_repairs, routing_repairs;
	uint64_t said_version; /* what the state sentence is about */
	bool said_bad;
	bool has_ipv6;
	struct kernel_lacks lacks;
	struct err_text ike_save_why, ticket_why; /* of what key exchange lacks; empty: nothing */
	struct err_text
	    lost; /* the saved policies could not be read: what holds instead; empty: they could */
};

/* The SPD of `service`'s process. */
struct policyd *policyd_of(const struct service *s);

/* The version of the SPD that datapathd and the kernel have, or are about to get. */
const struct book *policyd_newest(const struct policyd *p);

/* Tells whoever looks what state the process is in. */
void policyd_update_state(struct policyd *p);

/* Does everything that is due; the time of the next turn, UINT64_MAX: none. */
uint64_t policyd_turn(struct policyd *p);

/* Somebody else changed our table, or something of routing. */
void policyd_on_table_event(struct policyd *p);
void policyd_on_routing_event(struct policyd *p);

#endif
