/*
 * Warns in the log, once a day, of certificates that end within PKI_WARNING_DAYS or have ended, and of CRLs
 * that have.
 */
#ifndef MUSUBI_DAEMON_KEEPER_CERTIFICATE_WATCH_H
#define MUSUBI_DAEMON_KEEPER_CERTIFICATE_WATCH_H

#include <uv.h>

#include "config/resolve.h"
#include "daemon/keeper/event_log.h"
#include "pki/store.h"

/* What it works with; all stays the caller's and has to outlive it. */
struct certificate_watch {
    const struct pki_store *store;
    const struct tunnel_policies *policies;
    struct event_log *log;
    int64_t last_day; /* on which it has looked, 1 is 1970-01-01 (a clock that was never set); 0: none yet */
    uv_timer_t timer;
};

/* Looks, and goes on to look. `watch` has its pointers set. */
void certificate_watch_start(struct certificate_watch *watch, uv_loop_t *loop);

/* To be called before the loop is closed, if it was started. */
void certificate_watch_stop(struct certificate_watch *watch);

/* Warns unless it has already done so on this day. `now`: Unix time, in seconds. */
void certificate_watch_look(struct certificate_watch *watch, int64_t now);

#endif
