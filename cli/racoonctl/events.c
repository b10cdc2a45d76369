/*
 * keyd's events under racoon's names for them.
 */
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "cli/admin.h"
#include "cli/racoonctl/racoonctl.h"

static const struct {
	const char *name; /* keyd's */
	const char *in;   /* text that must be in it; NULL: any */
	const char *said;
} kinds[] = {
    {"isakmp.up", NULL, "Phase 1 established"},
    {"isakmp.end", NULL, "Phase 1 deleted"},
    {"isakmp.failed", "no answer", "Phase 1 error: no response from peer"},
    {"isakmp.failed", "time is up", "Phase 1 error: no response from peer"},
    {"isakmp.failed", "proposal", "Phase 1 error: no proposal chosen"},
    {"isakmp.failed", "proof", "Phase 1 error: authentication failed"},
    {"isakmp.failed", NULL, "Phase 1 error"},
    {"isakmp.dead", NULL, "Phase 1 error: peer is dead"},
    {"ipsec.up", NULL, "Phase 2 established"},
    {"ipsec.end", NULL, "Phase 2 deleted"},
    {"ipsec.failed", "waiting for phase1", "Phase 2 error: no suitable phase 1"},
    {"ipsec.failed", "no answer", "Phase 2 error: no response from peer"},
    {"ipsec.failed", NULL, "Phase 2 error"},
};

static const char *word_for(const char *name, const char *text)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strcmp(name, kinds[i].name) == 0 && (!kinds[i].in || strstr(text, kinds[i].in)))
			return kinds[i].said;
	return NULL;
}

/* "A[500]-B[500]", "A[0]->B[0]" or "A<=>B" somewhere in a text: its two addresses. */
static bool ends_in(const char *text, struct inet_addr *a, struct inet_addr *b)
{
	static const char stops[] = " [<>-=]";

	for (const char *at = text; *at; at++) {
		char word[2][INET_ADDR_STRLEN];
		size_t n = strcspn(at, stops), m;
		const char *next = at + n;

		if ((at != text && at[-1] != ' ') || !n || n >= sizeof(word[0]))
			continue;
		if (*next == '[')
			next += strcspn(next, "]") + 1;
		next += strspn(next, "<->=");
		m = strcspn(next, stops);
		if (!m || m >= sizeof(word[1]))
			continue;
		snprintf(word[0], sizeof(word[0]), "%.*s", (int)n, at);
		snprintf(word[1], sizeof(word[1]), "%.*s", (int)m, next);
		if (inet_addr_parse(word[0], a) == 0 && inet_addr_parse(word[1], b) == 0)
			return true;
	}
	return false;
}

bool racoonctl_event(const char *name, const char *text, char *ret, size_t room)
{
	const char *said = word_for(name, text);
	char from[INET_ADDR_STRLEN], to[INET_ADDR_STRLEN];
	struct inet_addr a, b;

	if (!said || !ends_in(text, &a, &b))
		return false;
	snprintf(ret, room, "%s : %s -> %s", said, inet_addr_format(&a, from), inet_addr_format(&b, to));
	return true;
}

int racoonctl_show_events(struct cli *cli)
{
	AUTO_SYNC struct ipc_sync *keyd = NULL;
	struct err_text e = {""};
	struct admin_event ev;
	char line[300];
	int r;

	if (ike_open(cli, &keyd) < 0)
		return CLI_FAILED;
	r = admin_start_monitor(keyd, &e);
	while (r == 0 && (r = admin_wait_event(keyd, &ev, &e)) == 0) {
		if (racoonctl_event(ev.name, ev.text, line, sizeof(line)))
			fprintf(cli->out, "%s\n", line);
		fflush(cli->out);
		if (ferror(cli->out))
			return CLI_FAILED;
	}
	return cli_fail(cli, "no more events: %s", e.s);
}
