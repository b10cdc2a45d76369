/*
 * The small blocks: timer, listen, padding, privsep (racoon-conf.md sections 3 and 6).
 */
#include "config/racoon/reader.h"

static bool body(struct rc_cur *c, const struct rc_verb *verbs, size_t n)
{
	if (!rc_end(c))
		return false;
	if (!c->s->has_body)
		return rc_fault(c, NULL, "wants a block behind it");
	rc_run_body(c, verbs, n, c->r->conf);
	return true;
}

/* --- timer --- */

static bool counter(struct rc_cur *c, void *block)
{
	struct ike_conf *conf = block;
	uint64_t v;

	if (!rc_number(c, 0, 100, &v) || !rc_end(c))
		return false;
	conf->timers.counter = (uint32_t)v;
	return true;
}

static bool persend(struct rc_cur *c, void *block)
{
	struct ike_conf *conf = block;
	uint64_t v;

	if (!rc_number(c, 1, 10, &v) || !rc_end(c))
		return false;
	conf->timers.persend = (uint32_t)v;
	return true;
}

/* A time that is not 0, in milliseconds. */
static bool moment(struct rc_cur *c, uint32_t *ret_ms)
{
	const struct rc_word *w = rc_peek(c);
	uint64_t s;

	if (!rc_time(c, &s) || !rc_end(c))
		return false;
	if (!s || s > RC_HOUR)
		return rc_fault(c, w, "is out of its range: one second to one hour");
	*ret_ms = (uint32_t)s * 1000;
	return true;
}

static bool interval(struct rc_cur *c, void *block)
{
	return moment(c, &((struct ike_conf *)block)->timers.interval_ms);
}

static bool phase1(struct rc_cur *c, void *block)
{
	return moment(c, &((struct ike_conf *)block)->timers.phase1_ms);
}

static bool phase2(struct rc_cur *c, void *block)
{
	return moment(c, &((struct ike_conf *)block)->timers.phase2_ms);
}

static bool natt_keepalive(struct rc_cur *c, void *block)
{
	struct ike_conf *conf = block;
	uint64_t s;

	if (!rc_time(c, &s) || !rc_end(c))
		return false;
	if (s > RC_HOUR)
		return rc_fault(c, NULL, "is out of its range: up to one hour");
	conf->timers.natt_keepalive_s = (uint32_t)s;
	return true;
}

bool rc_timer(struct rc_cur *c, void *block)
{
	static const struct rc_verb verbs[] = {{"counter", counter, false}, {"interval", interval, false},
	    {"persend", persend, false}, {"phase1", phase1, false}, {"phase2", phase2, false},
	    {"natt_keepalive", natt_keepalive, false}};

	return body(c, verbs, ARRAY_SIZE(verbs));
}

/* --- listen --- */

static bool address(struct rc_cur *c, struct ike_conf *conf, bool natt)
{
	struct ike_listen l = {.natt = natt, .port = natt ? IKE_PORT_NATT : IKE_PORT};
	const struct rc_word *w;
	uint16_t port, want = l.port;
	bool said;

	if (!rc_addr(c, &l.addr))
		return false;
	w = rc_peek(c);
	if (!rc_port(c, &said, &port) || !rc_end(c))
		return false;
	if (said && port != want)
		return rc_fault(c, w, "names another port than %u: that is a setting of the launcher", want);
	if (conf->n_listen == IKE_LISTEN_MAX)
		return rc_fault(c, NULL, "is there too often: %d are enough", IKE_LISTEN_MAX);
	conf->listen[conf->n_listen++] = l;
	return true;
}

static bool isakmp(struct rc_cur *c, void *block)
{
	return address(c, block, false);
}

static bool isakmp_natt(struct rc_cur *c, void *block)
{
	return address(c, block, true);
}

static bool strict_address(struct rc_cur *c, void *block)
{
	((struct ike_conf *)block)->strict_address = true;
	return rc_end(c);
}

static bool adminsock(struct rc_cur *c, void *block)
{
	if (!rc_skip(c, "disabled"))
		rc_warn(c, NULL, "is ignored: the suite's own admin sockets are used");
	return true;
}

static bool admin(struct rc_cur *c, void *block)
{
	rc_warn(c, NULL, "is ignored: there is no admin port");
	return true;
}

bool rc_listen(struct rc_cur *c, void *block)
{
	static const struct rc_verb verbs[] = {{"isakmp", isakmp, false}, {"isakmp_natt", isakmp_natt, false},
	    {"strict_address", strict_address, false}, {"adminsock", adminsock, false},
	    {"admin", admin, false}};

	return body(c, verbs, ARRAY_SIZE(verbs));
}

/* --- padding --- */

static bool randomize(struct rc_cur *c, void *block)
{
	return rc_switch(c, &((struct ike_conf *)block)->padding.randomize) && rc_end(c);
}

static bool randomize_length(struct rc_cur *c, void *block)
{
	return rc_switch(c, &((struct ike_conf *)block)->padding.randomize_length) && rc_end(c);
}

static bool strict_check(struct rc_cur *c, void *block)
{
	return rc_switch(c, &((struct ike_conf *)block)->padding.strict_check) && rc_end(c);
}

static bool exclusive_tail(struct rc_cur *c, void *block)
{
	return rc_switch(c, &((struct ike_conf *)block)->padding.exclusive_tail) && rc_end(c);
}

static bool maximum_length(struct rc_cur *c, void *block)
{
	uint64_t v;

	if (!rc_number(c, 0, 255, &v) || !rc_end(c))
		return false;
	((struct ike_conf *)block)->padding.maximum_length = (uint32_t)v;
	return true;
}

bool rc_padding(struct rc_cur *c, void *block)
{
	static const struct rc_verb verbs[] = {{"randomize", randomize, false},
	    {"randomize_length", randomize_length, false}, {"strict_check", strict_check, false},
	    {"exclusive_tail", exclusive_tail, false}, {"maximum_length", maximum_length, false}};

	return body(c, verbs, ARRAY_SIZE(verbs));
}

/* --- read, and not used --- */

static bool unused(struct rc_cur *c, void *block)
{
	return true;
}

bool rc_privsep(struct rc_cur *c, void *block)
{
	static const struct rc_verb verbs[] = {
	    {"user", unused, false}, {"group", unused, false}, {"chroot", unused, false}};

	rc_warn(c, NULL, "is ignored: every service has a user and a sandbox of its own");
	return body(c, verbs, ARRAY_SIZE(verbs));
}
