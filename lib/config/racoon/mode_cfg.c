/*
 * The block mode_cfg (racoon-conf.md section 6.1): what clients are given, and where their users are looked
 * up. racoon asked the system, PAM, RADIUS or LDAP; here certd has a file, and nobody else sees passwords.
 */
#include <stdio.h>
#include <string.h>

#include "config/racoon/reader.h"

enum { AUTH_FILE = 1, ELSEWHERE = 2, THROTTLE_MAX_S = 60 };

static struct ike_pool *pool_of(void *block)
{
	return &((struct ike_conf *)block)->pool;
}

/* An address of version 4. */
static bool addr4(struct rc_cur *c, struct inet_addr *ret)
{
	const struct rc_word *w = rc_peek(c);

	if (!rc_addr(c, ret))
		return false;
	return ret->family == INET_V4 ? true : rc_fault(c, w, "is no IPv4 address");
}

static bool network4(struct rc_cur *c, void *block)
{
	return addr4(c, &pool_of(block)->network4) && rc_end(c);
}

static bool netmask4(struct rc_cur *c, void *block)
{
	const struct rc_word *w = rc_peek(c);
	struct inet_addr a;
	bool zero = false;

	if (!addr4(c, &a) || !rc_end(c))
		return false;
	for (uint8_t i = 0; i < inet_addr_bits(&a); i++) {
		bool one = a.b[i / 8] & 0x80 >> i % 8;

		if (zero && one)
			return rc_fault(c, w, "is no mask: ones come first");
		zero |= !one;
	}
	pool_of(block)->netmask4 = a;
	return true;
}

static bool pool_size(struct rc_cur *c, void *block)
{
	uint64_t v;

	if (!rc_number(c, 1, IKE_POOL_MAX, &v) || !rc_end(c))
		return false;
	pool_of(block)->size = (uint32_t)v;
	return true;
}

static bool servers(struct rc_cur *c, struct inet_addr *to, uint8_t max, uint8_t *n)
{
	*n = 0;
	do {
		if (*n == max)
			return rc_fault(c, rc_peek(c), "is one too many: %u are sent", max);
		if (!addr4(c, &to[*n]))
			return false;
		(*n)++;
	} while (rc_skip(c, ","));
	return rc_end(c);
}

static bool dns4(struct rc_cur *c, void *block)
{
	struct ike_pool *p = pool_of(block);

	return servers(c, p->dns4, ARRAY_SIZE(p->dns4), &p->n_dns4);
}

static bool wins4(struct rc_cur *c, void *block)
{
	struct ike_pool *p = pool_of(block);

	return servers(c, p->wins4, ARRAY_SIZE(p->wins4), &p->n_wins4);
}

static bool net(struct rc_cur *c, struct inet_prefix *ret)
{
	uint64_t plen;

	if (!addr4(c, &ret->addr))
		return false;
	if (!rc_skip(c, "/"))
		return rc_fault(c, rc_peek(c), "a network is written ADDRESS/LENGTH");
	if (!rc_number(c, 0, inet_addr_bits(&ret->addr), &plen))
		return false;
	ret->plen = (uint8_t)plen;
	ret->addr = inet_prefix_first(ret);
	return true;
}

/* Each kind has a list of its own, and a further statement adds to it. */
static bool split_network(struct rc_cur *c, void *block)
{
	enum { INCLUDE, LOCAL_LAN };
	static const struct rc_choice kinds[] = {{"include", INCLUDE}, {"local_lan", LOCAL_LAN}};
	struct ike_nets *to;
	uint32_t kind;

	if (!rc_pick(c, "include or local_lan", kinds, ARRAY_SIZE(kinds), &kind))
		return false;
	to = kind == INCLUDE ? &pool_of(block)->include : &pool_of(block)->local_lan;
	do {
		if (to->n == IKE_SPLITS_MAX)
			return rc_fault(
			    c, rc_peek(c), "is one too many: %d of a kind are sent", IKE_SPLITS_MAX);
		if (!net(c, &to->net[to->n]))
			return false;
		to->n++;
	} while (rc_skip(c, ","));
	return rc_end(c);
}

/* "A", "B": one text with commas between. */
static bool texts(struct rc_cur *c, char **ret)
{
	AUTO_FREE char *all = NULL;
	const struct rc_word *w = rc_peek(c);

	do {
		AUTO_FREE char *one = NULL, *both = NULL;

		if (!rc_string(c, &one))
			return false;
		if (strchr(one, ','))
			return rc_fault(c, w, "has a comma inside");
		if (asprintf(&both, "%s%s%s", all ? all : "", all ? "," : "", one) < 0) {
			both = NULL;
			return rc_no_memory(c);
		}
		free(all);
		all = take_ptr(both);
	} while (rc_skip(c, ","));
	if (strlen(all) > IKE_CONF_TEXT_MAX)
		return rc_fault(c, w, "is a list longer than %d octets", IKE_CONF_TEXT_MAX);
	free(*ret);
	*ret = take_ptr(all);
	return rc_end(c);
}

static bool split_dns(struct rc_cur *c, void *block)
{
	return texts(c, &pool_of(block)->split_dns);
}

static bool auth_groups(struct rc_cur *c, void *block)
{
	return texts(c, &pool_of(block)->auth_groups);
}

static bool default_domain(struct rc_cur *c, void *block)
{
	return rc_string(c, &pool_of(block)->default_domain) && rc_end(c);
}

