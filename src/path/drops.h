/*
 * Why a packet of a tunnel goes nowhere. Each drop counts as exactly one of these, in the totals of its
 * tunnel (path/path.h), and in the coarser counter that `show ikev2 child-sa` has for it.
 */
#ifndef MUSUBI_PATH_DROPS_H
#define MUSUBI_PATH_DROPS_H

#include "esp/open.h"
#include "esp/seal.h"

enum path_drop {
    /* Outbound */
    DROP_TOO_BIG,        /* must not be fragmented: its sender was told the size (R72); or no size will do */
    DROP_UNFRAGMENTABLE, /* its headers are too long or not sound, or it would be too many fragments */
    DROP_OUT_SELECTORS,  /* no SA's selectors hold it (R71) */
    DROP_NO_SA,          /* it waited for an SA, and there was none to be had (S6) */
    DROP_QUEUE_FULL,     /* too much waited already (S6) */
    DROP_OF_LINK,        /* of Linux's own for the link, in no SA's selectors: no reason to negotiate (S6) */
    DROP_RECURSIVE,      /* what its own SA has sealed: the route to the peer leads into the tunnel (S37) */
    DROP_OUT_MALFORMED,  /* no IP packet */
    DROP_EXHAUSTED,      /* the SA has no sequence number left (RFC 4303 3.3.3) */
    DROP_OUT_CIPHER,     /* the library failed */
    DROP_OUT_NO_MEMORY,
    DROP_REFUSED, /* Linux did not send it */
    /* Inbound */
    DROP_INVALID_SA,
    DROP_REPLAY,         /* seen before, or below the window (R70) */
    DROP_AUTHENTICATION, /* the ICV does not match */
    DROP_IN_CIPHER,      /* the library failed */
    DROP_TRUNCATED,      /* not the length of an ESP packet */
    DROP_PADDING,        /* of ESP, not as RFC 4303 2.4 wants it */
    DROP_NEXT_HEADER,    /* neither IPv4 nor IPv6 inside */
    DROP_IN_SELECTORS,   /* outside of the SA's selectors (R71) */
    DROP_IN_MALFORMED,   /* the inner header is none, or says more octets than there are */
    DROP_CONGESTED,      /* CE outside, not-ECT inside (RFC 6040, S29) */
    DROP_IN_NO_MEMORY,
    DROP_UNDELIVERED, /* the Tunnel's device did not take it: it is down */
    DROP_COUNT
};

/* The counter of `show ikev2 child-sa` that a drop counts in too; ESP_COUNTER_COUNT: none. */
enum esp_counter path_drop_counter(enum path_drop drop);

/* The drop that a result is which is not ESP_SEALED; which is neither ESP_OPENED nor ESP_OPEN_DUMMY. */
enum path_drop path_drop_of_seal(enum esp_seal_result result);
enum path_drop path_drop_of_open(enum esp_open_result result);

#endif
