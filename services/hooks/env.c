/*
 * Names and forms are racoon's, which old scripts know: lists have spaces between, a value that was not given
 * is empty. Two values have octets of a stranger's choice, and scripts forget quotes; so those are passed
 * that mean nothing to a shell in any place, and the others written as %XX. Two different names so never
 * become one.
 */
#include "hooks/env.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/sbuf.h"

void hook_env_fini(struct hook_env *env)
{
	while (env->n)
		free(env->v[--env->n]);
}

/* The value is emptied for the next one. */
static void add(struct hook_env *env, const char *name, struct sbuf *value, bool *ok)
{
	char *text = NULL;

	*ok = *ok && !value->bad && env->n < HOOK_ENV_MAX &&
	      asprintf(&text, "%s=%s", name, sbuf_str(value)) >= 0;
	if (*ok)
		env->v[env->n++] = text;
	env->v[env->n] = NULL;
	sbuf_reset(value);
}

static bool is_harmless(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c && strchr("._-@:/=,+", c));
}

static void put_text(struct sbuf *to, const struct hook_text *t)
{
	for (size_t i = 0; i < t->n; i++) {
		/* In front it would make an option of the word. */
		bool ok = is_harmless(t->p[i]) && !(i == 0 && t->p[i] == '-');

		sbuf_add(to, ok ? "%c" : "%%%02X", t->p[i]);
	}
}

static void put_addr(struct sbuf *to, const struct inet_addr *a)
{
	char text[INET_ADDR_STRLEN];

	if (a->family != INET_NONE)
		sbuf_add(to, "%s", inet_addr_format(a, text));
}

static void put_servers(struct sbuf *to, const struct hook_servers *s)
{
	for (size_t i = 0; i < s->n; i++) {
		sbuf_add(to, "%s", i ? " " : "");
		put_addr(to, &s->addr[i]);
	}
}

static uint32_t mask_of(uint8_t plen)
{
	return plen ? UINT32_MAX << (32 - plen) : 0;
}

static void put_nets(struct sbuf *to, const struct hook_nets *nets, bool cidr)
{
	for (size_t i = 0; i < nets->n; i++) {
		const struct inet_addr mask = inet_addr_v4(mask_of(nets->net[i].plen));
		const struct inet_addr net = inet_prefix_first(&nets->net[i]);

		sbuf_add(to, "%s", i ? " " : "");
		put_addr(to, &net);
		sbuf_add(to, "/");
		if (cidr)
			sbuf_add(to, "%u", nets->net[i].plen);
		else
			put_addr(to, &mask);
	}
}

static void put_mask_bits(struct sbuf *to, const struct inet_addr *mask)
{
	int bits = 0;

	for (size_t i = 0; i < inet_addr_len(mask); i++)
		bits += __builtin_popcount(mask->b[i]);
	if (mask->family != INET_NONE)
		sbuf_add(to, "%d", bits);
}

static void add_addr(
    struct hook_env *env, const char *name, const struct inet_addr *a, struct sbuf *b, bool *ok)
{
	put_addr(b, a);
	add(env, name, b, ok);
}

static void add_servers(struct hook_env *env, const char *first, const char *list,
    const struct hook_servers *s, struct sbuf *b, bool *ok)
{
	if (s->n)
		put_addr(b, &s->addr[0]);
	add(env, first, b, ok);
	put_servers(b, s);
	add(env, list, b, ok);
}

static void add_nets(struct hook_env *env, const char *name, const char *cidr, const struct hook_nets *nets,
    struct sbuf *b, bool *ok)
{
	put_nets(b, nets, false);
	add(env, name, b, ok);
	put_nets(b, nets, true);
	add(env, cidr, b, ok);
}

static void add_given(struct hook_env *env, const struct hook_given *g, struct sbuf *b, bool *ok)
{
	add_addr(env, "INTERNAL_ADDR4", &g->address, b, ok);
	add_addr(env, "INTERNAL_NETMASK4", &g->netmask, b, ok);
	put_mask_bits(b, &g->netmask);
	add(env, "INTERNAL_CIDR4", b, ok);
	add_servers(env, "INTERNAL_DNS4", "INTERNAL_DNS4_LIST", &g->dns, b, ok);
	add_servers(env, "INTERNAL_WINS4", "INTERNAL_WINS4_LIST", &g->wins, b, ok);
	add_nets(env, "SPLIT_INCLUDE", "SPLIT_INCLUDE_CIDR", &g->include, b, ok);
	add_nets(env, "SPLIT_LOCAL", "SPLIT_LOCAL_CIDR", &g->local, b, ok);
	put_text(b, &g->domain);
	add(env, "DEFAULT_DOMAIN", b, ok);
}

static void add_port(struct hook_env *env, const char *name, uint16_t port, struct sbuf *b, bool *ok)
{
	sbuf_add(b, "%u", port);
	add(env, name, b, ok);
}

int hook_env_make(const struct hook_event *x, struct hook_env *ret)
{
	AUTO_SBUF struct sbuf b;
	bool ok = true;

	sbuf_init(&b);
	*ret = (struct hook_env){.n = 0};
	sbuf_add(&b, "/usr/sbin:/usr/bin:/sbin:/bin");
	add(ret, "PATH", &b, &ok);
	add_addr(ret, "LOCAL_ADDR", &x->local, &b, &ok);
	add_port(ret, "LOCAL_PORT", x->local_port, &b, &ok);
	add_addr(ret, "REMOTE_ADDR", &x->remote, &b, &ok);
	add_port(ret, "REMOTE_PORT", x->remote_port, &b, &ok);
	put_text(&b, &x->id);
	add(ret, "REMOTE_ID", &b, &ok);
	if (x->has_given)
		add_given(ret, &x->given, &b, &ok);
	if (!ok)
		hook_env_fini(ret);
	return ok ? 0 : -ENOMEM;
}
