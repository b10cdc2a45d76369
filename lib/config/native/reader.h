/*
 * Between the files of the reader: what is being read, how a fault is told, and how the words of a statement
 * are taken one after the other.
 */
#ifndef POSTERN_CONFIG_NATIVE_READER_H
#define POSTERN_CONFIG_NATIVE_READER_H

#include "config/native/native.h"
#include "config/native/tree.h"

enum { NC_INCLUDE_MAX = 10, NC_VERBS_MAX = 32, NC_DAY = 86400 };

struct nc_read {
	const struct native_options *o;
	struct native_conf *conf;
	const struct nc_tree *tree;     /* of the file that is being read */
	const struct native_text *text; /* the same as it came */
	uint32_t file;                  /* its number */
	unsigned depth, n_errors, n_warnings;
	unsigned n_shape; /* faults of this file's shape: what is missing may be in one of those lines */
	bool cut; /* of a line that makes no sense only what stands in front is shown: it may be a key */
	bool no_memory;
};

/* The next word of a statement. Faults are told at the word they are about. */
struct nc_cur {
	struct nc_read *r;
	const struct nc_stmt *s;
	uint32_t at;
};

/* A word of the language and what it stands for. */
struct nc_choice {
	const char *word;
	uint32_t value;
};

enum nc_repeat { NC_ONCE = 0, NC_OFTEN };

/* A statement of a block. `fn` sees the words behind the first; false: it was faulty, which was told. */
struct nc_verb {
	const char *word;
	bool (*fn)(struct nc_cur *c, void *block);
	enum nc_repeat repeat;
	bool has_body; /* may have a block of its own */
};

/* Told at a word; NULL: at the statement's first. The first returns false. */
bool nc_fault(struct nc_cur *c, const struct nc_word *w, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void nc_warn(struct nc_cur *c, const struct nc_word *w, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
bool nc_no_memory(struct nc_cur *c);
/* show.c: a remark with the line it is about; what stands behind a word like `secret`, or in quotes, is in
 * neither. */
void nc_say(struct nc_read *r, bool is_error, const struct nc_word *w, const char *text);

/* Runs the statements from index i up to end through a table with n rows. */
void nc_run(struct nc_read *r, uint32_t i, uint32_t end, const struct nc_verb *verbs, size_t n, void *block);
void nc_run_body(struct nc_cur *c, const struct nc_verb *verbs, size_t n, void *block);

struct native_at nc_place(const struct nc_cur *c, const struct nc_word *w); /* NULL: of the first word */
/* The word of this file that stands there. */
const struct nc_word *nc_word_of(const struct nc_cur *c, const struct native_at *at);
const struct nc_word *nc_peek(const struct nc_cur *c);
const struct nc_word *nc_next(struct nc_cur *c);
bool nc_skip(struct nc_cur *c, const char *word); /* true: it was there, and is behind us */
bool nc_end(struct nc_cur *c);                    /* nothing may follow */
/* There is something behind the word; else a fault that names what is wanted. */
bool nc_want(struct nc_cur *c, const char *what);
bool nc_pick(struct nc_cur *c, const char *what, const struct nc_choice *table, size_t n, uint32_t *ret);
bool nc_flag(struct nc_cur *c, bool *ret); /* yes or no */
/* Text of a word. False: too long. */
bool nc_text(const struct nc_word *w, char *buf, size_t room);
/* "; did you mean `X`?" for the nearest of a table's words, or "". Returns buf. */
const char *nc_suggest(const char *word, const struct nc_choice *table, size_t n, char buf[96]);

/* values.c */
bool nc_number(struct nc_cur *c, uint64_t min, uint64_t max, uint64_t *ret);
bool nc_time(struct nc_cur *c, uint64_t min_s, uint64_t max_s, uint64_t *ret_s); /* 90s, 15m, 8h, 1d */
bool nc_size(struct nc_cur *c, uint64_t *ret_bytes);                             /* 500M, 10G */
bool nc_name(struct nc_cur *c, const char *what, char ret[NATIVE_NAME_MAX + 1]);
bool nc_path(struct nc_cur *c, char **ret); /* absolute */
bool nc_host(struct nc_cur *c, struct native_host *ret);
bool nc_identity(struct nc_cur *c, struct ike_id *ret);

/* algs.c */
bool nc_group(struct nc_cur *c, enum alg_group *ret);
bool nc_ike_proposals(struct nc_cur *c, struct native_proposals *ret);
bool nc_esp_proposals(struct nc_cur *c, struct native_proposals *ret);
bool nc_ah_proposals(struct nc_cur *c, struct native_proposals *ret);
/* What holds where nothing is said. */
void nc_default_ike(struct native_proposals *ret, uint8_t version);
void nc_default_child(struct native_proposals *ret, enum ipsec_proto proto);

/* select.c: LOCAL = REMOTE, each a list */
bool nc_sides(struct nc_cur *c, struct native_side *local, struct native_side *remote);

/* Statements with files of their own */
bool nc_connection(struct nc_cur *c, void *block);
bool nc_child(struct nc_cur *c, struct native_conn *conn);
bool nc_policy(struct nc_cur *c, void *block);
bool nc_include(struct nc_cur *c, void *block);

#endif
