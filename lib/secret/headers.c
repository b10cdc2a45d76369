#include "secret/region.h"
#include "secret/secret.h"
