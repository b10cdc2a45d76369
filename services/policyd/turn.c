/*
 * One place that does what is due, so that there is one timer and no order of timers to think about.
 */
#include <errno.h>

#include "policyd/io/acquire.h"
#include "policyd/io/generate.h"
#include "policyd/io/keyd.h"
#include "policyd/io/pump.h"
#include "policyd/policyd.h"
#include "policyd/spd_admin.h"
#include "service/log.h"
#include "service/service.h"

enum { REPAIR_RETRY_MS = 1000 };

const struct book *policyd_newest(const struct policyd *p)
{
	return p->commit.newest ? &p->commit.newest->book : &p->book;
}

void policyd_update_state(struct policyd *p)
{
	size_t n = spd_count(p->book.spd, POLICY_DIR_NONE);

	/* Somebody may have loaded the module meanwhile; the proof is a table. */
	if (p->enforce.tables.present && !p->commit.kernel_why.s[0])
		p->lacks.all.s[0] = '\0';
	p->said_version = commit_kernel_version(&p->commit);
	p->said_bad = p->commit.kernel_why.s[0];
	if (p->lacks.all.s[0])
		service_set_state(p->service, "cannot enforce anything: %s", p->lacks.all.s);
	else if (p->lost.s[0])
		service_set_state(p->service, "saved policies are LOST: %s", p->lost.s);
	else if (p->commit.kernel_why.s[0])
		service_set_state(p->service, "version %llu is not enforced: %s",
		    (unsigned long long)p->book.version, p->commit.kernel_why.s);
	else if (!p->book.enabled)
		service_set_state(p->service, "switched off: %zu policies are kept and not enforced", n);
	else
		service_set_state(p->service, "%zu policies in force, version %llu", n,
		    (unsigned long long)commit_kernel_version(&p->commit));
}

static void be_due(uint64_t *at, struct bucket *brake, uint64_t now)
{
	if (*at)
		return;
	*at = now + bucket_wait_ms(brake, 1, now);
	(void)bucket_take(brake, 1, *at);
}

void policyd_on_table_event(struct policyd *p)
{
	be_due(&p->table_repair_ms, &p->table_repairs, clock_now_ms(p->clock));
}

void policyd_on_routing_event(struct policyd *p)
{
	be_due(&p->routing_repair_ms, &p->routing_repairs, clock_now_ms(p->clock));
}

static void repair(struct policyd *p, uint64_t *at, uint64_t now,
    int (*fn)(struct enforce *x, struct err_text *e), const char *what)
{
	struct err_text e = {{0}};
	int r;

	if (!*at || now < *at)
		return;
	*at = 0;
	r = fn(&p->enforce, &e);
	pump_take_own_events(p->pump);
	if (r == 0)
		return;
	log_error("kernel.repair.failed", "what=%s tried again in %d ms: %s", what, REPAIR_RETRY_MS, e.s);
	*at = now + REPAIR_RETRY_MS;
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
	return a && a < b ? a : b;
}

uint64_t policyd_turn(struct policyd *p)
{
	uint64_t now = clock_now_ms(p->clock), next;

	repair(p, &p->table_repair_ms, now, enforce_repair_table, "table");
	repair(p, &p->routing_repair_ms, now, enforce_repair_routing, "routing");
	spd_admin_end_lives(p);
	commit_step(&p->commit);
	tables_collect(&p->enforce.tables);
	acquire_expire(p, now);
	keyd_turn(p, now);
	generate_turn(p, now);
	/* An acknowledgement brings a version into force outside this function too. */
	if (p->said_version != commit_kernel_version(&p->commit) ||
	    p->said_bad != (p->commit.kernel_why.s[0] != '\0'))
		policyd_update_state(p);
	next = sooner(p->table_repair_ms, commit_next_ms(&p->commit));
	next = sooner(p->routing_repair_ms, next);
	next = sooner(tables_next_ms(&p->enforce.tables), next);
	next = sooner(lives_next_ms(&p->lives), next);
	next = sooner(acquires_next_ms(&p->acquires), next);
	next = sooner(grants_next_ms(&p->grants), next);
	next = sooner(generated_next_ms(&p->generated), next);
	return sooner(ike_gens_next_ms(&p->ike), next);
}
