#include "daemon/keeper/event_log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "daemon/keeper/syslog.h"
#include "daemon/state/history.h"

enum { EVENT_TEXT_SIZE = 2048, EVENT_LINE_SIZE = EVENT_TEXT_SIZE + 160 };

struct event_line {
    STAILQ_ENTRY(event_line) link;
    size_t length; /* with the line end */
    char text[];
};

struct event_log {
    bool terminal;
    bool is_no_socket; /* standard error */
    struct event_log_settings settings;
    struct syslog syslog;
    STAILQ_HEAD(event_lines, event_line) lines;
    size_t buffered; /* octets of the lines */
    struct timespec start;
};

static const char *const function_names[] = {
    [EVENT_IKEV2] = "ikev2", [EVENT_IPSEC] = "IPsec", [EVENT_SYSTEM] = "system"};

static const char *const level_names[] = {
    [LOG_LEVEL_ERROR] = "error", [LOG_LEVEL_WARN] = "warn",   [LOG_LEVEL_NOTICE] = "notice",
    [LOG_LEVEL_INFO] = "info",   [LOG_LEVEL_DEBUG] = "debug",
};

struct event_log_settings event_log_defaults(void)
{
    struct event_log_settings settings = {.timestamp = EVENT_DATETIME, .buffer_size = EVENT_BUFFER_SIZE};
    for (size_t i = 0; i < EVENT_FUNCTION_COUNT; i++)
        settings.level[i] = LOG_LEVEL_WARN;
    return settings;
}

struct event_log *event_log_new(void)
{
    struct event_log *log = calloc(1, sizeof(*log));
    if (log == NULL)
        return NULL;
    log->settings = event_log_defaults();
    STAILQ_INIT(&log->lines);
    syslog_init(&log->syslog, "musubid");
    (void)clock_gettime(CLOCK_BOOTTIME, &log->start);
    return log;
}

/* Drops the oldest lines until no more than `size` octets are kept. */
static void buffer_trim(struct event_log *log, size_t size)
{
    while (log->buffered > size) {
        struct event_line *line = STAILQ_FIRST(&log->lines);
        STAILQ_REMOVE_HEAD(&log->lines, link);
        log->buffered -= line->length;
        free(line);
    }
}

void event_log_free(struct event_log *log)
{
    if (log == NULL)
        return;
    buffer_trim(log, 0);
    syslog_close(&log->syslog);
    free(log);
}

void event_log_set(struct event_log *log, const struct event_log_settings *settings)
{
    log->settings = *settings;
    syslog_set(&log->syslog, &settings->syslog);
    if (log->settings.buffer_size > EVENT_BUFFER_MAX)
        log->settings.buffer_size = EVENT_BUFFER_MAX;
    buffer_trim(log, log->settings.buffer_size);
}

void event_log_set_terminal(struct event_log *log, bool on)
{
    log->terminal = on;
}

enum log_level event_log_level(const struct event_log *log)
{
    enum log_level level = LOG_LEVEL_ERROR;
    for (size_t i = 0; i < EVENT_FUNCTION_COUNT; i++) {
        if (log->settings.level[i] > level)
            level = log->settings.level[i];
    }
    return level;
}

/* ---- Lines ----------------------------------------------------------------------------------------- */

static void timestamp_format(const struct event_log *log, enum event_timestamp form,
                             char out[LOCAL_TIME_SIZE])
{
    struct timespec now;
    switch (form) {
    case EVENT_UPTIME:
        (void)clock_gettime(CLOCK_BOOTTIME, &now);
        (void)snprintf(out, LOCAL_TIME_SIZE, "%lld", (long long)(now.tv_sec - log->start.tv_sec));
        return;
    case EVENT_TIME_OF_DAY:
        (void)local_time_format(time(NULL), out);
        memmove(out, out + strlen("YYYY/MM/DD "), strlen("HH:MM:SS") + 1);
        return;
    case EVENT_DATETIME:
        break;
    }
    (void)local_time_format(time(NULL), out);
}

static void buffer_add(struct event_log *log, const char *text, size_t length)
{
    if (length > log->settings.buffer_size)
        return;
    struct event_line *line = malloc(sizeof(*line) + length);
    if (line == NULL)
        return;
    line->length = length;
    memcpy(line->text, text, length);
    STAILQ_INSERT_TAIL(&log->lines, line, link);
    log->buffered += length;
    buffer_trim(log, log->settings.buffer_size);
}

/* Standard error is not worth failing for, or waiting for: see startup_lose_unread_output. */
static void write_to_terminal(struct event_log *log, const char *line, size_t length)
{
    if (!log->is_no_socket && send(STDERR_FILENO, line, length, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
        log->is_no_socket = errno == ENOTSOCK;
    if (log->is_no_socket)
        (void)!write(STDERR_FILENO, line, length);
}

/* Syslog has its own date; another form of time stands before the text. */
static void send_syslog(struct event_log *log, enum log_level level, const char *text)
{
    char at[LOCAL_TIME_SIZE];
    char line[EVENT_LINE_SIZE + LOCAL_TIME_SIZE];
    if (log->settings.syslog_timestamp == EVENT_DATETIME) {
        syslog_send(&log->syslog, level, text);
        return;
    }
    timestamp_format(log, log->settings.syslog_timestamp, at);
    (void)snprintf(line, sizeof(line), "%s %s", at, text);
    syslog_send(&log->syslog, level, line);
}

void event_log_add(struct event_log *log, enum event_function function, enum log_level level,
                   const char *tunnel, const char *text)
{
    if (level > log->settings.level[function])
        return;
    char tamed[EVENT_TEXT_SIZE];
    char at[LOCAL_TIME_SIZE];
    char line[EVENT_LINE_SIZE];
    text_tame(tamed, sizeof(tamed), text);
    timestamp_format(log, log->settings.timestamp, at);
    const char *name = tunnel != NULL ? tunnel : "";
    const char *colon = tunnel != NULL ? ": " : "";
    (void)snprintf(line, sizeof(line), "%s %s %s %s%s%s\n", at, function_names[function], level_names[level],
                   name, colon, tamed);
    size_t length = strlen(line);
    buffer_add(log, line, length);
    if (log->terminal)
        write_to_terminal(log, line, length);
    line[length - 1] = '\0';
    send_syslog(log, level, line + strlen(at) + 1);
}

void event_log_print(struct event_log *log, enum event_function function, enum log_level level,
                     const char *tunnel, const char *format, ...)
{
    char text[EVENT_TEXT_SIZE];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    event_log_add(log, function, level, tunnel, text);
}

void event_log_show(const struct event_log *log, struct text *out)
{
    const struct event_line *line;
    STAILQ_FOREACH(line, &log->lines, link)
    text_append(out, line->text, line->length);
}
