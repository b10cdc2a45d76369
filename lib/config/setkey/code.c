/*
 * Scripts compare some of these texts; which ones is in the test.
 */
#include "config/setkey/code.h"

#include <string.h>

#include "base/auto.h"

static const char *const texts[] = {
    [EIPSEC_NO_ERROR] = "Success",
    [EIPSEC_NOT_SUPPORTED] = "Operation not supported",
    [EIPSEC_INVAL_ARGUMENT] = "Invalid argument",
    [EIPSEC_INVAL_SADBMSG] = "Malformed key message",
    [EIPSEC_INVAL_VERSION] = "Key message of another protocol version",
    [EIPSEC_INVAL_POLICY] = "Invalid security policy",
    [EIPSEC_INVAL_ADDRESS] = "Invalid address specification",
    [EIPSEC_INVAL_PROTO] = "Invalid ipsec protocol",
    [EIPSEC_INVAL_MODE] = "Invalid ipsec mode",
    [EIPSEC_INVAL_LEVEL] = "Invalid ipsec level",
    [EIPSEC_INVAL_SATYPE] = "Invalid SA type",
    [EIPSEC_INVAL_MSGTYPE] = "Unknown message type",
    [EIPSEC_INVAL_EXTTYPE] = "Unexpected extension type",
    [EIPSEC_INVAL_ALGS] = "unsupported algorithm",
    [EIPSEC_INVAL_KEYLEN] = "Invalid key length",
    [EIPSEC_INVAL_FAMILY] = "Unknown address family",
    [EIPSEC_INVAL_PREFIXLEN] = "Invalid prefix length",
    [EIPSEC_INVAL_DIR] = "Invalid direction",
    [EIPSEC_INVAL_SPI] = "SPI range violation",
    [EIPSEC_NO_PROTO] = "No protocol specified",
    [EIPSEC_NO_ALGS] = "No algorithm specified",
    [EIPSEC_NO_BUFS] = "memory exhausted", /* the words of bison's parser too */
    [EIPSEC_DO_GET_SUPP_LIST] = "The list of algorithms was not fetched yet",
    [EIPSEC_PROTO_MISMATCH] = "Protocol mismatch",
    [EIPSEC_FAMILY_MISMATCH] = "Family mismatch",
    [EIPSEC_FEW_ARGUMENTS] = "Too few arguments",
    [EIPSEC_SYSTEM_ERROR] = "System error",
    [EIPSEC_INVAL_PRIORITY_OFFSET] = "Invalid priority",
    [EIPSEC_INVAL_PRIORITY_BASE_OFFSET] = "Invalid priority offset",
    [EIPSEC_PRIORITY_NOT_COMPILED] = "Priorities are not supported by this build",
    [EIPSEC_MAX] = "Unknown error",
};

const char *ipsec_code_text(unsigned code)
{
	return texts[code < ARRAY_SIZE(texts) ? code : EIPSEC_MAX];
}

enum ipsec_code ipsec_code_of(const char *text)
{
	for (unsigned i = 0; i < ARRAY_SIZE(texts); i++)
		if (strcmp(texts[i], text) == 0)
			return (enum ipsec_code)i;
	return EIPSEC_INVAL_ARGUMENT;
}
