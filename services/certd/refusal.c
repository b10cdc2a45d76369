#include "certd/refusal.h"

#include <errno.h>
#include <stddef.h>

#include "base/auto.h"

static const struct {
	int code;
	const char *event;
} rows[] = {
    {EPERM, "certd.file_mode"},           /* a file of secrets that is not root's alone */
    {ENOENT, "certd.key_missing"},        /* no line for the peer, no key, no such file */
    {EKEYREJECTED, "certd.key_mismatch"}, /* a private key that is not its certificate's */
    {EACCES, "certd.not_allowed"},        /* against the configuration, or a wrong password */
    {EBADMSG, "certd.proof_wrong"},       /* the peer's hash, or what it sent */
    {EBUSY, "certd.busy"},
    {ESTALE, "certd.exchange_lost"}, /* over, or of another configuration */
    {EKEYEXPIRED, "certd.ticket_expired"},
    {EOPNOTSUPP, "certd.unsupported"},
};

const char *refusal_event(int r)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (r == -rows[i].code)
			return rows[i].event;
	return "certd.refused";
}
