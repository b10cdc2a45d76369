/*
 * Negotiations with one peer: the IKE SA, then the SAs of every policy that is with it.
 */
#ifndef POSTERN_CLI_IKE_BEGIN_H
#define POSTERN_CLI_IKE_BEGIN_H

#include "cli/ike/ike.h"

struct ike_wish {
	const char *peer;               /* as it was typed, for messages */
	struct inet_addr remote, local; /* local INET_NONE: as the route says */
	bool alone;                     /* the IKE SA alone */
	uint32_t wait_ms;               /* for all of it; 0: begun is enough */
	const struct selector *only;    /* the policy of exactly this selector; NULL: all */
	enum ipsec_proto proto;         /* policies that begin with it; NONE: all */
	bool quiet;
};

/* Prints what is up. Returns an exit code. */
int ike_begin(struct cli *cli, const struct ike_wish *w);

/* Takes everything of this filter away and tells what was done. `leftovers`: also SAs with the peer that keyd
 * does not know any more. CLI_FAILED when there was nothing. */
int ike_finish(struct cli *cli, const struct ike_row_filter *f, const char *what, bool leftovers);

#endif
