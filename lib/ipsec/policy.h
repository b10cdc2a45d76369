/*
 * An SPD entry in KAME's terms: a selector, a direction, an action and, for `ipsec`, an ordered list of
 * requests (setkey.md section 6). Shared by the readers, the IPC conversion, policyd and datapathd.
 */
#ifndef POSTERN_IPSEC_POLICY_H
#define POSTERN_IPSEC_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "inet/addr.h"
#include "ipsec/selector.h"

/* Zero is "not said" in every enum here and is refused wherever a value is needed. */
enum policy_dir { POLICY_DIR_NONE = 0, POLICY_IN, POLICY_OUT, POLICY_FWD };
enum policy_action {
	POLICY_ACTION_NONE = 0,
	POLICY_DISCARD,
	POLICY_PASS /* setkey's `none` */,
	POLICY_IPSEC
};
enum ipsec_proto { IPSEC_PROTO_NONE = 0, IPSEC_ESP = 50, IPSEC_AH = 51, IPSEC_IPCOMP = 108 };
enum ipsec_mode { IPSEC_MODE_NONE = 0, IPSEC_MODE_ANY, IPSEC_TRANSPORT, IPSEC_TUNNEL };
enum policy_level { LEVEL_NONE = 0, LEVEL_DEFAULT, LEVEL_USE, LEVEL_REQUIRE, LEVEL_UNIQUE };

enum {
	POLICY_REQUESTS_MAX = 10, /* deepest bundle: the originals' own tests have nine */
	POLICY_REQID_MANUAL_MAX = 32767,
	POLICY_REQID_AUTO_FIRST = 0x8000,
};

struct policy_request {
	enum ipsec_proto proto;
	enum ipsec_mode mode; /* transport or tunnel */
	enum policy_level level;
	struct inet_addr src, dst;   /* tunnel endpoints, sending node first; INET_NONE both when not given */
	uint16_t src_port, dst_port; /* of an SA in UDP (RFC 3948); 0 both: any SA will do */
	uint32_t reqid;              /* unique: the id, 0 until policyd assigns one */
	bool reqid_auto;             /* assigned by policyd: dumped as unique#N */
};

struct policy {
	uint32_t id; /* spid, given by policyd; 0 before */
	enum policy_dir dir;
	enum policy_action action;
	int32_t priority; /* larger is looked at earlier; 0 is `def` */
	struct selector sel;
	bool in_only; /* an `in` policy for this host's packets alone (setkey -k); else forwarded ones too */
	bool generated; /* made for a client of key exchange: behind everything of root's */
	bool loaded;    /* of the native configuration: its next load takes it out when it is no more in it */
	uint64_t created_wall_ms, last_used_wall_ms; /* last used: as far as it is known, 0: never */
	uint32_t lifetime_s,
	    validtime_s; /* it ends so long after creation; after its last use. 0: it does not */
	uint8_t n_requests;
	struct policy_request req[POLICY_REQUESTS_MAX]; /* last; innermost first on output (setkey.md 6.1) */
};

/* Most policies have one request of the ten: where many are kept, they are cut off behind their last one. A
 * policy kept so is never assigned from, only copied by policy_copy(). */
static inline size_t policy_size(const struct policy *p)
{
	return offsetof(struct policy, req) + p->n_requests * sizeof(p->req[0]);
}
static inline void policy_copy(void *to, const struct policy *p)
{
	memcpy(to, p, policy_size(p));
}

/* What the first-match lookup tells the packet filter and the data path to do. */
enum policy_class {
	POLICY_CLASS_PASS = 1, /* `none`, or `ipsec` with nothing to apply */
	POLICY_CLASS_DISCARD,
	POLICY_CLASS_USE,     /* every level resolves to use: protected if it can be, clear if not */
	POLICY_CLASS_PROTECT, /* some level resolves to require or unique: never in clear */
};

/* System defaults for level `default`, KAME's *_deflev (setkey.md 8.6). LEVEL_USE or LEVEL_REQUIRE. */
struct policy_deflev {
	enum policy_level esp_trans, esp_net, ah_trans, ah_net;
};
extern const struct policy_deflev policy_deflev_kame; /* all `use` */

/* Sets one by KAME's name ("esp_trans_deflev") to its number, 1 use or 2 require. 0; -ENOENT: no such name;
 * -EINVAL: no such number. */
int policy_deflev_set(struct policy_deflev *d, const char *name, uint64_t value);
bool policy_deflev_equal(const struct policy_deflev *a, const struct policy_deflev *b);

/* The level that counts for this request; IPComp's default is always use. Never LEVEL_DEFAULT. */
enum policy_level policy_request_level(const struct policy_request *r, const struct policy_deflev *d);
enum policy_class policy_classify(const struct policy *p, const struct policy_deflev *d);

/* Checks a policy as far as it can be judged without the SPD: enums in range, selector valid, tunnel requests
 * with both endpoints of one family, transport endpoints (if any) of the selector's family. 0, or -EINVAL
 * with *ret_why (static text). */
int policy_check(const struct policy *p, const char **ret_why);

/* Whether SAs that meet the one's requests meet the other's, but for the reqids of level unique. */
bool policy_same_requests(const struct policy *a, const struct policy *b);

/* Same identity: direction and selector (setkey.md 4.5). */
bool policy_same_entry(const struct policy *a, const struct policy *b);

const char *policy_dir_name(enum policy_dir d);       /* "in", "out", "fwd" */
const char *policy_action_name(enum policy_action a); /* "discard", "none", "ipsec" */
const char *policy_level_name(enum policy_level l);   /* "default", "use", "require", "unique" */
const char *ipsec_proto_name(enum ipsec_proto p);     /* "esp", "ah", "ipcomp" */
const char *ipsec_mode_name(enum ipsec_mode m);       /* "any", "transport", "tunnel" */

#endif
