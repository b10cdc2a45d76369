/*
 * postern-hooks: runs root's scripts when keyd says that an IKE SA has come or gone. It is root, because they
 * have to be, and so it does nothing else. Which files there are is root's word, by ipsecctl; keyd's is only
 * that one of them is wanted.
 */
#include <errno.h>

#include "hooks/hooks_msg.h"
#include "hooks/io/runner.h"
#include "ipc/ike_kept.h"
#include "ipc/ike_load.h"
#include "service/root_file.h"
#include "service/service.h"

struct hooks {
	struct service *service;
	struct runner runner;
	struct ike_load *load;
	/* SAs of the configuration before end when another is loaded, and their scripts are still to be run.
	 */
	struct hook_table *now, *before;
	uint64_t n_events, n_unwanted;
};

static struct hooks *hooks_of(const struct ipc_conn *c)
{
	return service_data(service_of_conn(c));
}

static int on_run(struct ipc_conn *c, const struct ipc_record *rec)
{
	struct hooks *h = hooks_of(c);
	const struct hook_file *f;
	struct hook_event x;
	struct job *j;
	int r = hooks_event_decode(rec, &x);

	if (r < 0)
		return r;
	h->n_events++;
	f = hook_table_find(h->now, x.generation, x.peer, x.hook);
	if (!f)
		f = hook_table_find(h->before, x.generation, x.peer, x.hook);
	if (!f) {
		h->n_unwanted++;
		return 0;
	}
	j = job_new(&x, f->path, f->place);
	if (j)
		runner_add(&h->runner, j);
	else
		log_error("hook.refused", "%s is not run: out of memory", f->path);
	return 0;
}

/* An SA takes more work to come than one of these: the budget is for a gateway on which everybody calls at
 * once. */
static const struct ipc_rule rules[] = {
    {IPC_HOOK_RUN, "hook.run", IPC_ROLE_KEYD, 8 << 10, 0, 1, false, on_run, false},
};

static const struct ipc_edge edge = {
    .name = "hooks.keyd",
    .version_min = 1,
    .version_max = 1,
    .rules = rules,
    .n_rules = ARRAY_SIZE(rules),
    .budget_rate = 200,
    .budget_burst = 1000,
    .max_conns = 2,
    .max_queued = 1 << 16,
};

static void free_table(void *t)
{
	hook_table_free(t);
}

static int begun(void *arg, struct ike_load *l)
{
	(void)arg;
	l->extra = hook_table_new();
	l->free_extra = free_table;
	return l->extra ? 0 : -ENOMEM;
}

static int on_begin(struct ipc_conn *c, const struct ipc_record *rec)
{
	struct hooks *h = hooks_of(c);
	int r = ike_load_begin(&h->load, c, rec);
	struct ike_load *l = r < 0 ? NULL : ike_load_of(&h->load, c);

	return l && !l->extra ? begun(h, l) : r;
}

static int stage(struct ike_load *l, const struct ipc_record *rec, const struct hook_put *p)
{
	const struct ike_kept_piece piece = {
	    .type = rec->type, .body = rec->body, .n_body = (uint32_t)rec->body_len};
	int r = hook_table_add(l->extra, p->peer, p->hook, p->path, p->place);

	if (r == 0)
		ike_kept_add(&l->kept, &piece);
	return r;
}

static int on_put(struct ipc_conn *c, const struct ipc_record *rec)
{
	struct ike_load *l = ike_load_of(&hooks_of(c)->load, c);
	struct err_text e = {{0}};
	struct hook_put p;
	int r;

	if (!l || hooks_put_decode(rec, &p) < 0)
		return -EBADMSG;
	r = root_file_check(p.path, &e);
	if (r == 0) {
		r = stage(l, rec, &p);
		if (r < 0)
			(void)err_set(&e, r, "it cannot be kept: %s", err_name(r));
	}
	if (r < 0)
		(void)ipc_conn_send_error(
		    c, rec->id, -r, "%s: script %s: %s", p.place, ike_hook_name(p.hook), e.s);
	else
		(void)ipc_conn_send(c, IPC_OK, rec->id, NULL);
	return 0;
}

/* So that the next life of this service has it at once. */
static void keep(struct hooks *h, uint64_t generation, const struct ike_load *l)
{
	AUTO_CLOSE int fd = ike_kept_seal(&l->kept, generation);
	int r = fd < 0 ? fd : service_store_fd(h->service, "conf", fd);

	if (r < 0)
		log_notice("store.none", "nobody keeps the configuration for a restart of this service: %s",
		    err_name(r));
}

