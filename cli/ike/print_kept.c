/*
 * `show`, what is kept up: one line a child when it is there, and for one that is not why, and when it is
 * tried again.
 */
#include "cli/ike/ike.h"

static void print_down(FILE *to, const struct ike_row_kept *k)
{
	char down[IKE_TIME_LEN], next[IKE_TIME_LEN];

	fprintf(to, "        down for %s, %u tries failed", ike_time_text(k->down_ms, down), k->tries);
	if (k->next_ms)
		fprintf(to, ", the next in %s", ike_time_text(k->next_ms, next));
	fputc('\n', to);
	if (k->why[0])
		fprintf(to, "        last: %s\n", k->why);
}

static void print_one(FILE *to, const struct ike_row_kept *k)
{
	fprintf(to, "    %-8s ", ike_row_keeping_name(k->state));
	ike_print_selector(to, &k->sel);
	fputc('\n', to);
	if (k->state == IKE_KEPT_HELD)
		fputs("        ended by `ipsecctl down`, until `ipsecctl up`\n", to);
	else if (k->state != IKE_KEPT_UP)
		print_down(to, k);
}

static bool is_first(const struct ike_rows *r, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (inet_addr_equal(&r->kept[k].remote, &r->kept[i].remote))
			return false;
	return true;
}

void ike_print_kept(FILE *to, const struct ike_rows *r, const struct inet_addr *only)
{
	char a[INET_ADDR_STRLEN];

	for (size_t i = 0; i < r->n_kept; i++) {
		const struct inet_addr *peer = &r->kept[i].remote;

		if ((only && !inet_addr_equal(only, peer)) || !is_first(r, i))
			continue;
		fprintf(to, "%s is kept up: connection %s\n", inet_addr_format(peer, a), r->kept[i].name);
		for (size_t k = i; k < r->n_kept; k++)
			if (inet_addr_equal(&r->kept[k].remote, peer))
				print_one(to, &r->kept[k]);
	}
}
