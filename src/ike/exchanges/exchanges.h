/*
 * All exchanges as one table: what sa/ calls of them.
 */
#ifndef MUSUBI_IKE_EXCHANGES_EXCHANGES_H
#define MUSUBI_IKE_EXCHANGES_EXCHANGES_H

#include "ike/sa/upper.h"

extern const struct ike_exchanges ike_exchanges;

#endif
