/*
 * The reader of setkey's language: text in, one checked statement at a time out. It touches no database;
 * names are looked up through an interface, so that a test or a fuzzer needs no network and no system tables.
 */
#ifndef POSTERN_CONFIG_SETKEY_SETKEY_H
#define POSTERN_CONFIG_SETKEY_SETKEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "ipsec/policy.h"
#include "ipsec/sa.h"
#include "secret/secret.h"

enum setkey_verb {
	SETKEY_NONE = 0,
	SETKEY_ADD,
	SETKEY_UPDATE,
	SETKEY_GET,
	SETKEY_GETSPI,
	SETKEY_DELETE,
	SETKEY_DELETEALL,
	SETKEY_FLUSH,
	SETKEY_DUMP,
	SETKEY_SPDADD,
	SETKEY_SPDUPDATE,
	SETKEY_SPDDELETE,
	SETKEY_SPDFLUSH,
	SETKEY_SPDDUMP,
	SETKEY_EXIT,
};

/* Both count from 1; columns are bytes. */
struct setkey_loc {
	uint32_t line, column;
};

/* An SA with its keys; the key pointers of `desc` point into the two secrets (NULL when there is no such
 * key). */
struct setkey_sa {
	struct sa_desc desc;
	struct secret *enc_key, *auth_key;
};

struct setkey_sa_id {
	struct inet_addr src, dst;
	enum ipsec_proto proto;
	uint32_t spi; /* 0: not said (deleteall, getspi) */
};

/* A checked statement. Names were resolved; a statement whose names have several addresses comes once per
 * pair. */
struct setkey_stmt {
	enum setkey_verb verb;
	struct setkey_loc at;  /* its first word */
	struct setkey_loc end; /* its terminator */
	union {
		struct setkey_sa sa;    /* add, update */
		struct setkey_sa_id id; /* get, getspi, delete, deleteall */
		enum ipsec_proto proto; /* flush, dump; IPSEC_PROTO_NONE: all */
		struct policy policy;   /* spdadd, spdupdate; spddelete: direction and selector only */
	};
};

enum setkey_severity { SETKEY_WARNING = 1, SETKEY_ERROR };

/* Where names become numbers. Each returns 0 (host: how many addresses, at most `room`) or a negative errno.
 */
struct setkey_names {
	/* `family`: INET_NONE for both. `e` gets the resolver's words. */
	int (*host)(const char *name, bool numeric_only, enum inet_family family, struct inet_addr *ret,
	    size_t room, struct err_text *e);
	/* `proto`: IP protocol number, or IPPROTO_ANY_. */
	int (*service)(const char *name, uint16_t proto, uint16_t *ret_port);
	int (*proto)(const char *name, uint16_t *ret_number);
};

/* getaddrinfo(3), and the system's tables of services and protocols with a built-in list behind them. */
extern const struct setkey_names setkey_names_system;
/* The table's name of an IP protocol ("any" for IPPROTO_ANY_); NULL when it has none. Static until the next
 * call. */
const char *setkey_proto_name(uint16_t number);

struct setkey_reader {
	const char *file;        /* what messages begin with */
	struct setkey_loc first; /* place of the text's first byte; zeros count as 1:1 */
	bool strict;             /* stop at the first error, as the originals did */
	const struct setkey_names *names;
	void *arg;
	/* One statement. The callback may keep it with setkey_stmt_move(); otherwise it is released
	 * afterwards. Nonzero stops the reader. */
	int (*on_stmt)(void *arg, struct setkey_stmt *s);
	/* "FILE:LINE:COLUMN: TEXT", without a newline and without key octets. In strict mode the last one is
	 * "parse failed, line LINE.", the originals' word for: nothing behind this was read. */
	void (*on_message)(void *arg, enum setkey_severity sev, const char *text);
};

enum setkey_outcome {
	SETKEY_FAULTY = 1,  /* everything was read, and at least one statement was wrong */
	SETKEY_STOPPED = 2, /* a callback or `exit` ended it; no statement before that was wrong */
};

/* Longest file that is read, and how many errors are told before the reader gives up. */
enum { SETKEY_TEXT_MAX = 64 * 1024 * 1024, SETKEY_ERRORS_MAX = 100 };

/*
 * Reads `n` bytes of any content (at most SETKEY_TEXT_MAX), calling back for each statement as soon as its
 * terminator was seen. 0, an outcome above, or a negative errno: -ENOMEM, -EFBIG. secret_init() must have
 * been called.
 */
int setkey_read(const struct setkey_reader *r, const void *text, size_t n);

/* Bytes up to and with the last terminator outside comments and strings; 0 when there is none. */
size_t setkey_complete_len(const char *text, size_t n);

/* Hands statement and keys over; `from` is left empty. */
void setkey_stmt_move(struct setkey_stmt *to, struct setkey_stmt *from);
/* Wipes the keys. An empty statement is fine. */
void setkey_stmt_fini(struct setkey_stmt *s);
/* setkey's word for it. */
const char *setkey_verb_name(enum setkey_verb v);

#endif
