/*
 * Sends lines to the system's log, and to other hosts' (RFC 3164, UDP port 514). Unlike syslog(3) it never
 * waits: what is not taken at once is dropped and counted.
 */
#ifndef MUSUBI_DAEMON_KEEPER_SYSLOG_H
#define MUSUBI_DAEMON_KEEPER_SYSLOG_H

#include <stdint.h>
#include <time.h>

#include "base/address.h"
#include "ike/ike.h"

enum { SYSLOG_HOSTS_MAX = 4, SYSLOG_NAME_SIZE = 64 };

/* What the config says of it; zeroed where it says nothing. */
struct syslog_settings {
    struct ip_address hosts[SYSLOG_HOSTS_MAX];
    size_t host_count;
    char name[SYSLOG_NAME_SIZE]; /* of this device, in what goes to other hosts; "": the host's name */
    int facility; /* RFC 3164 4.1.1, numerical code; 0: daemon (nothing else is the kernel's) */
};

struct syslog {
    const char *program;
    struct syslog_settings settings;
    int fd;                         /* to the system's logger; -1: not connected */
    int host_fds[SYSLOG_HOSTS_MAX]; /* the same, for each host */
    time_t missed_at;               /* when the system had no logger; not asked again in that second */
    uint64_t dropped;
};

/* `program` stands before each line, and must outlive `log`. */
void syslog_init(struct syslog *log, const char *program);

void syslog_close(struct syslog *log);

/* From now on these settings hold. */
void syslog_set(struct syslog *log, const struct syslog_settings *settings);

/* The code of a facility's name ("daemon", "local0", ...); -1 if there is none of that name. */
int syslog_facility(const char *name);

/* Sends one line, without its end. */
void syslog_send(struct syslog *log, enum log_level level, const char *line);

#endif
