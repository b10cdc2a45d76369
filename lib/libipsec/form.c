/*
 * The numbers are the kernel's; ours have zero for "not said" and so lie beside them.
 */
#include "form.h"

#include <netinet/in.h>
#include <stddef.h>

#include "api.h"
#include "base/auto.h"

_Static_assert(sizeof(struct sadb_x_policy) == FORM_HEADER, "the kernel's header is the one we know");
_Static_assert(sizeof(struct sadb_x_ipsecrequest) == FORM_HEADER, "the kernel's request is the one we know");
_Static_assert(FORM_REQUEST_MAX == FORM_HEADER + 2 * sizeof(struct sockaddr_in6), "two addresses fit");

uint8_t form_dir(enum policy_dir d)
{
	return d == POLICY_IN ? IPSEC_DIR_INBOUND : d == POLICY_OUT ? IPSEC_DIR_OUTBOUND : IPSEC_DIR_FWD;
}

uint16_t form_action(enum setkey_action a)
{
	switch (a) {
	case SETKEY_PASS:
		return IPSEC_POLICY_NONE;
	case SETKEY_IPSEC:
		return IPSEC_POLICY_IPSEC;
	case SETKEY_ENTRUST:
		return IPSEC_POLICY_ENTRUST;
	case SETKEY_BYPASS:
		return IPSEC_POLICY_BYPASS;
	default: /* a direction alone too */
		return IPSEC_POLICY_DISCARD;
	}
}

uint8_t form_mode(enum ipsec_mode m)
{
	return m == IPSEC_TUNNEL ? IPSEC_MODE_TUNNEL : IPSEC_MODE_TRANSPORT;
}

uint8_t form_level(enum policy_level l)
{
	switch (l) {
	case LEVEL_USE:
		return IPSEC_LEVEL_USE;
	case LEVEL_REQUIRE:
		return IPSEC_LEVEL_REQUIRE;
	case LEVEL_UNIQUE:
		return IPSEC_LEVEL_UNIQUE;
	default:
		return IPSEC_LEVEL_DEFAULT;
	}
}

static const char *word_in(const char *const *words, size_t n, unsigned i)
{
	return i < n ? words[i] : NULL;
}

const char *form_dir_word(unsigned dir)
{
	static const char *const words[] = {
	    [IPSEC_DIR_INBOUND] = "in", [IPSEC_DIR_OUTBOUND] = "out", [IPSEC_DIR_FWD] = "fwd"};

	return word_in(words, ARRAY_SIZE(words), dir);
}

const char *form_action_word(unsigned action)
{
	static const char *const words[] = {[IPSEC_POLICY_DISCARD] = "discard",
	    [IPSEC_POLICY_NONE] = "none",
	    [IPSEC_POLICY_IPSEC] = "ipsec",
	    [IPSEC_POLICY_ENTRUST] = "entrust",
	    [IPSEC_POLICY_BYPASS] = "bypass"};

	return word_in(words, ARRAY_SIZE(words), action);
}

const char *form_proto_word(unsigned proto)
{
	if (proto != IPSEC_ESP && proto != IPSEC_AH && proto != IPSEC_IPCOMP)
		return NULL;
	return ipsec_proto_name((enum ipsec_proto)proto);
}

const char *form_mode_word(unsigned mode)
{
	static const char *const words[] = {
	    [IPSEC_MODE_TRANSPORT] = "transport", [IPSEC_MODE_TUNNEL] = "tunnel"};

	return word_in(words, ARRAY_SIZE(words), mode);
}

const char *form_level_word(unsigned level)
{
	static const char *const words[] = {[IPSEC_LEVEL_DEFAULT] = "default",
	    [IPSEC_LEVEL_USE] = "use",
	    [IPSEC_LEVEL_REQUIRE] = "require",
	    [IPSEC_LEVEL_UNIQUE] = "unique"};

	return word_in(words, ARRAY_SIZE(words), level);
}
