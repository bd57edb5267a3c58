#include "daemon/state/history.h"

#include <stdio.h>
#include <string.h>

#define DELETE_PREFIX "Delete : "

const char *local_time_format(time_t at, char out[LOCAL_TIME_SIZE])
{
    struct tm broken;
    if (localtime_r(&at, &broken) == NULL ||
        strftime(out, LOCAL_TIME_SIZE, "%Y/%m/%d %H:%M:%S", &broken) == 0)
        (void)snprintf(out, LOCAL_TIME_SIZE, "----/--/-- --:--:--");
    return out;
}

static struct history_event *history_add(struct history *history, time_t at)
{
    struct history_event *event = &history->events[history->count++ % HISTORY_EVENTS];
    event->at = at;
    return event;
}

void history_add_create(struct history *history, time_t at)
{
    struct history_event *event = history_add(history, at);
    (void)snprintf(event->text, sizeof(event->text), "Create");
}

void history_add_delete(struct history *history, time_t at, const char *reason)
{
    struct history_event *event = history_add(history, at);
    (void)snprintf(event->text, sizeof(event->text), DELETE_PREFIX "%s", reason);
}

const struct history_event *history_last(const struct history *history)
{
    return history->count > 0 ? &history->events[(history->count - 1) % HISTORY_EVENTS] : NULL;
}

const struct history_event *history_last_delete(const struct history *history)
{
    const struct history_event *last = history_last(history);
    bool is_delete = last != NULL && strncmp(last->text, DELETE_PREFIX, strlen(DELETE_PREFIX)) == 0;
    return is_delete ? last : NULL;
}

const char *history_delete_reason(const struct history_event *event)
{
    return event->text + strlen(DELETE_PREFIX);
}

void history_print(const struct history *history, const char *indent, struct text *out)
{
    size_t first = history->count > HISTORY_EVENTS ? history->count - HISTORY_EVENTS : 0;
    for (size_t i = first; i < history->count; i++) {
        const struct history_event *event = &history->events[i % HISTORY_EVENTS];
        char at[LOCAL_TIME_SIZE];
        text_print(out, "%s%s %s\n", indent, local_time_format(event->at, at), event->text);
    }
}