static bool auth_source(struct rc_cur *c, void *block)
{
	static const struct rc_choice words[] = {{"file", AUTH_FILE}, {"system", ELSEWHERE},
	    {"pam", ELSEWHERE}, {"radius", ELSEWHERE}, {"ldap", ELSEWHERE}};
	const struct rc_word *w = rc_peek(c);
	struct ike_pool *p = pool_of(block);
	uint32_t v;

	if (!rc_pick(c, "file \"NAME\"", words, ARRAY_SIZE(words), &v))
		return false;
	if (v != AUTH_FILE)
		return rc_fault(c, w,
		    "is not asked: users are in a file of lines NAME:HASH, as /etc/shadow has them: "
		    "auth_source "
		    "file \"xauth.txt\"");
	return rc_string(c, &p->users_file) && rc_end(c);
}

static bool group_source(struct rc_cur *c, void *block)
{
	static const struct rc_choice words[] = {{"system", ELSEWHERE}, {"ldap", ELSEWHERE}};
	const struct rc_word *w = rc_peek(c);
	uint32_t v;

	if (!rc_pick(c, "system or ldap", words, ARRAY_SIZE(words), &v))
		return false;
	rc_warn(c, w,
	    "is ignored: a user's groups stand in the file of auth_source, behind the password; who has "
	    "none there is in none");
	return rc_end(c);
}

static bool conf_source(struct rc_cur *c, void *block)
{
	static const struct rc_choice words[] = {
	    {"local", AUTH_FILE}, {"radius", ELSEWHERE}, {"ldap", ELSEWHERE}};
	const struct rc_word *w = rc_peek(c);
	uint32_t v;

	if (!rc_pick(c, "local", words, ARRAY_SIZE(words), &v))
		return false;
	if (v != AUTH_FILE)
		return rc_fault(c, w, "is not asked for addresses: they come from this block's network4");
	return rc_end(c);
}

static bool accounting(struct rc_cur *c, void *block)
{
	if (!rc_skip(c, "none"))
		rc_warn(c, rc_peek(c), "is ignored: who came and went is in the log");
	return true;
}

static bool banner(struct rc_cur *c, void *block)
{
	AUTO_FREE char *path = NULL, *text = NULL;
	const struct rc_word *w = rc_peek(c);
	size_t n;
	int r;

	if (!rc_string(c, &path) || !rc_end(c))
		return false;
	r = rc_load(c->r, path, &text, &n);
	if (r < 0) {
		rc_warn(c, w, "cannot be read (%s): no banner is sent", err_name(r));
		return true;
	}
	while (n && (text[n - 1] == '\n' || text[n - 1] == '\r'))
		n--;
	if (n > IKE_CONF_TEXT_MAX || memchr(text, 0, n))
		return rc_fault(c, w, "is longer than %d octets, or no text", IKE_CONF_TEXT_MAX);
	free(pool_of(block)->banner);
	pool_of(block)->banner = n ? strndup(text, n) : NULL;
	return n && !pool_of(block)->banner ? rc_no_memory(c) : true;
}

static bool auth_throttle(struct rc_cur *c, void *block)
{
	uint64_t v;

	if (!rc_number(c, 0, THROTTLE_MAX_S, &v) || !rc_end(c))
		return false;
	pool_of(block)->auth_throttle_s = (uint32_t)v;
	return true;
}

static bool pfs_group(struct rc_cur *c, void *block)
{
	enum alg_group g;

	if (!rc_group(c, &g, NULL) || !rc_end(c))
		return false;
	pool_of(block)->pfs_group = g;
	return true;
}

static bool save_passwd(struct rc_cur *c, void *block)
{
	return rc_switch(c, &pool_of(block)->save_passwd) && rc_end(c);
}

/* The last address has to be one. */
static bool check(struct rc_cur *c, const struct ike_pool *p)
{
	static const struct inet_addr none;
	uint32_t first = 0;

	if (inet_addr_equal(&p->network4, &none))
		return true;
	for (size_t i = 0; i < 4; i++)
		first = first << 8 | p->network4.b[i];
	if (first > UINT32_MAX - p->size)
		return rc_fault(c, NULL, "has a pool that ends behind the last address there is");
	return true;
}

bool rc_mode_cfg(struct rc_cur *c, void *block)
{
	static const struct rc_verb verbs[] = {{"network4", network4, false}, {"netmask4", netmask4, false},
	    {"pool_size", pool_size, false}, {"dns4", dns4, false}, {"wins4", wins4, false},
	    {"nbns4", wins4, false}, {"split_network", split_network, false}, {"split_dns", split_dns, false},
	    {"default_domain", default_domain, false}, {"auth_source", auth_source, false},
	    {"auth_groups", auth_groups, false}, {"group_source", group_source, false},
	    {"conf_source", conf_source, false}, {"accounting", accounting, false}, {"banner", banner, false},
	    {"auth_throttle", auth_throttle, false}, {"pfs_group", pfs_group, false},
	    {"save_passwd", save_passwd, false}};
	struct ike_conf *conf = block;

	if (!rc_end(c))
		return false;
	if (!c->s->has_body)
		return rc_fault(c, NULL, "wants a block behind it");
	conf->pool.present = true;
	rc_run_body(c, verbs, ARRAY_SIZE(verbs), conf);
	return check(c, &conf->pool);
}
