#include "daemon/keeper/startup.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

bool startup_failed(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)fputs("musubid: ", stderr);
    (void)vfprintf(stderr, format, arguments);
    (void)fputc('\n', stderr);
    va_end(arguments);
    return false;
}

void startup_lose_unread_output(void)
{
    for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++) {
        char path[32];
        (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        struct stat is;
        bool may_stand_still = fstat(fd, &is) == 0 && (S_ISFIFO(is.st_mode) || S_ISCHR(is.st_mode));
        int own = may_stand_still ? open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC) : -1;
        if (own < 0)
            continue;
        (void)dup2(own, fd);
        close(own);
    }
}

void startup_await_readers(void)
{
    (void)signal(SIGTERM, SIG_DFL);
    (void)signal(SIGINT, SIG_DFL);
    for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++) {
        int flags = fcntl(fd, F_GETFL);
        if (flags >= 0)
            (void)fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
    }
}

/* The exit status of a daemon that ended before it was ready. */
static enum exit_status end_of(pid_t daemon)
{
    int end;
    pid_t reaped;
    do {
        reaped = waitpid(daemon, &end, 0);
    } while (reaped < 0 && errno == EINTR);
    if (reaped == daemon && WIFEXITED(end) && WEXITSTATUS(end) == STATUS_USAGE)
        return STATUS_USAGE;
    return STATUS_FAILED;
}

bool startup_detach(int *told, enum exit_status *status)
{
    int ends[2];
    *status = STATUS_FAILED;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return startup_failed("no pipe: %s", strerror(errno));
    pid_t daemon = fork();
    if (daemon < 0)
        return startup_failed("no process: %s", strerror(errno));
    if (daemon == 0) {
        close(ends[0]);
        (void)setsid();
        *told = ends[1];
        return true;
    }
    close(ends[1]);
    char word;
    ssize_t got;
    do {
        got = read(ends[0], &word, sizeof(word));
    } while (got < 0 && errno == EINTR);
    *status = got == 1 ? STATUS_DONE : end_of(daemon);
    return false;
}

void startup_done(int told)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO && null >= 0; fd++)
        (void)dup2(null, fd);
    if (null > STDERR_FILENO)
        close(null);
    (void)!write(told, "", 1);
    close(told);
}
