/*
 * keyd's events in racoonctl's form, `TEXT : SRC -> DST`. The addresses are those that keyd's own line names
 * first, as ADDRESS[PORT].
 */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "cli/admin.h"
#include "cli/racoonctl/racoonctl.h"

static const struct {
	const char *name, *has; /* the event, and what its text has; "" anything */
	const char *text;
} kinds[] = {
    {"isakmp.up", "", "Phase 1 established"},
    {"isakmp.end", "dead", "Phase 1 error: dead peer detected"},
    {"isakmp.end", "", "Phase 1 deleted"},
    {"isakmp.failed", "no answer", "Phase 1 error: peer not responding"},
    {"isakmp.failed", "time is up", "Phase 1 error: peer not responding"},
    {"isakmp.failed", "proposal", "Phase 1 error: no proposal chosen"},
    {"isakmp.failed", "", "Phase 1 error: authentication failed"},
    {"ipsec.up", "", "Phase 2 established"},
    {"ipsec.end", "", "Phase 2 deleted"},
    {"ipsec.failed", "phase1", "Phase 2 error: no suitable phase 1"},
    {"ipsec.failed", "phase 1", "Phase 2 error: no suitable phase 1"},
    {"ipsec.failed", "", "Phase 2 error: peer not responding"},
};

/* The next ADDRESS[PORT], or NULL; *text is moved behind it. */
static const char *next_addr(const char **text, char *buf, size_t room)
{
	const char *bracket;
	struct inet_addr a;

	while ((bracket = strchr(*text, '['))) {
		const char *begin = bracket;
		size_t n;

		while (begin > *text && (isxdigit((unsigned char)begin[-1]) || strchr(".:%", begin[-1])))
			begin--;
		n = (size_t)(bracket - begin);
		*text = bracket + 1;
		if (!n || n >= room)
			continue;
		memcpy(buf, begin, n);
		buf[n] = '\0';
		if (inet_addr_parse(buf, &a) == 0)
			return buf;
	}
	return NULL;
}

/* A line that names bare addresses: A<=>B. */
static bool bare_pair(const char *text, char *a, char *b, size_t room)
{
	const char *arrow = strstr(text, "<=>"), *begin = arrow;
	struct inet_addr addr;
	size_t n;

	if (!arrow)
		return false;
	while (begin > text && begin[-1] != ' ')
		begin--;
	n = strcspn(arrow + 3, " ");
	if ((size_t)(arrow - begin) >= room || n >= room)
		return false;
	memcpy(a, begin, (size_t)(arrow - begin));
	a[arrow - begin] = '\0';
	memcpy(b, arrow + 3, n);
	b[n] = '\0';
	return inet_addr_parse(a, &addr) == 0 && inet_addr_parse(b, &addr) == 0;
}

bool racoonctl_event_text(const char *name, const char *text, char buf[RACOONCTL_EVENT_MAX])
{
	char a[INET_ADDR_STRLEN], b[INET_ADDR_STRLEN];
	const char *at = text;
	bool both;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (strcmp(kinds[i].name, name) != 0 || !strstr(text, kinds[i].has))
			continue;
		both = (next_addr(&at, a, sizeof(a)) && next_addr(&at, b, sizeof(b))) ||
		       bare_pair(text, a, b, sizeof(a));
		snprintf(buf, RACOONCTL_EVENT_MAX, "%s : %s -> %s", kinds[i].text, both ? a : "unknown",
		    both ? b : "unknown");
		return true;
	}
	return false;
}

int racoonctl_show_event(const struct racoonctl *x, int argc, char **argv)
{
	AUTO_SYNC struct ipc_sync *keyd = NULL;
	struct err_text e = {{0}};
	char line[RACOONCTL_EVENT_MAX];
	struct admin_event ev;
	int r;

	if (argc != 1)
		return cli_fail(x->cli, "show-event takes no words.");
	r = cli_open_service(x->cli, "keyd", &keyd, &e);
	if (r == 0)
		r = admin_start_monitor(keyd, &e);
	while (r == 0 && !ferror(x->cli->out)) {
		r = admin_wait_event(keyd, &ev, &e);
		if (r < 0 || !racoonctl_event_text(ev.name, ev.text, line))
			continue;
		fprintf(x->cli->out, "%s\n", line);
		fflush(x->cli->out);
	}
	if (r == -ECONNRESET || r == -EPIPE)
		fprintf(x->cli->out, "Racoon terminated : unknown -> unknown\n");
	return r < 0 ? cli_fail(x->cli, "%s", e.s) : CLI_OK;
}
