/*
 * `show pki cert`: what the certificate store holds, and which tunnels use it. Private keys are never shown.
 */
#ifndef MUSUBI_DAEMON_SHOW_CERTIFICATES_H
#define MUSUBI_DAEMON_SHOW_CERTIFICATES_H

#include "config/resolve.h"
#include "daemon/ipc/text.h"
#include "pki/store.h"

/* Prints one entry, or all if `entry` is NULL; an entry a block, in the order of the names. `now`: Unix time,
 * in seconds. */
void show_certificates(const struct pki_store *store, const struct pki_entry *entry,
                       const struct tunnel_policies *policies, int64_t now, struct text *out);

/* Appends the tunnels that use an entry ("Tunnel0.0 (mycert), Tunnel1.0 (cacert)"). False if none does. */
bool show_certificate_uses(const struct tunnel_policies *policies, const char *name, struct text *out);

enum { CERTIFICATE_REMARK_SIZE = 160 };

/*
 * Writes what is to be told of the end of a certificate or CRL: that it has ended, or ends within
 * PKI_WARNING_DAYS ("expires in 12 days, at 2026-12-08 00:00:00 UTC"), or has not begun. False if nothing is.
 * `not_after` 0: it has no end. `soon` false: an end that is still to come is not told.
 */
bool certificate_remark(int64_t not_before, int64_t not_after, int64_t now, bool soon,
                        char out[CERTIFICATE_REMARK_SIZE]);

#endif
