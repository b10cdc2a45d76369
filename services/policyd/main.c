/*
 * policyd owns decisions: what is protected and where it goes. It never sees a packet or a key, and keeps
 * CAP_NET_ADMIN alone.
 */
#include <errno.h>
#include <linux/capability.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "policyd/ike_admin.h"
#include "policyd/io/acquire.h"
#include "policyd/io/datapath.h"
#include "policyd/io/keyd.h"
#include "policyd/io/pump.h"
#include "policyd/kernel/events.h"
#include "policyd/policyd.h"
#include "service/service.h"
#include "policyd/spd_admin.h"
#include "ticket/key_file.h"
#include "policyd/withdraw.h"

enum { REPAIRS_PER_S = 5, REPAIRS_BURST = 20, ID_CLOCK_SHIFT = 20 };

struct policyd *policyd_of(const struct service *s)
{
	return service_data(s);
}

static int do_save(void *arg, const struct frozen *f, struct err_text *e)
{
	struct policyd *p = arg;
	int r = snapshot_save(p->state_dir, &f->book, &p->boot, e);

	if (r < 0 && strcmp(e->s, p->commit.save_why.s) != 0)
		log_error("spd.save.failed", "%s", e->s);
	return r;
}

static int do_enforce(void *arg, const struct frozen *f, struct err_text *e)
{
	struct policyd *p = arg;
	int r = enforce_apply(&p->enforce, (struct frozen *)f, e);

	pump_take_own_events(p->pump);
	/* Tried again every second; said again when it changes. */
	if (r < 0 && strcmp(e->s, p->commit.kernel_why.s) != 0)
		log_error("kernel.refused", "version=%llu is not enforced, tried again every second: %s",
		    (unsigned long long)f->book.version, e->s);
	return r;
}

static int do_tell(void *arg, struct frozen *f)
{
	const struct policyd *p = arg;

	return p->datapath ? datapath_tell(p->datapath, f) : -ENOTCONN;
}

static void on_repaired(void *arg, const char *what)
{
	struct policyd *p = arg;

	log_warning("kernel.repaired",
	    "%s: another program had changed or removed them; put back (%llu times so far)", what,
	    (unsigned long long)p->enforce.n_repairs);
	service_publish(p->service, "kernel.repaired", "%s", what);
}

/* Without the key nothing is granted; what is protected by hand goes on. */
static void open_tickets(struct policyd *p)
{
	struct err_text e = {{0}};
	int r;

	if (!keyd_has_socket(p->service))
		return;
	r = ticket_init(&e);
	if (r == 0)
		r = ticket_key_file(service_settings(p->service)->run_dir, &p->ticket_key, &e);
	if (r == 0)
		return;
	p->ticket_why = e;
	log_error("ticket.key", "no keys will be negotiated: %s", e.s);
}

/* Sockets and files that the sandbox will not allow. */
static int open_privileged(struct service *s, struct err_text *e)
{
	struct policyd *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return -ENOMEM;
	p->service = s;
	p->clock = service_clock(s);
	service_set_data(s, p);
	r = policyd_conf_init(&p->conf, service_settings(s), e);
	if (r < 0)
		return r;
	snprintf(p->state_dir, sizeof(p->state_dir), "%s/policyd", service_settings(s)->state_dir);
	r = boot_id_read(&p->boot);
	if (r < 0)
		return err_set(e, r, "cannot read the boot id: %s", err_name(r));
	p->has_ipv6 = kernel_has_ipv6();
	open_tickets(p);
	r = nft_open(&p->nft, e);
	if (r < 0)
		return r;
	r = routing_open(&p->enforce.routing, &p->conf);
	p->nft_events_fd = r < 0 ? r : nft_events_open();
	p->rtnl_events_fd = r < 0 ? r : rtnl_events_open();
	if (p->nft_events_fd < 0 || p->rtnl_events_fd < 0)
		r = p->nft_events_fd < 0 ? p->nft_events_fd : p->rtnl_events_fd;
	return r < 0 ? err_set(e, r, "cannot open netlink sockets: %s", err_name(r)) : 0;
}

/* Rules that the kernel still has from before protect better than an empty SPD. After a boot it has none, and
 * nobody knows what they were. */
static void hold(struct policyd *p)
{
	struct err_text e = {{0}};
	bool kept = snapshot_set_aside(p->state_dir, &e) == 0;

	(void)err_set(&p->lost, 0, "%s; load your configuration again: ipsecctl setkey -f FILE%s",
	    p->enforce.tables.present
	        ? "the kernel keeps the rules it has from before"
	        : "the kernel has no rules, NOTHING IS PROTECTED and packets pass in clear",
	    kept ? " (spd.snapshot.damaged is for a look)" : "");
	if (!kept)
		log_warning("spd.damaged", "%s", e.s);
	log_error("spd.lost", "saved policies are LOST: %s", p->lost.s);
	commit_hold(&p->commit, p->lost.s);
}

