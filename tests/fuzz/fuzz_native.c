/*
 * A postern.conf of any octets. It is taken whole or refused with a remark at a place; no remark has more of
 * a line than may be shown; what was taken is bounded as the model says, and compiles or is refused in words.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "config/native/compile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static unsigned n_errors;

static void check(int ok)
{
	if (!ok)
		abort();
}

static void say(void *arg, const struct native_note *note)
{
	(void)arg;
	n_errors += note->is_error;
	check(note->file[0] && note->line && note->column && note->text[0]);
	check(!strchr(note->source, '"'));
	for (const char *p = note->text; *p; p++)
		check(*p >= 0x20 && *p < 0x7f);
	for (const char *p = note->source; *p; p++)
		check(*p >= 0x20 && *p < 0x7f);
}

/* No file of this machine: a small one for each name. */
static int load(void *arg, const char *path, struct native_text *ret)
{
	(void)arg;
	if (strstr(path, "no"))
		return -ENOENT;
	*ret = (struct native_text){.p = strdup("policy none any = any\n"), .n = 22, .mode = 0600};
	return 0;
}

static int resolve(void *arg, const char *name, enum inet_family family, struct inet_addr *ret)
{
	(void)arg;
	*ret = inet_addr_v4((uint32_t)strlen(name));
	return family == INET_V6 ? -ENOENT : 0;
}

static int source(void *arg, const struct inet_addr *to, struct inet_addr *ret)
{
	(void)arg;
	*ret = *to;
	return 0;
}

static void look_at(const struct native_conf *c)
{
	for (uint32_t i = 0; i < c->n_conns; i++) {
		const struct native_conn *x = &c->conn[i];

		check(x->name[0] && x->remote.kind && x->auth && x->keep && x->ike.n && x->n_children);
		check(x->version == 1 || x->version == 2);
		for (uint8_t k = 0; k < x->n_children; k++)
			check(x->child[k].local.n && x->child[k].remote.n && x->child[k].offers.n);
	}
}

static void compile(const struct native_conf *c)
{
	static const struct native_host_facts host = {.resolve = resolve, .source = source};
	AUTO_NATIVE_PLAN struct native_plan plan = {0};
	const char *why;
	int r;

	n_errors = 0;
	r = native_compile(c, &host, say, NULL, &plan);
	check(r == 0 ? !n_errors : r == -EINVAL && n_errors);
	for (uint32_t i = 0; i < plan.n_policies; i++)
		check(policy_check(&plan.policy[i], &why) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const struct native_options o = {.say = say, .load = load};
	const struct native_text text = {.p = (char *)(uintptr_t)data, .n = n, .mode = 0600};
	AUTO_NATIVE_CONF struct native_conf *c = NULL;
	struct err_text e;
	int r;

	if (secret_init(1 << 20, &e) < 0)
		return 0;
	n_errors = 0;
	r = native_read_text("f", &text, &o, &c);
	check(r == 0 ? c && !n_errors : !c && (n_errors || r == -ENOMEM));
	if (!c)
		return 0;
	look_at(c);
	compile(c);
	return 0;
}
