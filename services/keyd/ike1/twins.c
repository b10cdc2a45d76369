/*
 * Both sides see the same cookies and SPIs, so both know which one stays, and each ends what it has begun
 * itself. Renewals are no twins: they are further apart. Pairs go first: the peer is told under one of the
 * SAs, and must still have that.
 */
#include "keyd/ike1/twins.h"

#include "keyd/core/child.h"
#include "keyd/ike1/inform.h"
#include "keyd/ike1/quick.h"

enum { APART_MS = 30000 };

static bool at_once(uint64_t a, uint64_t b)
{
	return a < b + APART_MS && b < a + APART_MS;
}

static bool is_at(const struct inet_addr *a, const struct ike_path *path)
{
	return inet_addr_equal(a, &path->remote);
}

static bool is_busy(const struct isakmp *sa)
{
	list_foreach (q, &sa->quicks, struct quick, node)
		if (q->state != QUICK_DONE)
			return true;
	return false;
}

static bool has_better(const struct isakmp *sa)
{
	list_foreach (other, &sa->core->isakmp, struct isakmp, all)
		if (isakmp_is_up(other) && memcmp(other->icookie, sa->icookie, IKE_COOKIE_LEN) > 0 &&
		    at_once(other->established_ms, sa->established_ms) && party_same(other->party, sa->party))
			return true;
	return false;
}

static void end_sas(struct core *c, const struct ike_path *path)
{
	list_foreach_safe (sa, next, &c->isakmp, struct isakmp, all) {
		if (!isakmp_is_up(sa) || !sa->initiator || !is_at(&sa->path.remote, path) || is_busy(sa) ||
		    !has_better(sa))
			continue;
		inform_delete_isakmp(sa);
		sa->failure = "deleted: both sides began at once, and one is enough";
		isakmp_end(sa);
	}
}

static bool has_greater(const struct child *k)
{
	list_foreach (other, &k->core->children, struct child, node)
		if (other != k && other->ops == k->ops && other->out.id == k->out.id && !other->replaced &&
		    party_same(other->party, k->party) && at_once(other->made_ms, k->made_ms) &&
		    child_is_lesser(k, other))
			return true;
	return false;
}

static void end_pairs(struct core *c, const struct ike_path *path)
{
	list_foreach_safe (k, next, &c->children, struct child, node) {
		if (k->ops != &quick_child_ops || !k->initiator || k->replaced ||
		    !is_at(&k->path.remote, path) || !has_greater(k))
			continue;
		child_tell(k);
		child_replace(k);
	}
}

static bool has_pairs(struct core *c, const struct ike_path *path)
{
	list_foreach (k, &c->children, struct child, node) {
		if (!is_at(&k->path.remote, path))
			continue;
		list_foreach (other, &c->children, struct child, node)
			if (k != other && other->out.id == k->out.id && party_same(other->party, k->party))
				return true;
	}
	return false;
}

bool twins_end(struct core *c, const struct ike_path *path)
{
	end_pairs(c, path);
	if (has_pairs(c, path))
		return false;
	end_sas(c, path);
	return true;
}