static void restore(struct policyd *p)
{
	struct err_text e = {{0}};
	int r = snapshot_load(p->state_dir, &p->book, &p->boot, &e);

	if (r == 0) {
		log_notice("spd.restored", "policies=%zu version=%llu",
		    spd_count(p->book.spd, POLICY_DIR_NONE), (unsigned long long)p->book.version);
		commit_at_once(&p->commit);
	} else if (r == -ENOENT) {
		commit_at_once(&p->commit);
	} else {
		log_error("spd.restore.failed", "%s", e.s);
		hold(p);
	}
}

static int start(struct service *s, struct err_text *e)
{
	struct policyd *p = policyd_of(s);
	const struct commit_ports ports = {.arg = p, .save = do_save, .enforce = do_enforce, .tell = do_tell};
	uint64_t now = clock_now_ms(p->clock);
	int r;

	tables_init(&p->enforce.tables, &p->conf, p->clock, p->nft);
	p->enforce.on_repaired = on_repaired;
	p->enforce.arg = p;
	bucket_init(&p->table_repairs, REPAIRS_PER_S, REPAIRS_BURST, now);
	bucket_init(&p->routing_repairs, REPAIRS_PER_S, REPAIRS_BURST, now);
	/* Later than any version of an earlier life in this boot, also when its file is lost. */
	r = book_init(&p->book, now);
	if (r < 0)
		return r;
	p->book.clock = p->clock;
	/* Numbers go on above any of an earlier life: a million a millisecond is more than there can be. */
	p->acquires.last_id = now << ID_CLOCK_SHIFT;
	grants_init(&p->grants, now << ID_CLOCK_SHIFT);
	txn_init(&p->txn, &p->book, p->clock);
	p->txn.on_change = spd_admin_on_change;
	p->txn.arg = p;
	commit_init(&p->commit, &ports, p->clock, &p->book);
	kernel_probe(p->nft, &p->enforce.routing.rtnl, &p->conf, p->has_ipv6, &p->lacks);
	if (p->lacks.all.s[0])
		log_error("kernel.lacks", "%s", p->lacks.all.s);
	if (p->lacks.v6.s[0])
		log_warning("kernel.lacks", "%s", p->lacks.v6.s);
	if (p->lacks.src_mark.s[0])
		log_warning("kernel.lacks", "%s", p->lacks.src_mark.s);
	restore(p);
	generated_init(&p->generated);
	log_limit_init(&p->generate_refusals, 20, 1);
	if (generated_adopt(&p->generated, &p->book, now))
		commit_at_once(&p->commit);
	lives_rebuild(&p->lives, p->book.spd);
	ike_admin_restore(p);
	r = acquire_serve(p, e);
	if (r == 0)
		r = keyd_serve(p, e);
	if (r == 0)
		r = datapath_new(p, &p->datapath, e);
	if (r == 0)
		r = pump_new(p, &p->pump, e);
	if (r < 0)
		return r;
	routing_look_for_device(&p->enforce.routing);
	(void)policyd_turn(p);
	policyd_update_state(p);
	return 0;
}

static void stop(struct service *s)
{
	struct policyd *p = policyd_of(s);

	/* The kernel's state stays: a stopped policyd is no open door. */
	commit_fini(&p->commit);
	txn_fini(&p->txn);
	lives_fini(&p->lives);
	grants_fini(&p->grants);
	generated_fini(&p->generated);
	ike_gens_fini(&p->ike);
	wipe(&p->ticket_key, sizeof(p->ticket_key));
}

/* Nothing, when the text is empty. */
static void add_text(struct service_status_sink *to, const char *name, const struct err_text *text)
{
	if (text->s[0])
		service_status_add(to, name, "%s", text->s);
}

static void add_ike(const struct policyd *p, struct service_status_sink *to)
{
	if (p->ike.now) {
		service_status_add(to, "ike generation", "%llu", (unsigned long long)p->ike.now->generation);
		service_status_add(to, "ike peers", "%u", p->ike.now->n_peers);
		service_status_add(to, "grants", "%u", p->grants.n);
		service_status_add(to, "policies for clients", "%u", p->generated.n);
	}
	add_text(to, "no tickets", &p->ticket_why);
	add_text(to, "ike configuration not saved", &p->ike_save_why);
}

