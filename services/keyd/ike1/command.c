/*
 * What an administrator has keyd do: begin, and end.
 */
#include <errno.h>

#include "keyd/core/watch.h"
#include "keyd/ike1/child.h"
#include "keyd/ike1/inform.h"
#include "keyd/ike1/isakmp.h"
#include "keyd/ike1/phase1.h"
#include "keyd/ike1/quick.h"

/* The ISAKMP SA alone. */
static int up_isakmp(struct core *c, uint64_t token, const struct ike_path *path, struct err_text *e)
{
	const struct ike_peer *p = ike_conf_find_peer(c->conf->c, &path->remote);
	struct isakmp *sa = quick_phase1_with(c, (uint32_t)(p - c->conf->c->peer), path);
	int r;

	if (!sa)
		return err_set(e, -EINVAL, "it cannot be begun: exchange_mode or memory is missing");
	if (isakmp_is_up(sa))
		return 1;
	r = watch_add(c, sa, token);
	if (r < 0)
		return err_set(e, r, "nobody can wait for it: %s", err_name(r));
	phase1_begin(sa);
	return 0;
}

int core_up(
    struct core *c, uint64_t token, const struct ike_path *path, const struct policy *p, struct err_text *e)
{
	const char *why = quick_unfit(c, path);
	char b[INET_ADDR_STRLEN];
	int r;

	if (why)
		return err_set(
		    e, -EINVAL, "%s is not negotiated with: %s", inet_addr_format(&path->remote, b), why);
	r = p ? quick_up(c, token, path, p, e) : up_isakmp(c, token, path, e);
	isakmp_bury(c);
	return r;
}

static bool is_path(const struct ike_filter *f, const struct ike_path *p)
{
	return (f->local.family == INET_NONE || inet_addr_equal(&f->local, &p->local)) &&
	       (f->remote.family == INET_NONE || inet_addr_equal(&f->remote, &p->remote));
}

static bool has_spi(const struct ike_filter *f, const struct child *k)
{
	for (uint8_t i = 0; i < k->n_parts; i++) {
		const struct child_part *p = &k->part[i];

		if ((f->proto == IPSEC_PROTO_NONE || f->proto == p->proto) &&
		    (!f->spi || f->spi == p->spi_in || f->spi == p->spi_out))
			return true;
	}
	return false;
}

static bool is_meant_child(const struct ike_filter *f, const struct child *k)
{
	return f->children && is_path(f, &k->path) && has_spi(f, k) &&
	       (!f->has_selector || selector_equal(&f->selector, &k->out.sel));
}

static bool is_meant_sa(const struct ike_filter *f, const struct isakmp *sa)
{
	return f->sas && is_path(f, &sa->path) &&
	       (!f->has_spis || (memcmp(f->spi_i, sa->icookie, IKE_COOKIE_LEN) == 0 &&
	                            memcmp(f->spi_r, sa->rcookie, IKE_COOKIE_LEN) == 0));
}

/* Children first: their peers hear of it under the ISAKMP SA that goes after them. */
struct core_ended core_delete(struct core *c, const struct ike_filter *f)
{
	struct core_ended n = {0};

	list_foreach_safe (k, next, &c->children, struct child, node)
		if (is_meant_child(f, k)) {
			child_end(k, true, "deleted");
			n.children++;
		}
	list_foreach_safe (sa, after, &c->isakmp, struct isakmp, all)
		if (is_meant_sa(f, sa)) {
			inform_delete_isakmp(sa);
			sa->failure = "deleted by the administrator";
			isakmp_end(sa);
			n.sas++;
		}
	isakmp_bury(c);
	return n;
}
