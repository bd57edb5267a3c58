#include "daemon/keeper/syslog.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { FACILITY_DAEMON = 3, SYSLOG_LINE_SIZE = 2400, SYSLOG_PORT = 514 };

/* Severities of RFC 5424 6.2.1. */
static const int severities[] = {
    [LOG_LEVEL_ERROR] = 3, [LOG_LEVEL_WARN] = 4,  [LOG_LEVEL_NOTICE] = 5,
    [LOG_LEVEL_INFO] = 6,  [LOG_LEVEL_DEBUG] = 7,
};

static const char *const facilities[] = {
    "kern",   "user",   "mail",     "daemon", "auth",   "syslog", "lpr",    "news",
    "uucp",   "cron",   "authpriv", "ftp",    "ntp",    "audit",  "alert",  "clock",
    "local0", "local1", "local2",   "local3", "local4", "local5", "local6", "local7",
};

int syslog_facility(const char *name)
{
    for (size_t i = 0; i < sizeof facilities / sizeof *facilities; i++) {
        if (strcmp(facilities[i], name) == 0)
            return (int)i;
    }
    return -1;
}

void syslog_init(struct syslog *log, const char *program)
{
    *log = (struct syslog){.program = program, .fd = -1};
    for (size_t i = 0; i < SYSLOG_HOSTS_MAX; i++)
        log->host_fds[i] = -1;
}

static void disconnect(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

void syslog_close(struct syslog *log)
{
    disconnect(&log->fd);
    for (size_t i = 0; i < SYSLOG_HOSTS_MAX; i++)
        disconnect(&log->host_fds[i]);
}

void syslog_set(struct syslog *log, const struct syslog_settings *settings)
{
    for (size_t i = 0; i < SYSLOG_HOSTS_MAX; i++)
        disconnect(&log->host_fds[i]);
    log->settings = *settings;
}

static bool connect_to(int *fd, const struct sockaddr *address, socklen_t length)
{
    if (*fd >= 0)
        return true;
    int made = socket(address->sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (made >= 0 && connect(made, address, length) != 0)
        disconnect(&made);
    *fd = made;
    return made >= 0;
}

/* Sends to one logger. It may have been restarted since the last line: then a second try connects anew. */
static bool send_to(int *fd, const struct sockaddr *address, socklen_t length, const char *text)
{
    for (int try = 0; try < 2; try++) {
        if (!connect_to(fd, address, length))
            return false;
        if (send(*fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
            return true;
        if (errno == EAGAIN || errno == ENOBUFS)
            return false;
        disconnect(fd);
    }
    return false;
}

static void send_to_hosts(struct syslog *log, const char *priority_and_time, const char *line)
{
    char text[SYSLOG_LINE_SIZE];
    char name[SYSLOG_NAME_SIZE];
    if (log->settings.host_count == 0)
        return;
    (void)snprintf(name, sizeof(name), "%s", log->settings.name);
    if (name[0] == '\0' && gethostname(name, sizeof(name)) != 0)
        name[0] = '\0';
    name[sizeof(name) - 1] = '\0';
    (void)snprintf(text, sizeof(text), "%s %s %s: %s", priority_and_time, name[0] != '\0' ? name : "-",
                   log->program, line);
    for (size_t i = 0; i < log->settings.host_count; i++) {
        const struct ip_endpoint host = {log->settings.hosts[i], SYSLOG_PORT};
        struct sockaddr_storage address;
        socklen_t length = ip_endpoint_to_sockaddr(&host, &address);
        if (!send_to(&log->host_fds[i], (const struct sockaddr *)&address, length, text))
            log->dropped++;
    }
}

void syslog_send(struct syslog *log, enum log_level level, const char *line)
{
    static const struct sockaddr_un local = {.sun_family = AF_UNIX, .sun_path = "/dev/log"};
    char start[64];
    char text[SYSLOG_LINE_SIZE];
    char at[32];
    time_t now = time(NULL);
    struct tm broken;
    bool is_missed = log->fd < 0 && log->missed_at == now;
    if (is_missed && log->settings.host_count == 0) {
        log->dropped++;
        return;
    }
    int facility = log->settings.facility != 0 ? log->settings.facility : FACILITY_DAEMON;
    if (localtime_r(&now, &broken) == NULL || strftime(at, sizeof(at), "%b %e %H:%M:%S", &broken) == 0)
        return;
    (void)snprintf(start, sizeof(start), "<%d>%s", facility << 3 | severities[level], at);
    (void)snprintf(text, sizeof(text), "%s %s[%d]: %s", start, log->program, (int)getpid(), line);
    if (is_missed || !send_to(&log->fd, (const struct sockaddr *)&local, sizeof(local), text)) {
        log->missed_at = now;
        log->dropped++;
    }
    send_to_hosts(log, start, line);
}
