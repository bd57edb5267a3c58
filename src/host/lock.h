/*
 * One musubid for a network namespace: its ports, marks and tables are there only once.
 */
#ifndef MUSUBI_HOST_LOCK_H
#define MUSUBI_HOST_LOCK_H

#include "host/error.h"

/*
 * Takes the network namespace of the calling thread. Returns a descriptor that holds it until it is closed in
 * all processes that have it, -1 with a reason if a musubid holds it.
 */
int host_lock(struct host_error *err);

#endif
