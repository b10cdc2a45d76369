#include "keyd/ike2/refusals.h"

#include <stddef.h>
#include <stdio.h>

#include "base/auto.h"
#include "wire/ike/v2.h"

static const struct {
	uint16_t type;
	const char *sa, *child; /* NULL: nothing is to be said */
} advice[] = {
    {IKE2_N_AUTHENTICATION_FAILED,
        "it does not believe our proof; its log says why (identity, secret, certificate)", NULL},
    {IKE2_N_NO_PROPOSAL_CHOSEN, "compare `ike` of both sides",
        "compare `esp`, `mode` and `pfs` of both sides"},
    {IKE2_N_INVALID_KE_PAYLOAD, "compare the groups in `ike` of both sides", "compare `pfs` of both sides"},
    {IKE2_N_TS_UNACCEPTABLE, NULL, "compare the networks of `child` of both sides"},
    {IKE2_N_TEMPORARY_FAILURE, "it is busy with something else", "it is busy with something else"},
};

static const char *advice_for(uint16_t type, bool child)
{
	for (size_t i = 0; i < ARRAY_SIZE(advice); i++)
		if (advice[i].type == type)
			return child ? advice[i].child : advice[i].sa;
	return NULL;
}

const char *refusal_words(uint16_t type, bool child, char buf[REFUSAL_WORDS_MAX])
{
	const char *name = ike2_notify_name(type), *what = advice_for(type, child);
	char number[20];

	snprintf(number, sizeof(number), "notification %u", type);
	snprintf(buf, REFUSAL_WORDS_MAX, "%s%s%s", name ? name : number, what ? ": " : "", what ? what : "");
	return buf;
}
