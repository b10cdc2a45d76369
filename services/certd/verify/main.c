/*
 * postern-certd-verify: reads what strangers wrote, and so has nothing that a stranger could want. No keys,
 * no network, no file names, no socket(2).
 */
#include <errno.h>
#include <seccomp.h>
#include <stdio.h>

#include "certd/verify/hearing.h"
#include "certd/verify/verify_msg.h"
#include "crypto/crypto.h"
#include "ipc/ike_kept.h"
#include "ipc/ike_load.h"
#include "service/service.h"
#include "ticket/key_file.h"

enum { ARENA = 1 << 20, MEMLOCK = 2 << 20 };

struct verify {
	struct service *service;
	struct hearing h;
	struct ike_load *load;
	struct log_limit refusals;
	uint64_t n_good, n_unheard, n_bad[VERIFY_REASONS_N];
};

static struct verify *verify_of(const struct ipc_conn *c)
{
	return service_data(service_of_conn(c));
}

static void refuse(struct verify *v, struct ipc_conn *c, uint32_t id, enum verify_reason r,
    const struct inet_addr *from, const struct err_text *e)
{
	char addr[INET_ADDR_STRLEN];
	uint64_t held = 0;

	v->n_bad[r]++;
	inet_addr_format(from, addr);
	if (log_limit_ok(&v->refusals, &held))
		log_warning("verify.refused", "reason=%s peer=%s: %s%s%s; %s", verify_reason_name(r), addr,
		    verify_reason_sentence(r), e->s[0] ? ": " : "", e->s, verify_reason_remedy(r));
	if (held)
		log_notice("log.held", "%llu lines about refusals were left out", (unsigned long long)held);
	(void)ipc_conn_send_error(c, id, verify_reason_code(r), "%s (%s)%s%s; %s", verify_reason_sentence(r),
	    verify_reason_name(r), e->s[0] ? ": " : "", e->s, verify_reason_remedy(r));
}

static int on_judge(struct ipc_conn *c, const struct ipc_record *rec)
{
	AUTO(verify_request_fini) struct verify_request q = {0};
	struct verify *v = verify_of(c);
	enum verify_reason why = VERIFY_NONE;
	struct err_text e = {{0}};
	uint8_t ticket[TICKET_MAX];
	char addr[INET_ADDR_STRLEN];
	struct inet_addr from;
	int r = verify_request_decode(rec, &q);

	if (r < 0)
		return r;
	r = hearing_hold(
	    &v->h, q.statement, &q.claim, clock_now_ms(service_clock(v->service)), &why, &from, ticket, &e);
	if (r == -EACCES) {
		refuse(v, c, rec->id, why, &from, &e);
	} else if (r < 0) {
		v->n_unheard++;
		(void)ipc_conn_send_error(c, rec->id, -r, "%s", e.s[0] ? e.s : err_name(r));
	} else {
		if (e.s[0])
			log_warning("verify.weak", "peer=%s: %s", inet_addr_format(&from, addr), e.s);
		v->n_good++;
		verify_send_ticket(c, rec->id, ticket, (size_t)r);
	}
	return 0;
}

/* Checking a chain costs a millisecond or so: the budget is what one core can do and more would only wait. */
static const struct ipc_rule rules[] = {
    {IPC_IKE_JUDGE, "ike.judge", IPC_ROLE_KEYD, 60 << 10, 256, 1, false, on_judge, false},
};

static const struct ipc_edge edge = {
    .name = "certd-verify.keyd",
    .version_min = 1,
    .version_max = 1,
    .rules = rules,
    .n_rules = ARRAY_SIZE(rules),
    .budget_rate = 500,
    .budget_burst = 500,
    .max_conns = 2,
    .max_queued = 1 << 20,
};

static void free_anchors(void *a)
{
	anchors_free(a);
}

