/* All exchanges, in the table that sa/ calls. */
#ifndef MUSUBI_IKE_EXCHANGES_EXCHANGES_H
#define MUSUBI_IKE_EXCHANGES_EXCHANGES_H

#include "ike/sa/upper.h"

extern const struct ike_exchanges ike_exchanges;

#endif
