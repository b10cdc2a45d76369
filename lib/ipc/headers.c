#include "ipc/client.h"
#include "ipc/model.h"
#include "ipc/server.h"
#include "ipc/sync.h"
