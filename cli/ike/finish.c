/*
 * keyd ends what it knows and tells the peers. SAs of an earlier life of keyd it does not know: datapathd
 * still has them, and ends them without a word to anybody.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/auto.h"
#include "cli/ike/begin.h"

enum { LEFT_MAX = 4096 };

struct left {
	const struct inet_addr *peer;
	const struct ike_rows *known;
	struct sa_desc *sa;
	size_t n;
};

static bool is_known(const struct ike_rows *rows, const struct sa_desc *d)
{
	for (size_t i = 0; i < rows->n_children; i++) {
		const struct ike_row_child *k = &rows->child[i];
		bool in = inet_addr_equal(&k->remote, &d->src);

		for (uint8_t p = 0; p < k->n_parts; p++)
			if (k->part[p].proto == d->proto &&
			    d->spi == (in ? k->part[p].spi_in : k->part[p].spi_out))
				return true;
	}
	return false;
}

static int collect(const struct sa_desc *d, const struct sa_status *s, void *arg)
{
	struct left *l = arg;

	if (s->manual || s->state == SA_LARVAL || l->n == LEFT_MAX ||
	    (!inet_addr_equal(&d->src, l->peer) && !inet_addr_equal(&d->dst, l->peer)) ||
	    is_known(l->known, d))
		return 0;
	l->sa[l->n] = *d;
	l->sa[l->n].enc_key = l->sa[l->n].auth_key = NULL;
	l->sa[l->n].more_reqids = NULL;
	l->sa[l->n].n_more = 0;
	l->n++;
	return 0;
}

/* Asked for before keyd ends anything: its own removals are no leftovers. One may end by itself meanwhile. */
static int remove_left(struct cli *cli, const struct ike_rows *known, const struct inet_addr *peer,
    uint32_t *ret_n, struct err_text *e)
{
	AUTO_SYNC struct ipc_sync *datapathd = NULL;
	AUTO_FREE struct sa_desc *list = calloc(LEFT_MAX, sizeof(*list));
	struct left l = {.peer = peer, .known = known, .sa = list};
	int r = list ? cli_open_service(cli, "datapathd", &datapathd, e) : -ENOMEM;

	if (r == 0)
		r = cli_each_sa(datapathd, 0, false, collect, &l, e);
	for (size_t i = 0; r >= 0 && i < l.n; i++) {
		r = ike_remove_sa(datapathd, &l.sa[i], e);
		*ret_n += r >= 0;
		r = r == -ENOENT || r == -ESRCH ? 0 : r;
	}
	return r < 0 ? r : 0;
}

static const char *plural(uint32_t n)
{
	return n == 1 ? "" : "s";
}

int ike_finish(struct cli *cli, const struct ike_row_filter *f, const char *what, bool leftovers)
{
	AUTO_SYNC struct ipc_sync *keyd = NULL;
	struct ike_row_ended n = {0};
	struct ike_rows known = {0};
	struct err_text e = {{0}};
	uint32_t left = 0;
	int r = cli_open_service(cli, "keyd", &keyd, &e);

	if (r == 0 && leftovers)
		r = ike_rows_read(keyd, &known, &e);
	if (r == 0 && leftovers)
		r = remove_left(cli, &known, &f->remote, &left, &e);
	if (r == 0)
		r = ike_end(keyd, f, &n, &e);
	ike_rows_fini(&known);
	if (r < 0)
		return cli_fail(cli, "%s", e.s);
	if (!n.n_sas && !n.n_children && !left && !n.n_held)
		return cli_fail(cli, "%s: there is nothing to end.", what);
	fprintf(cli->out, "%s: ended %u SA%s of key exchange and %u pair%s of IPsec SAs.\n", what, n.n_sas,
	    plural(n.n_sas), n.n_children, plural(n.n_children));
	if (n.n_untold)
		fprintf(cli->out,
		    "The peer could not be told of %u pair%s: there was no SA of key exchange with it.\n",
		    n.n_untold, plural(n.n_untold));
	if (n.n_held)
		fprintf(cli->out,
		    "%s is kept up no more until `ipsecctl up %s`, or a load that changes it.\n", what, what);
	if (left)
		fprintf(cli->out, "%u SA%s that keyd knew nothing of went too; the peer was not told.\n",
		    left, plural(left));
	return CLI_OK;
}
