/*
 * Written by hand and not by a JSON library: the supervisor links as little as it can. Every text in here is
 * printable ASCII by now, so that quotes and backslashes are all there is to escape.
 */
#include "supervisor/status.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/proc.h"
#include "base/sbuf.h"
#include "supervisor/run_dir.h"

static void add_text(struct sbuf *b, const char *key, const char *s)
{
	sbuf_add(b, "\"%s\":\"", key);
	for (; *s; s++)
		sbuf_add(b, *s == '"' || *s == '\\' ? "\\%c" : "%c", *s);
	sbuf_add(b, "\"");
}

static void add_row(struct sbuf *b, const struct status_row *r)
{
	sbuf_add(b, "{");
	add_text(b, "name", r->name);
	sbuf_add(b, ",");
	add_text(b, "state", r->state);
	sbuf_add(b, ",\"pid\":%d,\"uid\":%u,\"gid\":%u,\"restarts\":%llu,", (int)r->pid, r->uid, r->gid,
	    (unsigned long long)r->restarts);
	add_text(b, "last_exit", r->last_exit);
	sbuf_add(b, ",");
	add_text(b, "status", r->status);
	sbuf_add(b, ",\"ready_ms\":%llu,\"refused_notifications\":%llu,\"stored\":[",
	    (unsigned long long)r->ready_ms, (unsigned long long)r->refused);
	for (size_t i = 0; i < r->store->n; i++)
		sbuf_add(b, "%s\"%s\"", i ? "," : "", r->store->e[i].name);
	sbuf_add(b, "]}");
}

int status_write(const struct settings *s, bool stopping, const struct status_row *rows, size_t n)
{
	AUTO_SBUF struct sbuf b;

	sbuf_init(&b);
	sbuf_add(&b, "{\"schema_version\":1,");
	add_text(&b, "instance", s->instance);
	sbuf_add(&b, ",\"pid\":%d,\"start_ticks\":%llu,\"state\":\"%s\",\"services\":[", (int)getpid(),
	    (unsigned long long)proc_start_ticks(getpid()), stopping ? "stopping" : "running");
	for (size_t i = 0; i < n; i++) {
		sbuf_add(&b, i ? ",\n" : "\n");
		add_row(&b, &rows[i]);
	}
	sbuf_add(&b, "]}\n");
	return b.bad ? -ENOMEM : run_dir_write(s, "supervisor.status", 0644, sbuf_str(&b), b.len);
}