static int take(void *arg, uint64_t generation, struct ike_load *l, struct err_text *e)
{
	struct hooks *h = arg;
	struct hook_table *t = take_ptr(l->extra);

	(void)e;
	keep(h, generation, l);
	t->generation = generation;
	hook_table_free(h->before);
	h->before = h->now;
	h->now = t;
	log_info("conf.loaded", "generation=%llu scripts=%u", (unsigned long long)generation, t->n);
	service_set_state(
	    h->service, t->n ? "ready to run %u scripts" : "the configuration names no script", t->n);
	return 0;
}

static const struct ike_load_ops ops = {.take = take};

/* Judged again when it is run. */
static int restore_piece(void *arg, struct ike_load *l, const struct ike_kept_piece *p, struct err_text *e)
{
	const struct ipc_record rec = {.type = p->type, .body = p->body, .body_len = p->n_body};
	struct hook_put put;

	(void)arg;
	(void)e;
	if (p->type != IPC_HOOK_PUT || hooks_put_decode(&rec, &put) < 0)
		return -EBADMSG;
	return stage(l, &rec, &put);
}

static void restore(struct hooks *h)
{
	int fd = service_take_fd(h->service, "conf");
	struct err_text e = {{0}};

	if (fd >= 0 && ike_load_restore(fd, &ops, h, begun, restore_piece, &e) < 0)
		log_error("conf.restore",
		    "the configuration of before is lost: %s; load it again (ipsecctl racoon)", e.s);
}

static int on_prepare(struct ipc_conn *c, const struct ipc_record *rec)
{
	return ike_load_prepare(&hooks_of(c)->load, c, rec, &ops, hooks_of(c));
}

static int on_commit(struct ipc_conn *c, const struct ipc_record *rec)
{
	return ike_load_commit(&hooks_of(c)->load, c, rec, &ops, hooks_of(c));
}

static void on_close(struct ipc_conn *c)
{
	ike_load_close(&hooks_of(c)->load, c);
}

static const struct ipc_rule admin_rules[] = {
    {IPC_IKE_LOAD_BEGIN, "ike.load.begin", IPC_ROLE_ROOT, 16 << 10, 1, 1, false, on_begin, false},
    {IPC_HOOK_PUT, "hook.put", IPC_ROLE_ROOT, 4096, 64, 1, false, on_put, false},
    {IPC_IKE_LOAD_PREPARE, "ike.load.prepare", IPC_ROLE_ROOT, 64, 1, 1, false, on_prepare, false},
    {IPC_IKE_LOAD_COMMIT, "ike.load.commit", IPC_ROLE_ROOT, 64, 1, 1, false, on_commit, false},
};

static int start(struct service *s, struct err_text *e)
{
	static const struct hook_limits limits = HOOK_LIMITS;
	static struct hooks h;
	int r;

	h.service = s;
	service_set_data(s, &h);
	r = runner_init(&h.runner, service_loop(s), &limits, e);
	if (r < 0)
		return r;
	service_set_state(s, "no configuration is loaded: nothing is run");
	restore(&h);
	return service_serve(s, &edge, NULL, e);
}

static void stop(struct service *s)
{
	struct hooks *h = service_data(s);

	runner_stop(&h->runner);
	h->now = hook_table_free(h->now);
	h->before = hook_table_free(h->before);
}

static void status(struct service *s, struct service_status_sink *to)
{
	const struct hooks *h = service_data(s);

	service_status_add(to, "scripts", "%u", h->now ? h->now->n : 0);
	service_status_add(
	    to, "running", "%u, waiting %u", h->runner.jobs.n_running, h->runner.jobs.n_waiting);
}

static void stats(struct service *s, struct service_stats_sink *to)
{
	const struct hooks *h = service_data(s);
	const struct hook_counters *n = &h->runner.counters;

	service_stats_add(to, "hook.events", h->n_events);
	service_stats_add(to, "hook.unwanted", h->n_unwanted);
	service_stats_add(to, "hook.run", n->run);
	service_stats_add(to, "hook.failed", n->failed);
	service_stats_add(to, "hook.late", n->late);
	service_stats_add(to, "hook.refused", n->refused);
	service_stats_add(to, "hook.dropped", n->dropped);
}

int main(int argc, char **argv)
{
	const struct service_def def = {
	    .name = "hooks",
	    .stays_root = true,
	    .start = start,
	    .stop = stop,
	    .admin_rules = admin_rules,
	    .n_admin_rules = ARRAY_SIZE(admin_rules),
	    .admin_on_close = on_close,
	    .status = status,
	    .stats = stats,
	};

	return service_main(&def, argc, argv);
}
