/*
 * A struct host in a namespace of its own, with what it said and reported kept for the test to look at.
 */
#ifndef MUSUBI_TESTS_HOST_FIXTURE_H
#define MUSUBI_TESTS_HOST_FIXTURE_H

#include "host/host.h"

struct seen {
    char notes[16384]; /* one a line */
    unsigned events[HOST_EVENT_TUNNEL_REPLACED + 1];
    struct host_event last[HOST_EVENT_TUNNEL_REPLACED + 1];
};

/* Opens a host; the test fails if that does. */
struct host *open_host(struct seen *seen);

/* Applies a plan at time 0 of a clock that `settle` moves. */
void apply(struct host *host, const struct host_plan *plan);

/* Lets the host handle what the kernel reports until nothing more is due. */
void settle(struct host *host);

/* Adds to a plan from text. `hop` is an address, the name of a link, or NULL for a blackhole. */
void want_tunnel(struct host_plan *plan, const char *name, bool ipv6);
void want_address(struct host_plan *plan, const char *link, const char *prefix);
void want_route(struct host_plan *plan, const char *destination, const char *hop, uint32_t metric);

struct ip_address address_of(const char *text);
struct ip_prefix prefix_of(const char *text);

#endif