static void status(struct service *s, struct service_status_sink *to)
{
	const struct policyd *p = policyd_of(s);
	const struct enforce *x = &p->enforce;

	service_status_add(to, "policies", "in %zu, out %zu, fwd %zu", spd_count(p->book.spd, POLICY_IN),
	    spd_count(p->book.spd, POLICY_OUT), spd_count(p->book.spd, POLICY_FWD));
	service_status_add(to, "level default", "esp: %s, in tunnels %s; ah: %s, in tunnels %s",
	    policy_level_name(p->book.deflev.esp_trans), policy_level_name(p->book.deflev.esp_net),
	    policy_level_name(p->book.deflev.ah_trans), policy_level_name(p->book.deflev.ah_net));
	if (p->lives.n)
		service_status_add(to, "with a lifetime", "%zu", p->lives.n);
	service_status_add(to, "enabled", "%s", p->book.enabled ? "yes" : "no");
	service_status_add(to, "spd version", "%llu", (unsigned long long)p->book.version);
	service_status_add(
	    to, "kernel version", "%llu", (unsigned long long)commit_kernel_version(&p->commit));
	service_status_add(
	    to, "datapathd", "%s", datapath_is_up(p->datapath) ? "connected" : "not connected");
	service_status_add(to, "datapathd version", "%llu", (unsigned long long)p->commit.acked);
	service_status_add(to, "saved version", "%llu", (unsigned long long)p->commit.saved);
	service_status_add(to, "layers", "%u", x->tables.n_layers);
	service_status_add(to, "map elements", "%zu", x->tables.n_elements);
	service_status_add(to, "device", "%s %s", p->conf.device, x->routing.index ? "up" : "not there");
	service_status_add(to, "repairs", "%llu", (unsigned long long)x->n_repairs);
	if (x->n_repairs)
		service_status_add(to, "last repair", "%llu s ago",
		    (unsigned long long)(clock_wall_ms() - x->last_repair_wall_ms) / 1000);
	if (x->routing.no_ipv6)
		service_status_add(to, "ipv6", "not on this host");
	add_text(to, "kernel lacks", &p->lacks.all);
	add_text(to, "kernel lacks for ipv6", &p->lacks.v6);
	add_text(to, "kernel lacks for rp_filter", &p->lacks.src_mark);
	add_ike(p, to);
	add_text(to, "not restored", &p->lost);
	add_text(to, "not enforced", &p->commit.kernel_why);
	add_text(to, "not saved", &p->commit.save_why);
}

static void stats(struct service *s, struct service_stats_sink *to)
{
	struct policyd *p = policyd_of(s);
	static const char *const names[] = {
	    "in_polvio", "ip6.in_polvio", "out_polvio", "ip6.out_polvio", "drop.guard", "ip6.drop.guard"};
	uint64_t v[ARRAY_SIZE(names)];

	tables_read_counters(&p->enforce.tables, v);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		service_stats_add(to, names[i], v[i]);
	service_stats_add(to, "acquire_received", p->acquires.n_received);
	service_stats_add(to, "acquire_refused", p->acquires.n_refused);
	service_stats_add(to, "acquire_expired", p->acquires.n_expired);
	service_stats_add(to, "acquire_done", p->acquires.n_done);
	service_stats_add(to, "acquire_failed", p->acquires.n_failed);
	service_stats_add(to, "grant_made", p->grants.n_made);
	service_stats_add(to, "grant_refused", p->grants.n_refused);
	service_stats_add(to, "grant_withdrawn", p->grants.n_withdrawn);
	service_stats_add(to, "kernel_repairs", p->enforce.n_repairs);
}

/* For launchers that give no service a folder to write in: whoever comes later finds it. */
static int make_ticket_key(const struct settings *s)
{
	struct ticket_key key;
	struct err_text e = {{0}};
	int r = ticket_key_file(s->run_dir, &key, &e);

	wipe(&key, sizeof(key));
	if (r < 0)
		log_error("ticket.key", "%s", e.s);
	return r < 0 ? r : 1;
}

static int option(struct service *s, const char *word)
{
	struct err_text e = {{0}};
	int r;

	if (strcmp(word, "--ticket-key") == 0)
		return make_ticket_key(service_settings(s));
	if (strcmp(word, "--withdraw") != 0)
		return 0;
	r = withdraw(service_settings(s), &e);
	if (r < 0) {
		log_error("withdraw.failed", "%s", e.s);
		return r;
	}
	log_notice(
	    "withdraw", "rules, routes and filter of instance %s are gone", service_settings(s)->instance);
	return 1;
}

int main(int argc, char **argv)
{
	static const int caps[] = {CAP_NET_ADMIN};
	/* libnftables waits for the kernel with select(); a damaged snapshot gets a second name. */
	static const int syscalls[] = {SCMP_SYS(select), SCMP_SYS(pselect6), SCMP_SYS(linkat)};
	static const struct service_dir dirs[] = {{"@state", SERVICE_DIR_WRITE}};
	static const struct service_def def = {
	    .name = "policyd",
	    .caps = caps,
	    .n_caps = ARRAY_SIZE(caps),
	    .syscalls = syscalls,
	    .n_syscalls = ARRAY_SIZE(syscalls),
	    .dirs = dirs,
	    .n_dirs = ARRAY_SIZE(dirs),
	    .open_privileged = open_privileged,
	    .start = start,
	    .stop = stop,
	    .admin_rules = NULL,
	    .admin_on_close = spd_admin_on_close,
	    .status = status,
	    .stats = stats,
	    .option = option,
	    .option_help = "  --withdraw           take everything of this suite out of the kernel, and end\n"
	                   "  --ticket-key         make the key of the tickets in the run directory if there "
	                   "is none, and "
	                   "end\n",
	};
	struct service_def with_rules = def;

	with_rules.admin_rules = spd_admin_rules;
	with_rules.n_admin_rules = spd_admin_n_rules;
	return service_main(&with_rules, argc, argv);
}
