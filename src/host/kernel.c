#include "host/kernel.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool host_kernel_open(struct host_kernel *kernel, const struct host_listener *listener, netlink_reply *report,
                      void *context, struct host_error *err)
{
    *kernel = (struct host_kernel){.listener = *listener, .report = report, .context = context};
    kernel->netlink = netlink_open(err);
    kernel->watch = kernel->netlink != NULL ? watch_open(err) : NULL;
    if (kernel->watch == NULL || !inventory_fill(&kernel->inventory, kernel->netlink, NULL, NULL, err)) {
        host_kernel_close(kernel);
        return false;
    }
    kernel->port_id = netlink_port_id(kernel->netlink);
    return true;
}

void host_kernel_close(struct host_kernel *kernel)
{
    host_before_close(&kernel->before);
    inventory_free(&kernel->inventory);
    watch_close(kernel->watch);
    netlink_close(kernel->netlink);
    *kernel = (struct host_kernel){0};
}

/* An address of which Linux said nothing, since messages were lost. */
static void tell_lost(void *context, const struct host_link *link, const struct host_ifaddr *address)
{
    struct host_event event = {
        .kind = HOST_EVENT_ADDRESS_GONE, .link = address->link, .prefix = address->prefix};
    memcpy(event.link_name, link->name, sizeof event.link_name);
    host_kernel_tell(context, &event);
}

bool host_kernel_drain(struct host_kernel *kernel, struct host_error *err)
{
    bool lost = false;
    if (!watch_read(kernel->watch, kernel->report, kernel->context, &lost, err))
        return false;
    if (!lost)
        return true;
    const struct host_event event = {.kind = HOST_EVENT_RESYNC};
    kernel->dirty = true;
    kernel->losses++;
    if (!inventory_fill(&kernel->inventory, kernel->netlink, tell_lost, kernel, err))
        return false;
    host_kernel_tell(kernel, &event);
    return true;
}

void host_kernel_tell(const struct host_kernel *kernel, const struct host_event *event)
{
    if (kernel->listener.event != NULL)
        kernel->listener.event(kernel->listener.context, event);
}

void host_note(const struct host_kernel *kernel, enum host_note_level level, const char *format, ...)
{
    char text[HOST_ERROR_SIZE + 64];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (kernel->listener.note != NULL)
        kernel->listener.note(kernel->listener.context, level, text);
}

void host_note_failure(const struct host_kernel *kernel, int *failure, const struct host_error *reason)
{
    int number = reason->number != 0 ? reason->number : -1;
    if (*failure != number)
        host_note(kernel, HOST_NOTE_WARNING, "%s", reason->text);
    *failure = number;
}

void host_note_put_back(struct host_kernel *kernel, const char *what)
{
    kernel->put_back = true;
    host_note(kernel, HOST_NOTE_NOTICE, "%s was taken away or changed by another program: put back", what);
}
