/*
 * The error codes of the old IPsec library and their texts. Messages of setkey begin with the same texts, so
 * both stand here once. Programs never see the numbers.
 */
#ifndef POSTERN_CONFIG_SETKEY_CODE_H
#define POSTERN_CONFIG_SETKEY_CODE_H

enum ipsec_code {
	EIPSEC_NO_ERROR = 0,
	EIPSEC_NOT_SUPPORTED = 1,
	EIPSEC_INVAL_ARGUMENT = 2, /* also grammar errors that have no code of their own */
	EIPSEC_INVAL_SADBMSG = 3,
	EIPSEC_INVAL_VERSION = 4,
	EIPSEC_INVAL_POLICY = 5,
	EIPSEC_INVAL_ADDRESS = 6,
	EIPSEC_INVAL_PROTO = 7,
	EIPSEC_INVAL_MODE = 8,
	EIPSEC_INVAL_LEVEL = 9,
	EIPSEC_INVAL_SATYPE = 10,
	EIPSEC_INVAL_MSGTYPE = 11,
	EIPSEC_INVAL_EXTTYPE = 12,
	EIPSEC_INVAL_ALGS = 13,
	EIPSEC_INVAL_KEYLEN = 14,
	EIPSEC_INVAL_FAMILY = 15,
	EIPSEC_INVAL_PREFIXLEN = 16,
	EIPSEC_INVAL_DIR = 17,
	EIPSEC_INVAL_SPI = 18,
	EIPSEC_NO_PROTO = 19,
	EIPSEC_NO_ALGS = 20,
	EIPSEC_NO_BUFS = 21,
	EIPSEC_DO_GET_SUPP_LIST = 22,
	EIPSEC_PROTO_MISMATCH = 23,
	EIPSEC_FAMILY_MISMATCH = 24,
	EIPSEC_FEW_ARGUMENTS = 25,
	EIPSEC_SYSTEM_ERROR = 26, /* its text is the system's or the resolver's */
	EIPSEC_INVAL_PRIORITY_OFFSET = 27,
	EIPSEC_INVAL_PRIORITY_BASE_OFFSET = 28,
	EIPSEC_PRIORITY_NOT_COMPILED = 29,
	EIPSEC_MAX = 30,
};

/* Static text; "Unknown error" for every number out of range. */
const char *ipsec_code_text(unsigned code);
/* The code whose text this is; EIPSEC_INVAL_ARGUMENT for any other. */
enum ipsec_code ipsec_code_of(const char *text);

#endif
