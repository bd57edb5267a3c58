/*
 * A struct host in its own network namespace, which keeps its notes and events for the test to look at.
 */
#ifndef MUSUBI_TESTS_HOST_FIXTURE_H
#define MUSUBI_TESTS_HOST_FIXTURE_H

#include "host/host.h"

struct seen {
    char notes[16384];                               /* a line each */
    unsigned events[HOST_EVENT_TUNNEL_REPLACED + 1]; /* how many of each kind */
    struct host_event last[HOST_EVENT_TUNNEL_REPLACED + 1];
};

/* Opens a host; fails the test if it can't. */
struct host *open_host(struct seen *seen);

/* Applies a plan at time 0 of a clock that `settle` advances. */
void apply(struct host *host, const struct host_plan *plan);

/* Lets the host handle what the kernel reports, until nothing more is due. */
void settle(struct host *host);

/* Add to a plan from text. `hop` is an address, the name of a link, or NULL for a blackhole. */
void want_tunnel(struct host_plan *plan, const char *name, bool ipv6);
void want_address(struct host_plan *plan, const char *link, const char *prefix);
void want_route(struct host_plan *plan, const char *destination, const char *hop, uint32_t metric);

/* Parse an address and a prefix; fail the test if the text is none. */
struct ip_address address_of(const char *text);
struct ip_prefix prefix_of(const char *text);

#endif
