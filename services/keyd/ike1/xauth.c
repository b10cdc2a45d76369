/*
 * Who the user is (draft-beaulieu-ike-xauth-02):
 *
 *      server                                     client
 *      REQUEST(TYPE, NAME, PASSWORD)      -->
 *                                         <--     REPLY(NAME, PASSWORD)
 *      SET(STATUS)                        -->
 *                                         <--     ACK
 *
 * The server is whose `authentication_method` ends in _server, whoever began phase 1. certd judges; a wrong
 * password may be tried again a few times in one exchange, each after a pause.
 */
#include <ctype.h>
#include <stdio.h>

#include "keyd/ike1/inform.h"
#include "keyd/ike1/phase1.h"
#include "keyd/ike1/remote_access.h"
#include "keyd/ike1/transaction.h"

enum { TRIES_MAX = 3, USER_MAX = 128, PASSWORD_MAX = 256 };

static struct isakmp *waiter(struct parked *p)
{
	return container_of(p, struct isakmp, wait);
}

/* A name as a peer wrote it, for the log. */
static const char *printable(const void *p, size_t n, char buf[USER_MAX + 1])
{
	const uint8_t *b = p;
	size_t k = 0;

	for (; k < n && k < USER_MAX; k++)
		buf[k] = isprint(b[k]) ? (char)b[k] : '?';
	buf[k] = 0;
	return buf;
}

static void end(struct isakmp *sa, const char *why)
{
	inform_delete_isakmp(sa);
	sa->failure = why;
	isakmp_end(sa);
}

/* --- the server --- */

/* Of a client that has gone on nothing is missing but its acknowledgement (mode_config.c: is_ready()). */
static void on_silence(struct transaction *t)
{
	if (t->sa->state != ISAKMP_XAUTH)
		transaction_free(t);
	else
		end(t->sa, "the client does not answer who its user is");
}

static void acknowledged(struct transaction *t, const struct ike1_config *c)
{
	(void)c;
	if (t->sa->state == ISAKMP_XAUTH)
		phase1_up(t->sa);
}

static void refusal_heard(struct transaction *t, const struct ike1_config *c)
{
	(void)c;
	end(t->sa, "XAuth failed");
}

static void refusal_lost(struct transaction *t)
{
	end(t->sa, "XAuth failed");
}

static void send_status(struct isakmp *sa, bool good)
{
	struct ike_out o;
	struct transaction *t = transaction_new(sa, IKE1_CFG_SET, &o);

	if (t)
		ike1_put_attr(&o, IKE1_XAUTH_STATUS, good ? IKE1_XAUTH_OK : IKE1_XAUTH_FAIL);
	if (!t ||
	    !transaction_send(t, &o, good ? acknowledged : refusal_heard, good ? on_silence : refusal_lost))
		end(sa, "XAuth's status could not be sent");
}

static void on_pause(struct timer *timer, void *arg)
{
	struct isakmp *sa = container_of(timer, struct isakmp, ra.pause);

	(void)arg;
	if (sa->ra.tries < TRIES_MAX)
		xauth_ask(sa);
	else
		send_status(sa, false);
}

/* The reason stays here: a stranger is not told whether there is such a user. */
static void wrong(struct isakmp *sa, const char *why)
{
	struct core *c = sa->core;
	char name[ISAKMP_NAME_MAX], user[USER_MAX + 1];

	core_note(c, CORE_ERROR, "xauth.failed", "login failed for user \"%s\": %s. %s",
	    printable(sa->ra.user.p, sa->ra.user.n, user), why, isakmp_name(sa, name));
	octets_fini(&sa->ra.user);
	if (timer_set(&c->timers, &sa->ra.pause, core_now(c) + sa->conf->c->pool.auth_throttle_s * 1000ULL,
	        on_pause) < 0)
		end(sa, "XAuth failed");
}

static void on_judged(struct parked *p, struct core_reply *r)
{
	struct isakmp *sa = waiter(p);
	char name[ISAKMP_NAME_MAX], user[USER_MAX + 1];

	if (r->result == 0 && (octets_set(&sa->ticket, r->octets, r->n_octets) < 0 ||
	                          octets_set(&sa->ra.groups, r->groups, strlen(r->groups) + 1) < 0))
		r->result = -ENOMEM;
	if (r->result < 0) {
		wrong(sa, r->why);
		return;
	}
	sa->ra.user_known = sa->ra.said_so = true;
	core_log(sa->core, CORE_INFO, "xauth.up", "login succeeded for user \"%s\". %s",
	    printable(sa->ra.user.p, sa->ra.user.n, user), isakmp_name(sa, name));
	send_status(sa, true);
}

static bool is_login(const struct ike1_xauth *x, const struct ike1_text **ret_password)
{
	*ret_password = x->password.n ? &x->password : &x->passcode;
	return !x->has_status && x->user.n && x->user.n <= USER_MAX && (*ret_password)->n &&
	       (*ret_password)->n <= PASSWORD_MAX;
}

static void on_reply(struct transaction *t, const struct ike1_config *c)
{
	struct isakmp *sa = t->sa;
	const struct core_ports *ports = &sa->core->ports;
	const struct ike1_text *password;
	struct ike1_octets user, word;
	struct ike1_xauth x;
	int r;

	if (sa->state != ISAKMP_XAUTH || parked_is(&sa->wait))
		return;
	sa->ra.tries++;
	if (ike1_xauth_decode(c, &x) != IKE_OK || !is_login(&x, &password)) {
		wrong(sa, "the client sends no name and password");
		return;
	}
	r = octets_set(&sa->ra.user, x.user.p, x.user.n);
	user = octets_slice(&sa->ra.user);
	word = (struct ike1_octets){password->p, password->n};
	if (r == 0)
		r = ports->xauth_check(ports->arg, parking_enter(&sa->core->parking, &sa->wait, on_judged),
		    octets_slice(&sa->ticket), user, word);
	if (r < 0)
		end(sa, "certd cannot be asked who the user is");
}

