/*
 * Sends lines to the system's log. Unlike syslog(3) it never waits: what the system's logger does not take at
 * once is dropped and counted.
 */
#ifndef MUSUBI_DAEMON_SYSLOG_H
#define MUSUBI_DAEMON_SYSLOG_H

#include <stdint.h>

#include "ike/ike.h"

struct syslog {
    const char *program;
    int fd; /* -1: not connected */
    uint64_t dropped;
};

/* `program` stands before each line, and must outlive `log`. */
void syslog_init(struct syslog *log, const char *program);

void syslog_close(struct syslog *log);

/* Sends one line, without its end, with the facility `daemon`. */
void syslog_send(struct syslog *log, enum log_level level, const char *line);

#endif
