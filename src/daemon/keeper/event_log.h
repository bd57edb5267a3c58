/*
 * The event log (R102): records from all processes, filtered by function and level, to standard error, syslog
 * and a buffer in memory for `show logging`. A line is
 *
 *     2011/01/01 09:00:40 ikev2 warn Tunnel0.0: TEXT
 */
#ifndef MUSUBI_DAEMON_KEEPER_EVENT_LOG_H
#define MUSUBI_DAEMON_KEEPER_EVENT_LOG_H

#include "daemon/ipc/text.h"
#include "daemon/keeper/syslog.h"
#include "ike/ike.h"

/* What an event is about. The first two are the manual's; the third is the gateway itself. */
enum event_function { EVENT_IKEV2 = LOG_IKEV2, EVENT_IPSEC = LOG_IPSEC, EVENT_SYSTEM, EVENT_FUNCTION_COUNT };

/* What stands before each event. */
enum event_timestamp {
    EVENT_DATETIME,
    EVENT_TIME_OF_DAY,
    EVENT_UPTIME, /* seconds since the start */
};

struct event_log_settings {
    enum log_level level[EVENT_FUNCTION_COUNT]; /* less important events are not logged */
    enum event_timestamp timestamp;             /* in memory and on standard error; syslog has its own */
    enum event_timestamp syslog_timestamp;      /* stands before the text there, unless it is the date */
    struct syslog_settings syslog;
    size_t buffer_size; /* octets of lines kept for `show logging` */
};

enum {
    EVENT_BUFFER_SIZE = 128 << 10,
    EVENT_BUFFER_MAX = 16 << 20,
};

struct event_log;

/* The settings that hold where the config says nothing: level `warn`. */
struct event_log_settings event_log_defaults(void);

/* NULL if memory ran out. */
struct event_log *event_log_new(void);

/* `log` may be NULL. */
void event_log_free(struct event_log *log);

void event_log_set(struct event_log *log, const struct event_log_settings *settings);

/* Whether lines are written to standard error too; at first they are not. */
void event_log_set_terminal(struct event_log *log, bool on);

/* The least important level that any function wants. */
enum log_level event_log_level(const struct event_log *log);

/* Adds an event. `tunnel` is a name or NULL. Control characters in `text`, which may tell what a peer
 * claimed, are replaced. */
void event_log_add(struct event_log *log, enum event_function function, enum log_level level,
                   const char *tunnel, const char *text);

/* The same with a printf text. */
__attribute__((format(printf, 5, 6))) void event_log_print(struct event_log *log,
                                                           enum event_function function, enum log_level level,
                                                           const char *tunnel, const char *format, ...);

/* Appends what the buffer holds, oldest first, a line each. */
void event_log_show(const struct event_log *log, struct text *out);

#endif
