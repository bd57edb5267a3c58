/*
 * What is known beforehand against the certificate by which this device proves its ID: a peer would refuse
 * it.
 */
#ifndef MUSUBI_DAEMON_KEEPER_OWN_CERTIFICATE_H
#define MUSUBI_DAEMON_KEEPER_OWN_CERTIFICATE_H

#include "config/policy.h"
#include "pki/store.h"

/*
 * Writes why a peer would refuse the entry's certificate as a proof of the ID, and what to do about it: it is
 * that of another ID, is out of date, or has a weak key. False if nothing is known against it, or if the
 * entry has no certificate. `now`: Unix time, in seconds.
 */
bool own_certificate_trouble(const struct pki_entry *entry, const struct identity *id, int64_t now,
                             struct pki_reason *trouble);

#endif
