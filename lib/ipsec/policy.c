/*
 * Levels are resolved here and nowhere else: whether a packet may ever leave in clear must have one answer
 * for the kernel's rules and for the data path.
 */
#include "ipsec/policy.h"

#include <errno.h>
#include <string.h>

#include "base/auto.h"

const struct policy_deflev policy_deflev_kame = {LEVEL_USE, LEVEL_USE, LEVEL_USE, LEVEL_USE};

int policy_deflev_set(struct policy_deflev *d, const char *name, uint64_t value)
{
	enum { KAME_USE = 1, KAME_REQUIRE = 2 };
	const struct {
		const char *name;
		enum policy_level *level;
	} rows[] = {{"esp_trans_deflev", &d->esp_trans}, {"esp_net_deflev", &d->esp_net},
	    {"ah_trans_deflev", &d->ah_trans}, {"ah_net_deflev", &d->ah_net}};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (strcmp(rows[i].name, name) != 0)
			continue;
		if (value != KAME_USE && value != KAME_REQUIRE)
			return -EINVAL;
		*rows[i].level = value == KAME_REQUIRE ? LEVEL_REQUIRE : LEVEL_USE;
		return 0;
	}
	return -ENOENT;
}

bool policy_deflev_equal(const struct policy_deflev *a, const struct policy_deflev *b)
{
	return a->esp_trans == b->esp_trans && a->esp_net == b->esp_net && a->ah_trans == b->ah_trans &&
	       a->ah_net == b->ah_net;
}

enum policy_level policy_request_level(const struct policy_request *r, const struct policy_deflev *d)
{
	bool tunnel = r->mode == IPSEC_TUNNEL;

	if (r->level != LEVEL_DEFAULT)
		return r->level;
	switch (r->proto) {
	case IPSEC_ESP:
		return tunnel ? d->esp_net : d->esp_trans;
	case IPSEC_AH:
		return tunnel ? d->ah_net : d->ah_trans;
	default:
		return LEVEL_USE;
	}
}

enum policy_class policy_classify(const struct policy *p, const struct policy_deflev *d)
{
	if (p->action == POLICY_DISCARD)
		return POLICY_CLASS_DISCARD;
	if (p->action == POLICY_PASS || !p->n_requests)
		return POLICY_CLASS_PASS;
	/* Compression protects nothing, and what does not shrink comes without it (RFC 3173 section 2.2). */
	for (uint8_t i = 0; i < p->n_requests; i++)
		if (p->req[i].proto != IPSEC_IPCOMP && policy_request_level(&p->req[i], d) != LEVEL_USE)
			return POLICY_CLASS_PROTECT;
	return POLICY_CLASS_USE;
}

static const char *request_fault(const struct policy_request *r, uint8_t family)
{
	bool has_src = r->src.family != INET_NONE, has_dst = r->dst.family != INET_NONE;

	if (r->proto != IPSEC_ESP && r->proto != IPSEC_AH && r->proto != IPSEC_IPCOMP)
		return "Invalid ipsec protocol";
	if (r->mode != IPSEC_TRANSPORT && r->mode != IPSEC_TUNNEL)
		return "Invalid ipsec mode";
	if (r->level < LEVEL_DEFAULT || r->level > LEVEL_UNIQUE)
		return "Invalid ipsec level";
	if (has_src != has_dst || (r->mode == IPSEC_TUNNEL && !has_src))
		return "Invalid address specification";
	if (has_src && r->src.family != r->dst.family)
		return "Family mismatch";
	if (r->mode == IPSEC_TRANSPORT && has_src && r->src.family != family)
		return "Family mismatch";
	if (!r->src_port != !r->dst_port || (r->src_port && (!has_src || r->proto != IPSEC_ESP)))
		return "ports belong to both endpoints of an esp request, or to neither";
	return NULL;
}

int policy_check(const struct policy *p, const char **ret_why)
{
	const char *why = NULL;
	int r = selector_check(&p->sel, ret_why);

	if (r < 0)
		return r;
	if (p->dir < POLICY_IN || p->dir > POLICY_FWD)
		why = "Invalid direction";
	else if (p->action < POLICY_DISCARD || p->action > POLICY_IPSEC)
		why = "Invalid security policy";
	else if (p->in_only && p->dir != POLICY_IN)
		why = "only an `in` policy can leave forwarded packets alone";
	else if (p->n_requests > POLICY_REQUESTS_MAX)
		why = "too many requests in one policy (at most 10)";
	for (uint8_t i = 0; !why && i < p->n_requests; i++)
		why = request_fault(&p->req[i], p->sel.src.addr.family);
	if (!why)
		return 0;
	*ret_why = why;
	return -EINVAL;
}

bool policy_same_entry(const struct policy *a, const struct policy *b)
{
	return a->dir == b->dir && selector_equal(&a->sel, &b->sel);
}

static const char *name_in(const char *const *names, size_t n, unsigned i)
{
	return i < n && names[i] ? names[i] : "?";
}

static bool same_request(const struct policy_request *a, const struct policy_request *b)
{
	return a->proto == b->proto && a->mode == b->mode && a->level == b->level &&
	       inet_addr_equal(&a->src, &b->src) && inet_addr_equal(&a->dst, &b->dst) &&
	       a->src_port == b->src_port && a->dst_port == b->dst_port;
}

bool policy_same_requests(const struct policy *a, const struct policy *b)
{
	bool same = a->n_requests == b->n_requests;

	for (uint8_t i = 0; same && i < a->n_requests; i++)
		same = same_request(&a->req[i], &b->req[i]);
	return same;
}

const char *policy_dir_name(enum policy_dir d)
{
	static const char *const names[] = {[POLICY_IN] = "in", [POLICY_OUT] = "out", [POLICY_FWD] = "fwd"};

	return name_in(names, ARRAY_SIZE(names), d);
}

const char *policy_action_name(enum policy_action a)
{
	static const char *const names[] = {
	    [POLICY_DISCARD] = "discard", [POLICY_PASS] = "none", [POLICY_IPSEC] = "ipsec"};

	return name_in(names, ARRAY_SIZE(names), a);
}

const char *policy_level_name(enum policy_level l)
{
	static const char *const names[] = {[LEVEL_DEFAULT] = "default",
	    [LEVEL_USE] = "use",
	    [LEVEL_REQUIRE] = "require",
	    [LEVEL_UNIQUE] = "unique"};

	return name_in(names, ARRAY_SIZE(names), l);
}

const char *ipsec_proto_name(enum ipsec_proto p)
{
	switch (p) {
	case IPSEC_ESP:
		return "esp";
	case IPSEC_AH:
		return "ah";
	case IPSEC_IPCOMP:
		return "ipcomp";
	default:
		return "?";
	}
}

const char *ipsec_mode_name(enum ipsec_mode m)
{
	static const char *const names[] = {
	    [IPSEC_MODE_ANY] = "any", [IPSEC_TRANSPORT] = "transport", [IPSEC_TUNNEL] = "tunnel"};

	return name_in(names, ARRAY_SIZE(names), m);
}
