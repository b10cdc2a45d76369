/*
 * Runs the setkey reader on a text and keeps what it hands out. Names come from a small table: no resolver
 * and no file of the system has a say in a test.
 */
#ifndef POSTERN_TESTS_SETKEY_RIG_H
#define POSTERN_TESTS_SETKEY_RIG_H

#include <stddef.h>

#include "config/setkey/setkey.h"

enum { RIG_STMTS = 1024, RIG_TEXT = 16384 };

struct setkey_rig {
	bool strict;
	const struct setkey_names *names; /* NULL: setkey_rig_names */
	struct setkey_loc first;
	size_t stop_after; /* on_stmt asks to stop after so many; 0: never */
	int code;          /* of setkey_read() */
	size_t n;          /* statements kept; more fail the test */
	struct setkey_stmt stmts[RIG_STMTS];
	char messages[RIG_TEXT]; /* all of them, a newline after each */
	unsigned n_errors, n_warnings;
};

/*
 * hostA 10.0.0.1, DNSserver 10.0.0.53, six 2001:db8::6, dual 192.0.2.1 and 2001:db8::1, pair 192.0.2.1 and
 * 192.0.2.2, and the keywords esp, ah, get, all, any, tunnel as hosts 192.0.2.50 and up in this order.
 * Services: domain 53 (udp, tcp), http 80 (tcp), ike 500 (udp). Protocols: the usual ones.
 */
extern const struct setkey_names setkey_rig_names;

/* Makes the arena for keys once. */
void setkey_rig_init(struct setkey_rig *r);
/* Reads; what an earlier text left is released. The file is called "f". */
void setkey_rig_read(struct setkey_rig *r, const char *text);
void setkey_rig_read_bytes(struct setkey_rig *r, const void *text, size_t n);
void setkey_rig_fini(struct setkey_rig *r);

#endif
