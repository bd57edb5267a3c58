/*
 * What the log tells of interfaces that go down or come up: one line for each change, with its cause; or one
 * for a common cause, so that a port with a thousand tunnels does not fill the log. Causes come before their
 * consequences.
 *
 *     GigaEthernet0.0: down: no carrier
 *     Tunnel0.0: down: no route to the peer 10.2.0.1; line 14
 *     GigaEthernet0.0: down: no carrier; with it 1000 Tunnels: Tunnel0.0, Tunnel1.0, Tunnel2.0 and 997 more
 *     Tunnel0.0: up again, after 34 s
 *
 * It knows neither ports nor tunnels: who does names those that have changed, and explains them.
 */
#ifndef MUSUBI_DAEMON_KEEPER_INTERFACE_NEWS_H
#define MUSUBI_DAEMON_KEEPER_INTERFACE_NEWS_H

#include "base/deadline.h"
#include "daemon/keeper/event_log.h"

enum {
    NEWS_SINGLY_MAX = 3,  /* of one cause, interfaces that get a line each; of more, this many are named */
    NEWS_HOURLY_MAX = 10, /* lines at level warn about one interface in an hour; more are at level notice */
    NEWS_HOUR = 3600000,  /* milliseconds */
};

/* Why an interface is down, in the order in which the log tells it. */
enum interface_cause {
    INTERFACE_UP,
    INTERFACE_NO_LINK, /* a port's own causes */
    INTERFACE_SHUTDOWN,
    INTERFACE_NO_DEVICE, /* a Tunnel's */
    INTERFACE_NO_ROUTE,
    INTERFACE_INCOMPLETE,
    INTERFACE_WAITS, /* for its peer to begin */
    INTERFACE_NO_SA,
};

/* What the log has told of an interface. Zeroed: nothing. */
struct told_interface {
    bool is_known; /* it was looked at */
    uint8_t cause; /* enum interface_cause, as last seen */
    bool is_told;  /* that it is down, at level warn */
    uint8_t lines; /* at level warn, in the hour that began at `hour` */
    msec_t hour;
    msec_t since; /* of the change between down and up */
};

/* An interface whose state has changed. */
struct interface_change {
    const char *name;
    struct told_interface *told;
    enum interface_cause cause;
    const char *port; /* that is the cause; NULL: none, or it is that port */
    const void *what; /* for `explain` */
    /* Set by interface_news_add. */
    msec_t lasted; /* the state before */
    size_t place;  /* among the changes */
};

struct interface_news {
    struct event_log *log;
    /* Appends why the interface is down, with the lines of the config. */
    void (*explain)(void *context, const struct interface_change *change, struct text *out);
    void *context;
    struct interface_change *changes;
    size_t count, room;
};

/*
 * Takes in the state of an interface. `told` is its own and has to last until interface_news_tell. What is
 * known already, and what others tell, is no news: a tunnel that has no SA yet (its negotiation may fail,
 * which the engine tells), or has none any more for want of a route. `is_start`: what the config lacks was
 * told when it was read.
 */
void interface_news_add(struct interface_news *news, const struct interface_change *change, msec_t now,
                        bool is_start);

/* Writes the lines and forgets the changes. */
void interface_news_tell(struct interface_news *news, msec_t now);

void interface_news_free(struct interface_news *news);

#endif