static int on_begin(struct ipc_conn *c, const struct ipc_record *rec)
{
	struct verify *v = verify_of(c);
	int r = ike_load_begin(&v->load, c, rec);
	struct ike_load *l = r < 0 ? NULL : ike_load_of(&v->load, c);

	if (l && !l->extra) {
		l->extra = anchors_new(l->n_peers);
		l->free_extra = free_anchors;
	}
	return l && !l->extra ? -ENOMEM : r;
}

static int on_row(struct ipc_conn *c, const struct ipc_record *rec)
{
	return ike_load_row(&verify_of(c)->load, c, rec);
}

/* What is in it is public: it is kept with the configuration. */
static void keep_file(struct ike_load *l, const struct ipc_record *rec, const struct file *f)
{
	const struct ike_kept_piece p = {.type = rec->type,
	    .body = rec->body,
	    .n_body = (uint32_t)rec->body_len,
	    .file = f->p,
	    .n_file = (uint32_t)f->n};

	ike_kept_add(&l->kept, &p);
}

static int on_credential(struct ipc_conn *c, const struct ipc_record *rec)
{
	struct ike_load *l = ike_load_of(&verify_of(c)->load, c);
	AUTO_CLOSE int fd = ipc_conn_take_fd(c);
	AUTO_FILE struct file f = {0};
	char name[VERIFY_NAME_MAX];
	enum credential_kind kind;
	struct err_text e = {{0}};
	uint32_t peer;
	int r;

	if (!l || verify_credential_decode(rec, &kind, &peer, name) < 0)
		return -EBADMSG;
	r = file_read(fd, name, ANCHORS_FILE_MAX, &f, &e);
	if (r == 0)
		r = anchors_add(l->extra, kind, peer, &f, &e);
	if (r >= 0)
		keep_file(l, rec, &f);
	/* Whatever else lies in the folder is no reason to refuse it. */
	if (r < 0 && kind != CREDENTIAL_ANCHOR)
		(void)ipc_conn_send_error(c, rec->id, -r, "%s: %s", name, e.s);
	else
		(void)ipc_conn_send(c, IPC_OK, rec->id, NULL);
	return 0;
}

/* So that the next life of this service has it at once. */
static void keep(struct verify *v, uint64_t generation, const struct ike_load *l)
{
	AUTO_CLOSE int fd = ike_kept_seal(&l->kept, generation);
	int r = fd < 0 ? fd : service_store_fd(v->service, "conf", fd);

	if (r < 0)
		log_notice("store.none", "nobody keeps the configuration for a restart of this service: %s",
		    err_name(r));
}

static int take(void *arg, uint64_t generation, struct ike_load *l, struct err_text *e)
{
	struct verify *v = arg;
	struct anchors *a = take_ptr(l->extra);

	keep(v, generation, l);
	a->generation = generation;
	a->conf = take_ptr(l->conf);
	anchors_free(v->h.before);
	v->h.before = v->h.now;
	v->h.now = a;
	log_info("conf.loaded", "generation=%llu peers=%u files=%u", (unsigned long long)generation,
	    a->conf->n_peers, a->n_files + a->n_own);
	service_set_state(v->service, "checking the certificates of %u peers", a->conf->n_peers);
	return 0;
}

static const struct ike_load_ops ops = {.take = take};

static int restore_begun(void *arg, struct ike_load *l)
{
	l->extra = anchors_new(l->n_peers);
	l->free_extra = free_anchors;
	return l->extra ? 0 : -ENOMEM;
}

static int restore_file(void *arg, struct ike_load *l, const struct ike_kept_piece *p, struct err_text *e)
{
	const struct ipc_record rec = {.type = p->type, .body = p->body, .body_len = p->n_body};
	const struct file f = {.p = (uint8_t *)(uintptr_t)p->file, .n = p->n_file};
	char name[VERIFY_NAME_MAX];
	enum credential_kind kind;
	uint32_t peer;
	int r;

	if (p->type != IPC_CREDENTIAL_PUT || verify_credential_decode(&rec, &kind, &peer, name) < 0)
		return -EBADMSG;
	keep_file(l, &rec, &f);
	r = anchors_add(l->extra, kind, peer, &f, e);
	return r < 0 && kind != CREDENTIAL_ANCHOR ? r : 0;
}

