/*
 * The decapsulation table is RFC 6040 figure 4, written out so that it can be laid beside it.
 */
#include "wire/ip/ecn.h"

enum { ECN_MASK = 3, DROP = 4 };

uint8_t ecn_encapsulate(uint8_t inner_tos, enum ecn_mode mode)
{
	return mode == ECN_NORMAL ? inner_tos : (uint8_t)(inner_tos & ~ECN_MASK);
}

uint8_t tos_encapsulate(uint8_t inner_tos, enum ecn_mode ecn, enum dscp_mode dscp)
{
	uint8_t tos = ecn_encapsulate(inner_tos, ecn);

	return dscp == DSCP_COPY ? tos : tos & ECN_MASK;
}

int ecn_decapsulate(uint8_t outer_tos, uint8_t inner_tos, enum ecn_mode mode, uint8_t *ret_tos)
{
	/* [inner][outer] */
	static const uint8_t table[4][4] = {
	    [ECN_NOT_ECT] = {[ECN_NOT_ECT] = ECN_NOT_ECT,
	        [ECN_ECT0] = ECN_NOT_ECT,
	        [ECN_ECT1] = ECN_NOT_ECT,
	        [ECN_CE] = DROP},
	    [ECN_ECT0] =
	        {[ECN_NOT_ECT] = ECN_ECT0, [ECN_ECT0] = ECN_ECT0, [ECN_ECT1] = ECN_ECT1, [ECN_CE] = ECN_CE},
	    [ECN_ECT1] =
	        {[ECN_NOT_ECT] = ECN_ECT1, [ECN_ECT0] = ECN_ECT1, [ECN_ECT1] = ECN_ECT1, [ECN_CE] = ECN_CE},
	    [ECN_CE] = {[ECN_NOT_ECT] = ECN_CE, [ECN_ECT0] = ECN_CE, [ECN_ECT1] = ECN_CE, [ECN_CE] = ECN_CE},
	};
	uint8_t ecn;

	/* Who forbids ECN on the way out cannot have been meant by a mark on the way in. */
	if (mode == ECN_FORBIDDEN) {
		*ret_tos = inner_tos;
		return ECN_OK;
	}
	ecn = table[inner_tos & ECN_MASK][outer_tos & ECN_MASK];
	if (ecn == DROP)
		return ECN_DROP;
	*ret_tos = (uint8_t)((inner_tos & ~ECN_MASK) | ecn);
	return ECN_OK;
}
