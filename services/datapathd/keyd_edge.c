/*
 * The edge datapathd <- keyd: negotiated SAs under policyd's grants, and the IKE datagrams of port 4500. What
 * was reserved on a connection ends with it; the SAs do not, because a restart of keyd is no reason for
 * traffic to stop.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/rng.h"
#include "inet/meter.h"
#include "datapathd/keying.h"

struct keyd_edge {
	struct ipc_conn *conn; /* reference to the newest: it gets the events; NULL: keyd is not there */
	struct bucket unknown; /* hints of packets for SAs that are not there */
	struct meter sources;
};

enum { UNKNOWN_RATE = 20, SOURCE_RATE = 1, SOURCE_BURST = 3 /* hints a second */ };

static int answer_error(struct ipc_conn *c, uint32_t id, int r, const struct err_text *e)
{
	if (r == -EBADMSG)
		return r;
	(void)ipc_conn_send_error(c, id, -r, "%s", e->s[0] ? e->s : err_name(r));
	return 0;
}

static struct granted_by by_of(const struct ipc_conn *c)
{
	return (struct granted_by){.holder = c, .pid = (uint32_t)ipc_conn_pid(c)};
}

static int on_reserve(struct ipc_conn *c, const struct ipc_record *rec)
{
	struct datapathd *d = datapathd_of_conn(c);
	const struct granted_by by = by_of(c);
	struct granted_spi want;
	struct err_text e = {0};
	uint32_t spi;
	int r = msg_spi_reserve_decode(rec, &want, &e);

	if (r == 0)
		r = granted_reserve(&d->sad, &d->grants, &by, &want, &rng_kernel, &spi, &e);
	if (r < 0)
		return answer_error(c, rec->id, r, &e);
	(void)msg_spi_reply_send(c, rec->id, spi);
	return 0;
}

static int on_release(struct ipc_conn *c, const struct ipc_record *rec)
{
	struct datapathd *d = datapathd_of_conn(c);
	const struct granted_by by = by_of(c);
	struct err_text e = {0};
	struct sa_ident id;
	int r = msg_spi_release_decode(rec, &id, &e);

	/* One that is no more has been given back by time. */
	if (r == 0)
		(void)granted_release(&d->sad, &by, &id);
	return r;
}

static int on_install(struct ipc_conn *c, const struct ipc_record *rec)
{
	struct datapathd *d = datapathd_of_conn(c);
	AUTO(msg_sa_install_fini) struct msg_sa_install m = {0};
	const struct granted_by by = by_of(c);
	struct granted_sa sa = {.desc = &m.desc};
	struct err_text e = {0};
	uint64_t serial = 0;
	int r = msg_sa_install_decode(rec, &m, &e);

	if (r == 0)
		r = datapathd_check_port(d, &m.desc, &e);
	sa.grant = m.grant;
	sa.inbound = m.inbound;
	sa.partner = m.partner;
	if (r == 0)
		r = granted_install(&d->sad, &d->grants, &by, &sa, datapathd_tell_sa, d, &serial, &e);
	if (r < 0)
		return answer_error(c, rec->id, r, &e);
	(void)msg_sa_made_send(c, rec->id, serial);
	if (!sa.inbound)
		worker_look_at_waiting(d->worker);
	return 0;
}

static int on_remove(struct ipc_conn *c, const struct ipc_record *rec)
{
	struct datapathd *d = datapathd_of_conn(c);
	struct err_text e = {0};
	uint64_t serial;
	int r = msg_sa_remove_decode(rec, &serial, &e);

	if (r == 0)
		r = granted_remove(&d->sad, serial, datapathd_tell_sa, d, &e);
	if (r < 0)
		return answer_error(c, rec->id, r, &e);
	(void)ipc_conn_send(c, IPC_OK, rec->id, NULL);
	control_io_expect_quiet(d->io);
	return 0;
}

static void tell_moved(struct datapathd *d, struct ipc_conn *c, uint64_t serial)
{
	struct sa *sa = sad_find_serial(&d->sad, serial);
	const struct moved m = {.serial = serial, .port = sa ? sa->untold_port : 0};

	if (m.port && msg_moved_send(c, &m) == 0)
		sa->untold_port = 0;
}

/* What keyd may have missed: it was not there, or we were not. */
static int on_ask(struct ipc_conn *c, const struct ipc_record *rec)
{
	struct datapathd *d = datapathd_of_conn(c);
	struct msg_sa_ask m;
	struct err_text e = {0};
	int r = msg_sa_ask_decode(rec, &m, &e);

	if (r < 0)
		return r;
	for (size_t i = 0; i < m.n; i++) {
		struct sa *sa = sad_find_serial(&d->sad, m.serial[i]);

		if (!sa || sa->dead_ms || sa->facts.manual)
			m.gone[m.n_gone++] = m.serial[i];
		else if (sad_sa_state(sa) == SA_DYING)
			m.soft[m.n_soft++] = m.serial[i];
	}
	(void)msg_sa_asked_send(c, rec->id, &m);
	for (size_t i = 0; i < m.n; i++)
		tell_moved(d, c, m.serial[i]);
	return 0;
}

void keyd_edge_gone(struct keyd_edge *k, const struct sa *sa, bool hard)
{
	if (!k || !k->conn || sa->facts.manual || sa->dead_ms)
		return;
	(void)msg_sa_expired_send(k->conn, sa->facts.serial, &sa->desc, hard);
}

