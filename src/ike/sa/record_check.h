/*
 * Whether the parts of a record fit each other, so that an engine can continue with the IKE SA: it relies on
 * them as on what it made itself.
 */
#ifndef MUSUBI_IKE_SA_RECORD_CHECK_H
#define MUSUBI_IKE_SA_RECORD_CHECK_H

#include "ike/sa/record.h"

/* Why the IKE SA of a record that was read cannot be continued; NULL if it can. */
const char *ike_record_fault(const struct ike_record *record);

#endif
