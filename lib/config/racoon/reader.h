/*
 * Between the files of the reader: what is being read, how a fault is told, and how the words of a statement
 * are taken one after the other.
 */
#ifndef POSTERN_CONFIG_RACOON_READER_H
#define POSTERN_CONFIG_RACOON_READER_H

#include "config/racoon/racoon.h"
#include "config/racoon/tree.h"

enum { RC_INCLUDE_MAX = 10, RC_ERRORS_MAX = 20, RC_SECOND = 1, RC_MINUTE = 60, RC_HOUR = 3600 };

struct rc_read {
	const struct racoon_options *o;
	struct ike_conf *conf;
	const struct rc_tree *tree; /* of the file that is being read */
	char *include_dir;
	struct ike_id default_id; /* `identifier`; kind NONE: not said */
	unsigned depth, n_errors;
	bool inherited_offers, inherited_ids; /* of the remote that is being read */
	/* Of that remote too: a key, and a peer's, of which nothing can be read (plain_rsa, dnssec). */
	bool unread_key, unread_peer_key;
	bool is_named; /* its header is a name in quotes */
	bool left_out; /* something of the proposal that is being read cannot be had here */
	bool no_memory;
};

/* The next word of a statement. Faults are told at the word they are about. */
struct rc_cur {
	struct rc_read *r;
	const struct rc_stmt *s;
	uint32_t at;
};

/* A word of the language and what it stands for. */
struct rc_choice {
	const char *word;
	uint32_t value;
};

/* A statement of a block. `fn` sees the words behind the first; false: it was faulty, which was told. */
struct rc_verb {
	const char *word;
	bool (*fn)(struct rc_cur *c, void *block);
	bool has_body; /* a block of its own */
};

/* Told at a word; NULL: at the statement's first. Both return false. */
bool rc_fault(struct rc_cur *c, const struct rc_word *w, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void rc_warn(struct rc_cur *c, const struct rc_word *w, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
bool rc_no_memory(struct rc_cur *c);

/* Runs the statements from index i up to end through a table with n rows. */
void rc_run(struct rc_read *r, uint32_t i, uint32_t end, const struct rc_verb *verbs, size_t n, void *block);
/* The body of the statement that is being read. */
void rc_run_body(struct rc_cur *c, const struct rc_verb *verbs, size_t n, void *block);

const struct rc_word *rc_peek(const struct rc_cur *c);
const struct rc_word *rc_next(struct rc_cur *c);
bool rc_skip(struct rc_cur *c, const char *word); /* true: it was there, and is behind us */
bool rc_end(struct rc_cur *c);                    /* nothing may follow */
bool rc_number(struct rc_cur *c, uint64_t min, uint64_t max, uint64_t *ret);
bool rc_switch(struct rc_cur *c, bool *ret);
bool rc_pick(struct rc_cur *c, const char *what, const struct rc_choice *table, size_t n, uint32_t *ret);
bool rc_string(struct rc_cur *c, char **ret); /* replaces, and frees what was there */
bool rc_time(struct rc_cur *c, uint64_t *ret_s);
bool rc_size(struct rc_cur *c, uint64_t *ret_bytes);
bool rc_addr(struct rc_cur *c, struct inet_addr *ret);
bool rc_is_addr(const struct rc_word *w);
bool rc_port(struct rc_cur *c, bool *ret_said, uint16_t *ret); /* "[N]" or "[any]", where there is one */
/* Text of a word, for names and numbers inside of one. False: too long. */
bool rc_text(const struct rc_word *w, char *buf, size_t room);

/* words.c: algorithms and their lengths. Each tells what it does not know. *ret_absent is set, and a warning
 * told, for what is known and not to be had here; NULL where that is a fault. */
bool rc_phase1_cipher(struct rc_cur *c, enum alg_enc *ret, uint16_t *ret_bits, bool *ret_absent);
bool rc_hash(struct rc_cur *c, enum alg_prf *ret, bool *ret_absent);
bool rc_group(struct rc_cur *c, enum alg_group *ret, bool *ret_absent);
bool rc_auth_method(struct rc_cur *c, enum ike_auth_method *ret, bool *ret_absent);
/* One of a list; ret kind NONE with true: known, but not to be had here, and a warning was told. */
bool rc_child_enc(struct rc_cur *c, struct ike_child_enc *ret, bool *ret_usable);
bool rc_child_auth(struct rc_cur *c, struct ike_child_auth *ret, bool *ret_usable);
bool rc_child_comp(struct rc_cur *c, enum alg_comp *ret, bool *ret_usable);

/* ident.c: TYPE [file|tag] [VALUE], as in my_identifier. */
bool rc_identifier(struct rc_cur *c, struct ike_id *ret);

/* top.c's statements with blocks, each in its file */
bool rc_remote(struct rc_cur *c, void *block);
/* remote_warn.c: of a whole one. */
void rc_warn_remote(struct rc_cur *c, const struct ike_peer *p);
bool rc_proposal(struct rc_cur *c, struct ike_peer *p);
/* rivals.c: blocks for the same peers, of which only so many are looked at for a stranger's message. */
enum { RC_RIVALS_MAX = 64 };
bool rc_check_rivals(struct rc_cur *c, const struct ike_peer *p);
void rc_warn_hidden(struct rc_cur *c, const struct ike_peer *p);
bool rc_sainfo(struct rc_cur *c, void *block);
bool rc_timer(struct rc_cur *c, void *block);
bool rc_listen(struct rc_cur *c, void *block);
bool rc_padding(struct rc_cur *c, void *block);
bool rc_privsep(struct rc_cur *c, void *block);
bool rc_mode_cfg(struct rc_cur *c, void *block);
/* Puts children in the order in which they are tried, and finds duplicates. */
void rc_sort_children(struct rc_read *r);
/* top.c: one file's statements. */
void rc_top(struct rc_read *r);
/* read.c: `include`. */
bool rc_include(struct rc_cur *c, void *block);
/* A file that the configuration names: a regular one. 0 with its contents, to be freed; -errno. */
int rc_load(struct rc_read *r, const char *path, char **ret, size_t *ret_n);
const char *rc_load_fault(int r); /* what was wrong, in words */

/* BASE/NAME, or NAME when it is absolute or BASE is NULL; malloc'd. */
char *rc_join(const char *base, const char *name);

#endif
