/*
 * What the parts of host/ share: orders to the kernel, what it has reported, and the listener. Each part
 * keeps one kind of thing as the plan wants it: it compares what is with what is wanted, both sorted, and may
 * do so again at any time.
 */
#ifndef MUSUBI_HOST_KERNEL_H
#define MUSUBI_HOST_KERNEL_H

#include "host/before.h"
#include "host/host.h"
#include "host/watch.h"

struct host_kernel {
    struct host_listener listener;
    struct netlink *netlink; /* for orders and questions */
    uint32_t port_id;        /* of `netlink`: a report that carries it is the echo of our own order */
    struct watch *watch;
    struct inventory inventory; /* as last reported */
    netlink_reply *report;      /* takes in a report */
    void *context;              /* of `report` */
    uint32_t losses;            /* how often reports were lost */
    struct host_before before;  /* what is to be given back */
    bool dirty;                 /* the kernel may not agree with the plan */
    bool put_back;              /* this pass restored what was taken away */
};

/* How far a wanted thing is. */
enum item_state {
    ITEM_NEW,
    ITEM_WAITING, /* for its link to be there and up */
    ITEM_THERE,   /* ours, in place */
    ITEM_FOREIGN, /* another program's stands in its place: left alone */
    ITEM_FAILED,
};

/* Opens it and reads what is there. `report` is called with `context` for each report. On failure nothing
 * stays open. */
bool host_kernel_open(struct host_kernel *kernel, const struct host_listener *listener, netlink_reply *report,
                      void *context, struct host_error *err);

/* A zeroed one is left as it is. */
void host_kernel_close(struct host_kernel *kernel);

/* Takes in what the kernel has reported. */
bool host_kernel_drain(struct host_kernel *kernel, struct host_error *err);

/* Tells the listener an event. */
void host_kernel_tell(const struct host_kernel *kernel, const struct host_event *event);

/* Tells the listener a note. */
void host_note(const struct host_kernel *kernel, enum host_note_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Tells it a failure once, as long as it stays the same; `*failure` is its owner's, 0 at first. */
void host_note_failure(const struct host_kernel *kernel, int *failure, const struct host_error *reason);

/* Tells it that what stood in place was gone and is back. */
void host_note_put_back(struct host_kernel *kernel, const char *what);

#endif
