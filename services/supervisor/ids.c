/*
 * The choice is a hash with linear probing, so it survives a lost record: only when another user turns up in
 * between does an id change, and then the service adopts its state folder (lib/service).
 */
#include "supervisor/ids.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/rd.h"
#include "base/sbuf.h"
#include "supervisor/run_dir.h"
#include "supervisor/table.h"

enum { RECORD_MAX = 1024 };

static uint32_t hash(uint32_t h, const char *s)
{
	/* FNV-1a: spread is all that is wanted. */
	for (; *s; s++)
		h = (h ^ (uint8_t)*s) * 16777619u;
	return h;
}

uint32_t ids_choose(const char *instance, const char *name, bool (*taken)(void *arg, uint32_t id), void *arg)
{
	uint32_t n = IDS_LAST - IDS_FIRST + 1;
	uint32_t at = hash(hash(hash(2166136261u, instance), "/"), name) % n;

	for (uint32_t i = 0; i < n; i++, at = (at + 1) % n) {
		if (!taken(arg, IDS_FIRST + at))
			return IDS_FIRST + at;
	}
	return 0;
}

/* In use as a user or a group, or given to another service of this suite. */
static bool is_taken(void *arg, uint32_t id)
{
	const struct settings *s = arg;
	struct passwd pw, *user = NULL;
	struct group gr, *group = NULL;
	char buf[16384];

	for (size_t i = 0; i < s->n_peers; i++) {
		if (s->peers[i].uid == id || s->peers[i].gid == id)
			return true;
	}
	/* An answer that does not fit the buffer is an answer. */
	return getpwuid_r(id, &pw, buf, sizeof(buf), &user) == ERANGE || user ||
	       getgrgid_r(id, &gr, buf, sizeof(buf), &group) == ERANGE || group;
}

/* "policyd 61234" lines. The record of a root-owned folder, but read as if it were not: 0 when there is none
 * for this name. */
static uint32_t recorded(const char *text, const char *name)
{
	size_t n = strlen(name);

	while (text) {
		const char *nl = strchr(text, '\n');
		unsigned id = 0;

		if (!strncmp(text, name, n) && text[n] == ' ' && sscanf(text + n, " %9u", &id) == 1 &&
		    id >= IDS_FIRST && id <= IDS_LAST)
			return id;
		text = nl ? nl + 1 : NULL;
	}
	return 0;
}

static int add_peer(struct settings *s, const char *name, uid_t uid, gid_t gid, struct err_text *e)
{
	struct settings_peer *p = &s->peers[s->n_peers];

	if (s->n_peers == SETTINGS_PEERS_MAX)
		return err_set(e, -ENOSPC, "more than %d peers", SETTINGS_PEERS_MAX);
	snprintf(p->name, sizeof(p->name), "%s", name);
	p->uid = uid;
	p->gid = gid;
	s->n_peers++;
	return 0;
}

static int resolve_one(struct settings *s, const char *name, const char *record, struct err_text *e)
{
	uint32_t id;
	uid_t uid;
	gid_t gid;

	for (size_t i = 0; i < s->n_peers; i++) {
		if (!strcmp(s->peers[i].name, name))
			return 0;
	}
	if (settings_peer_ids(s, name, &uid, &gid))
		return add_peer(s, name, uid, gid, e);
	id = recorded(record, name);
	if (!id || is_taken(s, id))
		id = ids_choose(s->instance, name, is_taken, s);
	if (!id)
		return err_set(e, -ENOENT, "every id from %d to %d is taken: make the system user postern-%s",
		    IDS_FIRST, IDS_LAST, name);
	return add_peer(s, name, id, id, e);
}

static int check_distinct(const struct settings *s, struct err_text *e)
{
	for (size_t i = 0; i < s->n_peers; i++) {
		for (size_t k = 0; k < i; k++) {
			if (s->peers[i].uid == s->peers[k].uid)
				return err_set(e, -EINVAL,
				    "%s and %s would run as the same user %u: each service needs its own",
				    s->peers[k].name, s->peers[i].name, s->peers[i].uid);
		}
	}
	return 0;
}

int ids_resolve(struct settings *s, struct err_text *e)
{
	AUTO(sbuf_fini) struct sbuf out;
	char record[RECORD_MAX];
	int r = 0;

	sbuf_init(&out);
	run_dir_read(s, "ids", record, sizeof(record));
	for (size_t i = 0; i < UNITS && !r; i++) {
		if (unit_table[i].root)
			continue;
		r = resolve_one(s, unit_table[i].name, record, e);
	}
	if (!r)
		r = check_distinct(s, e);
	if (r)
		return r;
	for (size_t i = 0; i < s->n_peers; i++)
		sbuf_add(&out, "%s %u\n", s->peers[i].name, s->peers[i].uid);
	r = run_dir_write(s, "ids", 0644, sbuf_str(&out), out.len);
	return r ? err_set(e, r, "cannot write %s/ids: %s", s->run_dir, err_name(r)) : 0;
}
