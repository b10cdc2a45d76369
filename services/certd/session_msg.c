/*
 * Lengths are those that the protocol allows; anything else is not an exchange.
 */
#include "certd/session_msg.h"

#include <errno.h>

int session_octets(
    const ProtobufCBinaryData *b, size_t min, size_t max, struct ike1_octets *ret, struct err_text *e)
{
	if (b->len < min || b->len > max)
		return err_set(e, -EBADMSG, "%zu octets where %zu to %zu belong", b->len, min, max);
	*ret = (struct ike1_octets){b->data, b->len};
	return 0;
}
