/*
 * The history of a tunnel: when it got an SA after having had none, and when and why its last one went (R64).
 */
#ifndef MUSUBI_DAEMON_STATE_HISTORY_H
#define MUSUBI_DAEMON_STATE_HISTORY_H

#include <time.h>

#include "daemon/ipc/text.h"

enum { HISTORY_EVENTS = 10, HISTORY_TEXT_SIZE = 160 };

struct history_event {
    time_t at;
    char text[HISTORY_TEXT_SIZE];
};

/* Start with a zeroed one. */
struct history {
    struct history_event events[HISTORY_EVENTS]; /* a ring */
    size_t count;                                /* of all that ever happened */
};

/* The tunnel got an SA; its last SA is gone. `reason` may be cut. */
void history_add_create(struct history *history, time_t at);
void history_add_delete(struct history *history, time_t at, const char *reason);

/* The last event; NULL if there was none. */
const struct history_event *history_last(const struct history *history);

/* The last event if it is that the SA went, else NULL; and why it went. */
const struct history_event *history_last_delete(const struct history *history);
const char *history_delete_reason(const struct history_event *event);

/* Prints the last events, oldest first, a line each with `indent` before it, in local time. */
void history_print(const struct history *history, const char *indent, struct text *out);

/* "YYYY/MM/DD HH:MM:SS" in local time; returns `out`. */
enum { LOCAL_TIME_SIZE = 32 };
const char *local_time_format(time_t at, char out[LOCAL_TIME_SIZE]);

#endif
