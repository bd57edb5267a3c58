/*
 * The packet rules in Linux (host/packet_rules.h): one table of nftables, replaced as a whole, put back when
 * another program changes it. No other table is touched.
 */
#ifndef MUSUBI_HOST_PACKETS_H
#define MUSUBI_HOST_PACKETS_H

#include "host/kernel.h"
#include "host/packet_rules.h"

/* Zeroed at first. */
struct host_packets {
    char *wanted;    /* the commands that make the table; NULL: none is wanted */
    char *standing;  /* the table as Linux listed it when it was made; NULL: it is not there */
    char *made;      /* the commands by which it was made last; NULL: it was not yet */
    bool blocking;   /* without the table, packets would be forwarded that must not be */
    bool in_doubt;   /* `wanted` is new, or the table may have been changed */
    bool looked;     /* a table of an earlier musubid has been looked for */
    bool harmed;     /* another program changed the table, and it was not made anew yet */
    uint32_t losses; /* of reports, when the table was last looked at */
    int failure;
};

/* Takes in what the plan wants; nothing is changed in Linux yet. */
bool host_packets_plan(struct host_packets *packets, const struct host_plan *plan, struct host_error *err);

/* Makes Linux agree. A failure is noted once, and left in `err`, which may be NULL. */
bool host_packets_reconcile(struct host_packets *packets, struct host_kernel *kernel, struct host_error *err);

/* False while packets must not be forwarded, because rules that would stop some of them are not in place. */
bool host_packets_stand(const struct host_packets *packets);

/* Stops forwarding by a rule if another program has changed rules that block: making them anew takes a while,
 * and may have to wait. */
void host_packets_guard(struct host_packets *packets);

/* The table may have been changed. */
void host_packets_doubt(struct host_packets *packets);

/* Removes the table. */
void host_packets_remove(struct host_packets *packets, struct host_kernel *kernel);

/* Frees what it holds and leaves the table. */
void host_packets_free(struct host_packets *packets);

#endif
