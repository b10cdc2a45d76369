/*
 * A policy without a statement: the token -P goes in first, the end of the text stands for the terminator,
 * and a
 * `;` in the text is an error.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "config/setkey/build.h"
#include "gram.h"

static int next_kind(struct sk_build *b)
{
	if (b->last.lex == SK_LEX_EOF)
		return ';';
	if (b->last.lex == SK_LEX_PUNCT && b->last.p[0] == ';')
		return SK_T_NEVER;
	return sk_classify(b);
}

static void parse(struct sk_build *b, void *scanner, const struct sk_scan *scan, sk_gram_pstate *parser)
{
	int status = sk_gram_push_parse(parser, SK_T_OPT_POLICY, &b->last, b);

	b->policy_pos = b->n_tokens = 1;
	while (status == YYPUSH_MORE) {
		sk_scan_next(scanner);
		b->last = scan->tok;
		if (++b->n_tokens == 2)
			b->first = b->last;
		if (sk_too_long(b))
			return;
		status = sk_gram_push_parse(parser, next_kind(b), &b->last, b);
	}
}

static void judge(struct sk_build *b, struct setkey_policy *ret)
{
	struct setkey_policy p = {0};
	struct sk_rules rules = {0};

	if (!sk_direction_ok(b, &p.dir) || !sk_priority_ok(b, &p.priority))
		return;
	if (!b->pol.action.lex && b->pol.prio.lex) {
		sk_fault(b, &b->pol.prio, "Invalid security policy", "a priority needs an action behind it");
		return;
	}
	rules.dir = p.dir;
	if (b->pol.action.lex && (!sk_action_ok(b, &p.action) || !sk_requests_ok(b, &rules, p.req)))
		return;
	if (p.action == SETKEY_IPSEC)
		p.n_requests = (uint8_t)b->pol.n_requests;
	*ret = p;
}

static int read_copy(char *copy, size_t n, struct setkey_policy *ret, struct setkey_policy_fault *fault)
{
	struct sk_scan scan = {.line = 1, .column = 1};
	sk_gram_pstate *parser;
	void *scanner = NULL;
	struct sk_build b;

	if (sk_scan_new(copy, n, &scan, &scanner) < 0)
		return -ENOMEM;
	parser = sk_gram_pstate_new();
	if (!parser) {
		sk_scan_free(scanner);
		return -ENOMEM;
	}
	sk_scan_enter_policy(scanner);
	sk_build_init(&b, NULL);
	b.alone = true;
	parse(&b, scanner, &scan, parser);
	if (!b.faulty)
		judge(&b, ret);
	sk_gram_pstate_delete(parser);
	sk_scan_free(scanner);
	if (!b.faulty)
		return 0;
	fault->code = b.fault_code;
	fault->title = b.fault_title;
	fault->text = b.fault;
	return -EINVAL;
}

int setkey_policy_read(
    const char *text, size_t n, struct setkey_policy *ret, struct setkey_policy_fault *fault)
{
	AUTO_FREE char *copy = NULL;
	int code = -ENOMEM;

	memset(fault, 0, sizeof(*fault));
	if (n > SK_STATEMENT_BYTES_MAX) {
		fault->code = EIPSEC_INVAL_ARGUMENT;
		fault->title = "this policy is too long";
		return err_set(&fault->text, -EFBIG, "%s; at most %d bytes are possible", fault->title,
		    SK_STATEMENT_BYTES_MAX);
	}
	copy = malloc(n + 2);
	if (copy) {
		memcpy(copy, text, n);
		copy[n] = copy[n + 1] = '\0';
		code = read_copy(copy, n, ret, fault);
	}
	if (code == -ENOMEM) {
		fault->code = EIPSEC_NO_BUFS;
		fault->title = ipsec_code_text(EIPSEC_NO_BUFS);
		err_set(&fault->text, 0, "%s", fault->title);
	}
	return code;
}
