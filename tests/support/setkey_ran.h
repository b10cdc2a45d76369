/*
 * Runs the command line of ipsecctl and setkey in this process, against a fake suite or none, and keeps what
 * it wrote and what it asked of the suite.
 */
#ifndef POSTERN_TESTS_SETKEY_RAN_H
#define POSTERN_TESTS_SETKEY_RAN_H

#include "base/auto.h"
#include "support/fake_suite.h"

struct ran {
	int code;
	char *out, *err, said[1024];
};

void ran_fini(struct ran *r);
#define AUTO_RAN AUTO(ran_fini) struct ran

/* NULL: none runs. */
extern struct fake_suite *ran_suite;
/* cmocka's setup and teardown around it. */
int ran_suite_start(void **state);
int ran_suite_stop(void **state);
/* Anew, with empty databases and what was set in ran_suite since. */
void ran_suite_restart(void);

/* setkey with `input` as its standard input. The words end with NULL. `compat`: under its old name. */
struct ran ran_setkey(bool compat, const char *input, const char *const *words);
#define RUN(compat, input, ...) ran_setkey(compat, input, (const char *const[]){__VA_ARGS__, NULL})

/* A verb of ipsecctl. */
struct ran ran_verb(bool json, const char *const *words);
#define RUN_VERB(json, ...) ran_verb(json, (const char *const[]){__VA_ARGS__, NULL})

#endif
