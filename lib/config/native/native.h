/*
 * postern.conf as it was written: connections, what they may protect, and plain policies, each with its place
 * in its file. Made by the reader, judged by `ipsecctl check`, compiled by compile.h.
 */
#ifndef POSTERN_CONFIG_NATIVE_NATIVE_H
#define POSTERN_CONFIG_NATIVE_NATIVE_H

#include <sys/types.h>

#include "base/err.h"
#include "ipsec/ike_conf.h"
#include "ipsec/policy.h"
#include "secret/secret.h"

enum {
	NATIVE_FILE_MAX =
	    4 << 20, /* octets of one file: as many connections as there may be, and room for more */
	NATIVE_FILES_MAX = 1000, /* with all that is included */
	NATIVE_CONNS_MAX = 5000,
	NATIVE_CHILDREN_MAX = 64, /* of one connection */
	NATIVE_POLICIES_MAX = 10000,
	NATIVE_SELECTORS_MAX = 16, /* of one side */
	NATIVE_PROPOSALS_MAX = 16,
	NATIVE_NAME_MAX = 63,     /* octets of a name */
	NATIVE_SECRET_MAX = 1023, /* octets; certd takes no longer ones */
};

/* Where something was written; line 0: nowhere, it is a default. */
struct native_at {
	uint32_t file; /* index into native_conf.file */
	uint32_t line, column;
};

enum native_host_kind { NATIVE_HOST_UNSAID = 0, NATIVE_HOST_ANY, NATIVE_HOST_ADDRESS, NATIVE_HOST_NAME };

struct native_host {
	enum native_host_kind kind;
	struct inet_addr addr;
	char name[NATIVE_NAME_MAX * 4 + 2]; /* NAME: as DNS has it, at most 253 octets */
	struct native_at at;
};

/* One address range, protocol and port of a side. */
enum native_ts_kind {
	NATIVE_TS_NONE = 0,
	NATIVE_TS_ANY,  /* every address of the other side's family */
	NATIVE_TS_SELF, /* the gateway itself, whatever its address is */
	NATIVE_TS_PREFIX,
	NATIVE_TS_RANGE,
};

struct native_ts {
	enum native_ts_kind kind;
	struct inet_addr first, last; /* of PREFIX and RANGE */
	uint8_t plen;                 /* PREFIX */
	uint16_t proto;               /* IPPROTO_ANY_: every one */
	uint16_t port;                /* 0: every one */
	struct native_at at;
};

struct native_side {
	struct native_ts ts[NATIVE_SELECTORS_MAX];
	uint8_t n;
};

/* For an IKE SA: hash is PRF and integrity; for a child: auth is the integrity alone. What is NONE in one of
 * them has no meaning there, or comes with the cipher. */
struct native_proposal {
	enum alg_enc enc;
	uint16_t key_bits; /* 0: the cipher has one length */
	enum alg_prf hash;
	enum alg_group group;
	enum alg_auth auth;
	struct native_at at; /* line 0: a default */
};

struct native_proposals {
	struct native_proposal p[NATIVE_PROPOSALS_MAX];
	uint8_t n;
};

struct native_child {
	char name[NATIVE_NAME_MAX + 1]; /* "" when it has none */
	struct native_at at;
	struct native_side local, remote;
	enum ipsec_proto proto; /* ESP or AH */
	enum ipsec_mode mode;
	bool compress;
	bool has_pfs; /* ALG_GROUP_NONE with it: switched off; without: the group of the IKE SA */
	enum alg_group pfs;
	uint64_t seconds, bytes; /* bytes 0: no limit */
	struct native_proposals offers;
};

enum native_keep { NATIVE_KEEP_UNSAID = 0, NATIVE_KEEP_UP, NATIVE_KEEP_ON_DEMAND, NATIVE_KEEP_RESPOND };
enum native_auth {
	NATIVE_AUTH_NONE = 0,
	NATIVE_AUTH_SECRET,
	NATIVE_AUTH_SECRET_FILE,
	NATIVE_AUTH_CERTIFICATE,
	NATIVE_AUTH_KEY, /* a private key without a certificate (RFC 7670) */
};

