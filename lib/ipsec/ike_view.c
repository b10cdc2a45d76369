#include "ipsec/ike_view.h"

#include "base/auto.h"

const char *ike_view_state_name(enum ike_view_state s)
{
	static const char *const names[IKE_VIEW_STATES] = {[IKE_VIEW_NONE] = "none",
	    [IKE_VIEW_NEGOTIATING] = "negotiating",
	    [IKE_VIEW_ESTABLISHED] = "established"};

	return (unsigned)s < ARRAY_SIZE(names) ? names[s] : "unknown";
}
