/*
 * The marks by which Musubi recognizes what it made in Linux (S16), also after its own death. There is at
 * most one musubid in a network namespace (host/lock.h), so whatever carries a mark when it starts is left
 * over from an earlier one: it is adopted if it is wanted and removed if not.
 */
#ifndef MUSUBI_HOST_MARK_H
#define MUSUBI_HOST_MARK_H

enum {
    HOST_PROTOCOL = 109, /* of routes (RTPROT), rules (FRA_PROTOCOL) and addresses (IFA_PROTO) */

    HOST_LINK_GROUP = 0x6d757362, /* "musb": of links, beside the alias */
    HOST_LINK_REMOVAL_GROUP =
        0x6d757364, /* "musd": of links about to be removed by one request for the group */

    /* Policy routing of pinned routes: number n (1 ...) has this + n as its fwmark and its table. */
    HOST_PIN_BASE = 0x6d750000,
    HOST_PIN_MAX = 0xffff,
    HOST_RULE_PRIORITY = 109, /* ahead of others' rules: ours select nothing but our own marks */
};

/* The alias of our links is this and the name of the instance. */
#define HOST_LINK_ALIAS "musubi:"

#endif
