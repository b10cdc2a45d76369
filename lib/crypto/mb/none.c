/*
 * A build without ipsec-mb.
 */
#include "crypto/mb/mb.h"

#include <stddef.h>

const struct crypto_engine *crypto_mb(void)
{
	return NULL;
}
