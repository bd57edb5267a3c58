/*
 * The engine verifies peers by the CA certificates and CRLs of the keeper's store: it is told all of them
 * when it starts, and whenever the store has changed.
 */
#ifndef MUSUBI_DAEMON_KEEPER_TRUST_H
#define MUSUBI_DAEMON_KEEPER_TRUST_H

#include "daemon/keeper/processes.h"
#include "pki/trust.h"

/* Sends them to the engine. False with errno if there is no memory. */
bool trust_tell_engine(struct processes *processes, const struct pki_store *store);

#endif