struct ipc_conn *keyd_edge_conn(const struct keyd_edge *k)
{
	return k ? k->conn : NULL;
}

void keyd_edge_unknown(struct datapathd *d)
{
	struct keyd_edge *k = d->keyd;
	uint64_t now = clock_now_ms(service_clock(d->service));
	struct unknown_spi u;

	while (unknown_ring_pop(&d->worker->unknown, &u)) {
		/* One source alone cannot use up the others' share. */
		if (!k->conn || !ipc_conn_has_room(k->conn) || !meter_ok(&k->sources, &u.src, now) ||
		    !bucket_take(&k->unknown, 1, now))
			continue;
		(void)msg_spi_unknown_send(k->conn, &u);
	}
}

static bool follow(struct datapathd *d, uint64_t *serial, size_t n, uint16_t port)
{
	struct moved_from was;
	char b[INET_ADDR_STRLEN];

	if (!moved_follow(&d->sad, serial, n, port, &was))
		return false;
	log_info("peer.moved", "the NAT in front of %s has moved it from port %u to %u",
	    inet_addr_format(&was.addr, b), was.port, port);
	return true;
}

void keyd_edge_moved(struct datapathd *d)
{
	struct ipc_conn *c = d->keyd->conn;
	struct moved m;
	struct sa *sa;

	while (moved_ring_pop(&d->worker->moved, &m)) {
		if (!follow(d, &m.serial, 1, m.port))
			continue;
		sa = sad_find_serial(&d->sad, m.serial);
		if (sa)
			sa->untold_port = m.port;
		if (c && ipc_conn_has_room(c))
			tell_moved(d, c, m.serial);
	}
}

/* keyd has heard it by a message of the peer's, or knows what else that peer has. */
static int on_moved(struct ipc_conn *c, const struct ipc_record *rec)
{
	struct datapathd *d = datapathd_of_conn(c);
	struct err_text e = {0};
	struct msg_moved m;
	int r = msg_moved_decode(rec, &m, &e);

	if (r == 0)
		(void)follow(d, m.serial, m.n, m.port);
	return r;
}

static int on_ike(struct ipc_conn *c, const struct ipc_record *rec)
{
	AUTO(msg_ike_fini) struct msg_ike m = {0};
	struct err_text e = {0};
	int r = msg_ike_decode(rec, &m, &e);

	if (r == 0)
		datapathd_ike_send(datapathd_of_conn(c), &m);
	return r;
}

static void set_conn(struct datapathd *d, struct ipc_conn *c)
{
	struct keyd_edge *k = d->keyd;

	(void)ipc_conn_unref(k->conn);
	k->conn = c ? ipc_conn_ref(c) : NULL;
	datapathd_ike_want(d, c != NULL);
	atomic_store_explicit(&d->worker->negotiates, c != NULL, memory_order_relaxed);
	worker_look_at_waiting(d->worker);
}

static void on_open(struct ipc_conn *c)
{
	set_conn(datapathd_of_conn(c), c);
}

static void on_close(struct ipc_conn *c)
{
	struct datapathd *d = datapathd_of_conn(c);

	granted_holder_gone(&d->sad, c);
	if (d->keyd->conn == c)
		set_conn(d, NULL);
}

static const struct ipc_rule rules[] = {
    {IPC_SPI_RESERVE, "spi.reserve", IPC_ROLE_KEYD, 256, 256, 1, false, on_reserve},
    {IPC_SPI_RELEASE, "spi.release", IPC_ROLE_KEYD, 256, 0, 1, false, on_release},
    {IPC_SA_INSTALL, "sa.install", IPC_ROLE_KEYD, 4096, 256, 1, true, on_install},
    {IPC_SA_REMOVE, "sa.remove", IPC_ROLE_KEYD, 64, 256, 1, false, on_remove},
    {IPC_SA_ASK, "sa.ask", IPC_ROLE_KEYD, 8192, 4, 50, false, on_ask},
    {IPC_PEER_MOVED, "peer.moved", IPC_ROLE_KEYD, 8192, 0, 50, false, on_moved},
    {IPC_IKE_DATAGRAM, "ike.datagram", IPC_ROLE_KEYD, IKE_LEN_MAX + 256, 0, 1, false, on_ike},
};

static const struct ipc_edge edge = {
    .name = "datapathd.keyd",
    .version_min = 1,
    .version_max = 1,
    .rules = rules,
    .n_rules = ARRAY_SIZE(rules),
    .budget_rate = 10000,
    .budget_burst = 20000,
    .max_conns = 2, /* a new keyd may come before the old one's end is seen */
    .max_queued = 4 << 20,
    .on_open = on_open,
    .on_close = on_close,
};

int keyd_edge_new(struct datapathd *d, struct keyd_edge **ret, struct err_text *e)
{
	struct keyd_edge *k = calloc(1, sizeof(*k));
	int r;

	if (!k)
		return err_set(e, -ENOMEM, "out of memory");
	r = service_serve(d->service, &edge, NULL, e);
	/* Who loads keys by hand only needs no keyd. */
	if (r == -ENOENT) {
		log_notice("keyd.none", "%s; until then keys are not negotiated", e->s);
		*e = (struct err_text){0};
		r = 0;
	}
	if (r < 0) {
		free(k);
		return r;
	}
	bucket_init(&k->unknown, UNKNOWN_RATE, UNKNOWN_RATE, clock_now_ms(service_clock(d->service)));
	meter_init(&k->sources, SOURCE_RATE, SOURCE_BURST);
	*ret = k;
	return 0;
}