static void restore(struct verify *v)
{
	int fd = service_take_fd(v->service, "conf");
	struct err_text e = {{0}};

	if (fd >= 0 && ike_load_restore(fd, &ops, v, restore_begun, restore_file, &e) < 0)
		log_error("conf.restore",
		    "the configuration of before is lost: %s; load it again (ipsecctl racoon)", e.s);
}

static int on_prepare(struct ipc_conn *c, const struct ipc_record *rec)
{
	return ike_load_prepare(&verify_of(c)->load, c, rec, &ops, verify_of(c));
}

static int on_commit(struct ipc_conn *c, const struct ipc_record *rec)
{
	return ike_load_commit(&verify_of(c)->load, c, rec, &ops, verify_of(c));
}

static void on_close(struct ipc_conn *c)
{
	ike_load_close(&verify_of(c)->load, c);
}

static const struct ipc_rule admin_rules[] = {
    {IPC_IKE_LOAD_BEGIN, "ike.load.begin", IPC_ROLE_ROOT, 16 << 10, 1, 1, false, on_begin, false},
    {IPC_IKE_LOAD_ROW, "ike.load.row", IPC_ROLE_ROOT, 60 << 10, 0, 1, false, on_row, false},
    {IPC_CREDENTIAL_PUT, "credential.put", IPC_ROLE_ROOT, 2048, 64, 1, false, on_credential, true},
    {IPC_IKE_LOAD_PREPARE, "ike.load.prepare", IPC_ROLE_ROOT, 64, 1, 1, false, on_prepare, false},
    {IPC_IKE_LOAD_COMMIT, "ike.load.commit", IPC_ROLE_ROOT, 64, 1, 1, false, on_commit, false},
};

static int open_privileged(struct service *s, struct err_text *e)
{
	static struct verify v;
	int r = secret_init(ARENA, e);

	v.service = s;
	log_limit_init(&v.refusals, 20, 10);
	service_set_data(s, &v);
	if (r == 0)
		r = crypto_init(e);
	if (r == 0)
		r = ticket_init(e);
	return r < 0 ? r : ticket_key_file(service_settings(s)->run_dir, &v.h.ticket_key, e);
}

static int start(struct service *s, struct err_text *e)
{
	service_set_state(s, "no configuration is loaded: nobody is trusted");
	restore(service_data(s));
	return service_serve(s, &edge, NULL, e);
}

static void stop(struct service *s)
{
	struct verify *v = service_data(s);

	v->h.now = anchors_free(v->h.now);
	v->h.before = anchors_free(v->h.before);
	wipe(&v->h.ticket_key, sizeof(v->h.ticket_key));
}

static void status(struct service *s, struct service_status_sink *to)
{
	const struct verify *v = service_data(s);

	service_status_add(to, "files of trust", "%u", v->h.now ? v->h.now->n_files + v->h.now->n_own : 0);
	service_status_add(
	    to, "revocation lists", "%s", v->h.now && sk_X509_CRL_num(v->h.now->crls) > 0 ? "yes" : "none");
}

static void stats(struct service *s, struct service_stats_sink *to)
{
	const struct verify *v = service_data(s);
	char name[64];

	service_stats_add(to, "verify.good", v->n_good);
	service_stats_add(to, "verify.unheard", v->n_unheard);
	for (int i = VERIFY_NONE + 1; i < VERIFY_REASONS_N; i++) {
		snprintf(name, sizeof(name), "verify.%s", verify_reason_name((enum verify_reason)i));
		service_stats_add(to, name, v->n_bad[i]);
	}
}

int main(int argc, char **argv)
{
	static const int syscalls[] = {SCMP_SYS(pread64), SCMP_SYS(memfd_create)};
	const struct service_def def = {
	    .name = "certd-verify",
	    .syscalls = syscalls,
	    .n_syscalls = ARRAY_SIZE(syscalls),
	    .no_sockets = true,
	    .memlock_bytes = MEMLOCK,
	    .open_privileged = open_privileged,
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
