/*
 * The text behind -P alone, as ipsec_set_policy(3) takes it: the same scanner, grammar and judgement as
 * setkey's statements, without a selector. Links neither keys nor OpenSSL.
 */
#ifndef POSTERN_CONFIG_SETKEY_POLICY_H
#define POSTERN_CONFIG_SETKEY_POLICY_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "config/setkey/code.h"
#include "ipsec/policy.h"

/* The words of the language; what an entry of the SPD can have of them is enum policy_action. */
enum setkey_action {
	SETKEY_ACTION_NONE = 0, /* a direction alone */
	SETKEY_DISCARD,
	SETKEY_PASS, /* `none` */
	SETKEY_IPSEC,
	SETKEY_ENTRUST, /* of sockets only: as the SPD says */
	SETKEY_BYPASS,  /* of sockets only: no IPsec */
};

struct setkey_policy {
	enum policy_dir dir;
	enum setkey_action action;
	int32_t priority;   /* 0 is `def` */
	uint8_t n_requests; /* 0 unless the action is `ipsec` */
	struct policy_request req[POLICY_REQUESTS_MAX];
};

struct setkey_policy_fault {
	enum ipsec_code code;
	const char *title; /* static; the code's own text, but for EIPSEC_INVAL_ARGUMENT and the system's */
	struct err_text text; /* the whole message: "TITLE at [TOKEN]; what to do" */
};

/*
 * Reads `n` bytes of any content. 0, or -EINVAL, -EFBIG or -ENOMEM with *fault filled. Requests behind
 * another action than `ipsec` are read, judged and left out.
 */
int setkey_policy_read(
    const char *text, size_t n, struct setkey_policy *ret, struct setkey_policy_fault *fault);

#endif
