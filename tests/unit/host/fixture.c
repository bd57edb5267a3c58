#include "fixture.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void keep_event(void *context, const struct host_event *event)
{
    struct seen *seen = context;
    seen->events[event->kind]++;
    seen->last[event->kind] = *event;
}

static void keep_note(void *context, enum host_note_level level, const char *text)
{
    struct seen *seen = context;
    size_t length = strlen(seen->notes);
    (void)snprintf(seen->notes + length, sizeof seen->notes - length, "%s: %s\n",
                   level == HOST_NOTE_WARNING ? "warning" : "notice", text);
}

struct host *open_host(struct seen *seen)
{
    struct host_error err;
    const struct host_listener listener = {.event = keep_event, .note = keep_note, .context = seen};
    *seen = (struct seen){0};
    struct host *host = host_open("test", &listener, &err);
    if (host == NULL)
        fail_msg("host_open: %s", err.text);
    return host;
}

static msec_t now;

void apply(struct host *host, const struct host_plan *plan)
{
    struct host_error err;
    now += 1000;
    if (!host_apply(host, plan, now, &err))
        fail_msg("host_apply: %s", err.text);
}

void settle(struct host *host)
{
    struct host_error err;
    for (;;) {
        struct pollfd wait = {.fd = host_fd(host), .events = POLLIN};
        if (host_due(host) != MSEC_NEVER && host_due(host) > now)
            now = host_due(host);
        else if (poll(&wait, 1, 0) == 0 && host_due(host) == MSEC_NEVER)
            return;
        if (!host_handle(host, now, &err))
            fail_msg("host_handle: %s", err.text);
    }
}

struct ip_address address_of(const char *text)
{
    struct ip_address address;
    if (!ip_address_parse(text, &address))
        fail_msg("no address: %s", text);
    return address;
}

struct ip_prefix prefix_of(const char *text)
{
    struct ip_prefix prefix;
    if (!ip_prefix_parse(text, &prefix))
        fail_msg("no prefix: %s", text);
    return prefix;
}

void want_tunnel(struct host_plan *plan, const char *name, bool ipv6)
{
    struct plan_tunnel tunnel = {.mtu = 1500, .up = true, .ipv6 = ipv6};
    (void)snprintf(tunnel.name, sizeof tunnel.name, "%s", name);
    assert_true(host_plan_add_tunnel(plan, &tunnel));
}

void want_address(struct host_plan *plan, const char *link, const char *prefix)
{
    struct plan_address address = {.prefix = prefix_of(prefix)};
    (void)snprintf(address.link, sizeof address.link, "%s", link);
    assert_true(host_plan_add_address(plan, &address));
}

void want_route(struct host_plan *plan, const char *destination, const char *hop, uint32_t metric)
{
    struct plan_route route = {.destination = prefix_of(destination), .metric = metric};
    if (hop == NULL)
        route.kind = HOST_ROUTE_BLACKHOLE;
    else if (!ip_address_parse(hop, &route.gateway))
        (void)snprintf(route.link, sizeof route.link, "%s", hop);
    assert_true(host_plan_add_route(plan, &route));
}
