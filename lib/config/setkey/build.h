/*
 * One statement while it is being read: what the grammar collected, and the first thing found wrong with it.
 * Private to the reader.
 */
#ifndef POSTERN_CONFIG_SETKEY_BUILD_H
#define POSTERN_CONFIG_SETKEY_BUILD_H

#include "config/setkey/policy.h"
#include "config/setkey/token.h"

enum {
	SK_TOKENS_MAX = 512, /* words in one statement: ten requests of a policy need 150 */
	SK_STATEMENT_BYTES_MAX = 64 * 1024,
	SK_ADDRS_MAX = 16, /* addresses of one host name */
};

/* An address with what may stand behind it; .lex is SK_LEX_EOF in tokens that were not there. */
struct sk_range {
	struct sk_tok host, plen, port;
};

struct sk_request {
	struct sk_tok proto, mode, src, src_port, dst, dst_port, level;
};

struct sk_raw_policy {
	struct sk_tok dir, action, prio, prio_base, prio_number;
	bool prio_minus;
	uint32_t n_requests; /* counts on beyond the array */
	struct sk_request cur, req[POLICY_REQUESTS_MAX];
};

struct sk_build {
	const struct setkey_reader *cfg;
	enum setkey_verb verb;
	struct sk_tok first, last; /* first word of the statement, newest token */
	uint32_t n_tokens;
	uint32_t policy_pos;   /* words since -P, 0 before it */
	const char *keys_from; /* the first -E or -A: what stands behind it may be a key typed wrongly */
	uint32_t hidden_line;  /* where a comment swallowed a `;`, 0: nowhere */

	bool alone;        /* the text of a policy without a statement around it */
	const char *want;  /* what the grammar expects next, for messages */
	const char *title; /* its compatible text; NULL: "Syntax error" */
	bool faulty;
	struct setkey_loc fault_at;
	const char *fault_title;
	enum ipsec_code fault_code;
	struct err_text fault;
	int stopped; /* what on_stmt returned, when nonzero */

	bool numeric_only;
	enum inet_family family;
	struct sk_range src, dst, cur;
	struct sk_tok proto, nat_oa, spi;
	struct sk_tok esn;     /* of -f, judged late */
	struct sk_tok soft[3]; /* -ls, -bs and -ps, likewise */
	struct sa_desc desc;
	uint32_t lifetime_s, validtime_s; /* -lh and -lv of a policy */
	struct sk_tok enc_opt, enc, enc_key, auth_opt, auth, auth_key, comp_opt, comp;
	struct sk_tok tag, upper, misc1, misc2;
	struct sk_raw_policy pol;
};

/* What the requests of a policy are held against. */
struct sk_rules {
	enum policy_dir dir;
	uint8_t family; /* of the selector, enum inet_family; INET_NONE: there is none */
};

void sk_build_init(struct sk_build *b, const struct setkey_reader *cfg);
/* The newest token is beyond what one statement can have; a fault was recorded. */
bool sk_too_long(struct sk_build *b);

/* The grammar's kind of b->last at this place in the statement. */
int sk_classify(struct sk_build *b);
/* The token is the first on its line and begins a statement: where recovery may go on. */
bool sk_begins_statement(const struct sk_tok *t);
/* An option that the language knows; a cluster of -n, -4 and -6. */
bool sk_is_option(const struct sk_tok *t);
bool sk_is_aiflags(const struct sk_tok *t);

/* Records the first fault of the statement: "TITLE at [TOKEN]; HINT", and the code that TITLE is the text of.
 * A hint of NULL is left out. */
void sk_fault(struct sk_build *b, const struct sk_tok *t, const char *title, const char *hint, ...)
    __attribute__((format(printf, 4, 5)));
/* The grammar cannot go on at b->last. */
void sk_fault_syntax(struct sk_build *b);
/* " did you mean X?" for a word near one of a NULL-terminated list, else "". */
const char *sk_suggest(const struct sk_tok *t, const char *const *words, char buf[64]);
void sk_warn(struct sk_build *b, const struct sk_tok *t, const char *text);

/* Called by the grammar. */
void sk_aiflags(struct sk_build *b, const struct sk_tok *t);
void sk_sa_proto(struct sk_build *b, const struct sk_tok *proto, const struct sk_tok *nat_oa);
void sk_ext_mode(struct sk_build *b, const struct sk_tok *opt, const struct sk_tok *t);
void sk_ext_flag(struct sk_build *b, const struct sk_tok *t);
void sk_ext_number(struct sk_build *b, const struct sk_tok *opt, const struct sk_tok *t);
/* Security labels: refused. */
void sk_ctx(struct sk_build *b, const struct sk_tok *opt);
/* -lh and -lv in front of -P. */
void sk_policy_number(struct sk_build *b, const struct sk_tok *opt, const struct sk_tok *t);
void sk_alg(
    struct sk_build *b, const struct sk_tok *opt, const struct sk_tok *name, const struct sk_tok *key);
void sk_request_done(struct sk_build *b);
void sk_request_short(struct sk_build *b, const struct sk_tok *t);

/* Judge a statement that parsed and hand it to the callback, or record a fault. */
void sk_finish(struct sk_build *b);
/* Ciphers of the old ESP format against the protocol word. False after a fault. */
bool sk_old_algs_ok(struct sk_build *b);
/* Algorithms and key lengths into b->desc; then the keys into secrets of the caller's. False after a fault.
 */
bool sk_algs_ok(struct sk_build *b);
bool sk_keys_make(struct sk_build *b, struct setkey_sa *ret);
/* One of the parts of 8 bytes of a DES or 3DES key is one that DES makes no cipher of. */
bool sk_des_key_weak(const uint8_t *key, size_t n);
void sk_finish_sa(struct sk_build *b);
void sk_finish_id(struct sk_build *b);
/* Service and number of a port behind an address, `any` as 0. False after a fault. */
bool sk_port(struct sk_build *b, const struct sk_tok *t, uint16_t proto, uint16_t *ret);
/* The selector of a policy statement. False after a fault. */
bool sk_selector_ok(struct sk_build *b, struct selector *ret);
/* The parts of a policy, each false after a fault; ports of endpoints are taken from any request. */
bool sk_direction_ok(struct sk_build *b, enum policy_dir *ret);
bool sk_priority_ok(struct sk_build *b, int32_t *ret);
bool sk_action_ok(struct sk_build *b, enum setkey_action *ret);
bool sk_requests_ok(
    struct sk_build *b, const struct sk_rules *rules, struct policy_request ret[POLICY_REQUESTS_MAX]);
void sk_finish_policy(struct sk_build *b);
void sk_emit(struct sk_build *b, struct setkey_stmt *s);

/* All addresses of a host token; 0 after a fault was recorded. */
size_t sk_resolve(struct sk_build *b, const struct sk_tok *t, struct inet_addr ret[SK_ADDRS_MAX]);
/* IPSEC_PROTO_NONE and a fault when it is none. `adding`: refuses the old formats. */
enum ipsec_proto sk_proto(struct sk_build *b, const struct sk_tok *t, bool adding);

#endif
