/*
 * netstat's options in every order and cluster in which they are found in old notes and scripts; options that
 * have no meaning here (-n) are taken and ignored, a protocol that is not ours is named in the refusal.
 */
#include "cli/stats.h"

#include <errno.h>
#include <string.h>

#include "base/auto.h"

static int take_protocol(const char *name, struct stats_options *o, struct err_text *e)
{
	if (strcmp(name, "ipsec") == 0)
		o->v4 = true;
	else if (strcmp(name, "ipsec6") == 0)
		o->v6 = true;
	else if (strcmp(name, "pfkey") == 0)
		return err_set(e, -EINVAL,
		    "there are no pfkey statistics: this suite has no PF_KEY socket. Ask for ipsec or "
		    "ipsec6.");
	else
		return err_set(
		    e, -EINVAL, "protocol `%s` has no statistics here. Ask for ipsec or ipsec6.", name);
	return 0;
}

/* One word of clustered options: -nsp, with the protocol behind the p or in the next word. */
static int netstat_cluster(const char *w, const char *next, bool *used_next, unsigned *n_s,
    struct stats_options *o, struct err_text *e)
{
	for (; *w; w++) {
		switch (*w) {
		case 'n':
			break;
		case 's':
			++*n_s;
			break;
		case 'p':
			if (w[1])
				return take_protocol(w + 1, o, e);
			if (!next)
				return err_set(e, -EINVAL, "-p needs a protocol: ipsec or ipsec6.");
			*used_next = true;
			return take_protocol(next, o, e);
		default:
			return err_set(e, -EINVAL,
			    "option -%c is not known here. `netstat -nsp ipsec` is the form that works.", *w);
		}
	}
	return 0;
}

int netstat_parse(int argc, char **argv, struct stats_options *ret, struct err_text *e)
{
	struct stats_options o = {0};
	unsigned n_s = 0;
	int r;

	for (int i = 1; i < argc; i++) {
		bool used_next = false;

		if (argv[i][0] != '-' || !argv[i][1])
			return err_set(e, -EINVAL,
			    "`%s` is not an option. `netstat -nsp ipsec` is the form that works.", argv[i]);
		r = netstat_cluster(argv[i] + 1, argv[i + 1], &used_next, &n_s, &o, e);
		if (r < 0)
			return r;
		i += used_next;
	}
	if (!n_s && !o.v4 && !o.v6)
		return err_set(e, -EINVAL, "only statistics are shown here: `netstat -nsp ipsec`.");
	if (!o.v4 && !o.v6)
		o.v4 = o.v6 = true;
	o.skip_zero = n_s > 1;
	*ret = o;
	return 0;
}

int stats_parse(int argc, char **argv, struct stats_options *ret, struct err_text *e)
{
	struct stats_options o = {0};
	int r;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "-4") == 0)
			o.v4 = true;
		else if (strcmp(argv[i], "-6") == 0)
			o.v6 = true;
		else if (strcmp(argv[i], "-ss") == 0)
			o.skip_zero = true;
		else if (strcmp(argv[i], "-d") == 0)
			o.drops = true;
		else if (argv[i][0] == '-')
			return err_set(
			    e, -EINVAL, "there is no option %s here; there are -4, -6, -ss and -d.", argv[i]);
		else if ((r = take_protocol(argv[i], &o, e)) < 0)
			return r;
	}
	if (!o.v4 && !o.v6)
		o.v4 = true;
	*ret = o;
	return 0;
}