static inline bool native_auth_signs(enum native_auth a)
{
	return a == NATIVE_AUTH_CERTIFICATE || a == NATIVE_AUTH_KEY;
}

struct native_conn {
	char name[NATIVE_NAME_MAX + 1];
	struct native_at at;
	uint8_t version;
	struct native_at version_at;
	struct native_host local, remote;
	struct ike_id local_id; /* kind NONE: the address, or the certificate's subject */
	struct ike_id *remote_id;
	uint8_t n_remote_ids;
	enum native_auth auth;        /* how we prove who we are */
	enum native_auth remote_auth; /* and the peer */
	enum native_auth shared; /* SECRET, SECRET_FILE: there is one, whoever proves itself by it; NONE */
	struct native_at auth_at;
	struct secret *secret;
	/* Files, absolute, owned; NULL: not said. */
	char *secret_file, *certificate, *key, *remote_certificate, *remote_key;
	bool weak_certificates;
	struct native_at weak_at;
	char *authority[IKE_AUTHORITIES_MAX];
	uint8_t n_authorities;
	enum ike_mode exchange;
	struct native_at exchange_at;
	struct native_proposals ike;
	uint64_t seconds;
	enum native_keep keep;
	struct native_at keep_at;
	enum ike_switch encap; /* ON: where there is a NAT; FORCE: always */
	bool has_dpd;
	uint32_t dpd_s, dpd_tries; /* dpd_s 0: off */
	struct native_child *child;
	uint8_t n_children;
};

/* A policy without a tunnel. */
struct native_policy {
	struct native_at at;
	enum policy_action action; /* PASS or DISCARD */
	enum policy_dir dir;       /* NONE: both */
	struct native_side local, remote;
};

struct native_conf {
	char **file; /* names, owned */
	uint32_t n_files;
	struct native_conn *conn;
	uint32_t n_conns;
	struct native_policy *policy;
	uint32_t n_policies;
};

/* One remark: "TOKEN" TEXT at its place, and the line it is about as far as that may be shown: never what
 * may be a secret. */
struct native_note {
	bool is_error;
	const char *file;
	uint32_t line, column;
	const char *text;
	const char *source; /* "": there is nothing to show */
};
typedef void (*native_say_fn)(void *arg, const struct native_note *n);

/* What fstat(2) says of a file; a file that is not asked about has mode 0600 and the owner 0. */
struct native_text {
	char *p; /* freed, after it was wiped, by who reads it */
	size_t n;
	mode_t mode;
	uid_t owner;
};

struct native_options {
	native_say_fn say;
	void *arg;
	/* Opens a file that is included. 0 with its contents; -errno. NULL: the file system's. */
	int (*load)(void *arg, const char *path, struct native_text *ret);
};

/* Reads a file and what it includes; secrets want secret_init() before. 0 with the configuration; -EINVAL:
 * what was wrong has been told, all of it; -errno when the file itself cannot be read, with a sentence. */
must_check int native_read(
    const char *path, const struct native_options *o, struct native_conf **ret, struct err_text *e);
/* The same from memory, under a name for messages. `text` stays the caller's. */
must_check int native_read_text(const char *name, const struct native_text *text,
    const struct native_options *o, struct native_conf **ret);

/* The word of postern.conf for an algorithm; NULL: it has none. bits 0: the cipher has one length. Static. */
const char *native_cipher_word(enum alg_enc id, uint16_t bits);
const char *native_hash_word(enum alg_auth id); /* of children, and integrity of IKE */
const char *native_prf_word(enum alg_prf id);
const char *native_group_word(enum alg_group id);

/* Wipes and frees; NULL is fine. Returns NULL. */
struct native_conf *native_conf_free(struct native_conf *c);

static inline void auto_native_conf_(struct native_conf **c)
{
	native_conf_free(*c);
}
#define AUTO_NATIVE_CONF AUTO(auto_native_conf_)

#endif
