/*
 * What the log says of IKE SAs that are made and end. A peer that refuses each one as soon as it is made
 * (it does not accept our AUTH, or there is no Child SA) makes a new one every few seconds. Then the log
 * tells at level warn of the first that it is made and ends, then of one an hour, with their number; of the
 * others at level info. Of one that stays it tells at level warn when it has stayed for a while.
 */
#ifndef MUSUBI_IKE_SA_LIFE_LOG_H
#define MUSUBI_IKE_SA_LIFE_LOG_H

#include "config/log_level.h"
#include "ike/sa/repeated_failures.h"

struct ike_engine;
struct ike_sa;

enum { REFUSED_PEERS_MAX = 2 }; /* of a tunnel, that are remembered */

/* The level at which the log tells that `sa`, or a Child SA of it, is made. */
enum log_level life_log_level(const struct ike_sa *sa);

/* `sa` is established. */
void life_log_created(struct ike_sa *sa);

/* `sa`, which was established, ends; `reason` as for ike_sa_destroy. */
void life_log_deleted(struct ike_sa *sa, const char *reason);

/* What the timer `sa->stays` calls: the SA was not refused. */
void life_log_stays_fire(struct ike_engine *engine, void *owner);

#endif
