#include "keyd/core/versions.h"

const struct ike_version *const ike_versions[IKE_VERSIONS] = {&ike1_version, &ike2_version};

const struct ike_version *ike_version_of(const struct ike_peer *p)
{
	return ike_versions[p->version - 1];
}
