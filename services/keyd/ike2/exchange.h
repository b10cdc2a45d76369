/*
 * Whose turn it is: one request of ours at a time, one answer to the peer's last one (RFC 7296 sections 2.1
 * to 2.3). What else this side wants to say waits in line.
 */
#ifndef POSTERN_KEYD_IKE2_EXCHANGE_H
#define POSTERN_KEYD_IKE2_EXCHANGE_H

#include "keyd/ike2/message.h"

/* Puts a task in line; what is the same is there once. 0 or -ENOMEM. */
must_check int ike2_ask(struct ikesa *sa, const struct ike2_task *t);
/* This pair wants nothing to be said any more. */
void ike2_unask(struct ikesa *sa, const struct ike2_pair *p);
/* The next one in line is asked, if nothing is out. */
void ike2_pump(struct ikesa *sa);

/* Our request, protected. 0 or -errno: then nothing is out. */
must_check int ike2_send_request(
    struct ikesa *sa, struct ike2_out *m, uint8_t exchange, const struct ike2_task *t);
/* The same of IKE_SA_INIT, which is in core->out with n octets. */
must_check int ike2_send_first(struct ikesa *sa, size_t n);
/* Our request is answered: *ret_task is what it was, and the next one may go. */
void ike2_answered(struct ikesa *sa, struct ike2_task *ret_task);

/* Answers the peer's request, which is done with. */
void ike2_send_answer(struct ikesa *sa, struct ike2_out *m, uint8_t exchange);
/* The same with nothing but a notification. */
void ike2_send_refusal(struct ikesa *sa, uint8_t exchange, uint16_t notify, const void *data, size_t n);
/* The peer's last request has come again. */
void ike2_repeat_answer(struct ikesa *sa);

/* Nothing is out and nothing waits any more. */
void ike2_exchange_fini(struct ikesa *sa);

#endif