void xauth_ask(struct isakmp *sa)
{
	struct ike_out o;
	struct transaction *t = transaction_new(sa, IKE1_CFG_REQUEST, &o);

	if (t) {
		ike1_put_attr(&o, IKE1_XAUTH_TYPE, IKE1_XAUTH_GENERIC);
		ike1_put_attr_octets(&o, IKE1_XAUTH_USER_NAME, "", 0);
		ike1_put_attr_octets(&o, IKE1_XAUTH_USER_PASSWORD, "", 0);
	}
	if (!t || !transaction_send(t, &o, on_reply, on_silence))
		end(sa, "XAuth's request could not be sent");
}

/* --- the client --- */

/* What is asked, until the password is there. */
static void reply(struct isakmp *sa, const struct secret *password)
{
	const char *login = isakmp_peer(sa)->xauth_login;
	struct transaction *t = sa->ra.asked;
	struct ike_out o;

	sa->ra.asked = NULL;
	transaction_answer(t, &o);
	if (!password) {
		ike1_put_attr(&o, IKE1_XAUTH_STATUS, IKE1_XAUTH_FAIL);
		transaction_send_answer(t, &o);
		return;
	}
	ike1_put_attr(&o, IKE1_XAUTH_TYPE, IKE1_XAUTH_GENERIC);
	ike1_put_attr_octets(&o, IKE1_XAUTH_USER_NAME, login, strlen(login));
	ike1_put_attr_octets(&o, sa->ra.asked_passcode ? IKE1_XAUTH_PASSCODE : IKE1_XAUTH_USER_PASSWORD,
	    secret_bytes(password), secret_len(password));
	transaction_send_answer(t, &o);
}

static void on_password(struct parked *p, struct core_reply *r)
{
	struct isakmp *sa = waiter(p);
	char name[ISAKMP_NAME_MAX];

	if (r->result < 0)
		core_log(sa->core, CORE_ERROR, "xauth.failed", "no password for xauth_login \"%s\": %s. %s",
		    isakmp_peer(sa)->xauth_login, r->why, isakmp_name(sa, name));
	reply(sa, r->result < 0 ? NULL : r->secret);
}

/* Why a request is not answered with our password; NULL: it is. */
static const char *unfit(const struct isakmp *sa, const struct ike1_xauth *x)
{
	if (sa->ra.tries > TRIES_MAX)
		return "it asks too often";
	if (x->type != IKE1_XAUTH_GENERIC)
		return "it asks for another kind of proof than name and password";
	if (!x->user.there || (!x->password.there && !x->passcode.there))
		return "it does not ask for name and password";
	return isakmp_peer(sa)->xauth_login ? NULL : "there is no xauth_login";
}

static void on_request(struct transaction *t, const struct ike1_xauth *x)
{
	struct isakmp *sa = t->sa;
	const struct core_ports *ports = &sa->core->ports;
	char name[ISAKMP_NAME_MAX], text[USER_MAX + 1];
	const char *why;

	sa->ra.tries++;
	if (x->message.n)
		core_log(sa->core, CORE_INFO, "xauth.message", "the server says: %s",
		    printable(x->message.p, x->message.n, text));
	why = unfit(sa, x);
	sa->ra.asked = t;
	sa->ra.asked_passcode = !x->password.there;
	if (!why &&
	    ports->xauth_password(ports->arg, parking_enter(&sa->core->parking, &sa->wait, on_password),
	        octets_slice(&sa->ticket)) < 0) {
		parking_leave(&sa->core->parking, &sa->wait);
		why = "certd cannot be asked";
	}
	if (!why)
		return;
	core_log(sa->core, CORE_ERROR, "xauth.failed",
	    "the server's question for a user is not answered: %s. %s", why, isakmp_name(sa, name));
	reply(sa, NULL);
}

static void on_status(struct transaction *t, bool good)
{
	struct isakmp *sa = t->sa;
	char name[ISAKMP_NAME_MAX];
	struct ike_out o;

	transaction_answer(t, &o);
	ike1_put_attr(&o, IKE1_XAUTH_STATUS, good ? IKE1_XAUTH_OK : IKE1_XAUTH_FAIL);
	transaction_send_answer(t, &o);
	if (!good) {
		core_log(sa->core, CORE_ERROR, "xauth.failed",
		    "the server does not take xauth_login \"%s\". %s", isakmp_peer(sa)->xauth_login,
		    isakmp_name(sa, name));
		end(sa, "XAuth failed");
		return;
	}
	sa->ra.user_known = true;
	core_log(sa->core, CORE_INFO, "xauth.up", "the server has taken xauth_login \"%s\". %s",
	    isakmp_peer(sa)->xauth_login, isakmp_name(sa, name));
	phase1_up(sa);
}

void xauth_message(struct transaction *t, const struct ike1_config *c)
{
	struct isakmp *sa = t->sa;
	struct ike1_xauth x;
	bool turn = sa->state == ISAKMP_XAUTH && ike_auth_is_asked(sa->terms.auth) && !parked_is(&sa->wait);

	if (!turn || ike1_xauth_decode(c, &x) != IKE_OK) {
		/* Nobody asks us for a user whom we did not agree to ask. */
		transaction_free(t);
		return;
	}
	if (c->type == IKE1_CFG_REQUEST)
		on_request(t, &x);
	else if (x.has_status)
		on_status(t, x.status == IKE1_XAUTH_OK);
	else
		transaction_free(t);
}
