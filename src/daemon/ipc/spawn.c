#include "daemon/ipc/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Descriptors below this one are those that a process starts with. */
enum { FIRST_FREE_FD = SPAWN_LOCK_FD + 1 };

/* Has the child start with these descriptors and no others; they are at or above FIRST_FREE_FD. */
static int actions_of(posix_spawn_file_actions_t *actions, const struct spawn_descriptors *copies,
                      bool keep_errors)
{
    int failure = 0;
    for (int fd = STDIN_FILENO; fd <= (keep_errors ? STDOUT_FILENO : STDERR_FILENO) && failure == 0; fd++)
        failure = posix_spawn_file_actions_addopen(actions, fd, "/dev/null", O_RDWR, 0);
    if (failure == 0)
        failure = posix_spawn_file_actions_adddup2(actions, copies->keeper, SPAWN_KEEPER_FD);
    if (failure == 0)
        failure = posix_spawn_file_actions_adddup2(actions, copies->peer, SPAWN_PEER_FD);
    if (failure == 0)
        failure = posix_spawn_file_actions_adddup2(actions, copies->lock, SPAWN_LOCK_FD);
    if (failure == 0)
        failure = posix_spawn_file_actions_addclosefrom_np(actions, FIRST_FREE_FD);
    return failure;
}

/* What is the keeper's to deal with: signals of the terminal and of the service manager. */
static const int keepers_signals[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};

static void keepers_signals_put(sigset_t *set)
{
    (void)sigemptyset(set);
    for (size_t i = 0; i < sizeof(keepers_signals) / sizeof(keepers_signals[0]); i++)
        (void)sigaddset(set, keepers_signals[i]);
}

/* Has the child start with those signals blocked: it may get one before spawn_enter. */
static int attributes_of(posix_spawnattr_t *attributes)
{
    sigset_t blocked;
    keepers_signals_put(&blocked);
    int failure = posix_spawnattr_setsigmask(attributes, &blocked);
    return failure != 0 ? failure : posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK);
}

static int spawn_with(const char *argument, const struct spawn_descriptors *copies, bool keep_errors,
                      pid_t *pid)
{
    char program[] = "musubid";
    char role[32];
    (void)snprintf(role, sizeof(role), "%s", argument);
    char *const arguments[] = {program, role, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    /* Neither can fail in the C library that we have. */
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawnattr_init(&attributes);
    int failure = actions_of(&actions, copies, keep_errors);
    if (failure == 0)
        failure = attributes_of(&attributes);
    if (failure == 0)
        failure = posix_spawn(pid, "/proc/self/exe", &actions, &attributes, arguments, environ);
    (void)posix_spawnattr_destroy(&attributes);
    (void)posix_spawn_file_actions_destroy(&actions);
    return failure;
}

static void close_copy(int fd)
{
    if (fd >= 0)
        close(fd);
}

/* Starts it with copies of the descriptors that are in nobody's place. Returns an errno, 0 for success. */
static int spawn_with_copies(const char *argument, const struct spawn_descriptors *descriptors,
                             bool keep_errors, pid_t *pid)
{
    const struct spawn_descriptors copies = {
        .keeper = fcntl(descriptors->keeper, F_DUPFD_CLOEXEC, FIRST_FREE_FD),
        .peer = fcntl(descriptors->peer, F_DUPFD_CLOEXEC, FIRST_FREE_FD),
        .lock = fcntl(descriptors->lock, F_DUPFD_CLOEXEC, FIRST_FREE_FD),
    };
    int failure = copies.keeper < 0 || copies.peer < 0 || copies.lock < 0
                      ? errno
                      : spawn_with(argument, &copies, keep_errors, pid);
    close_copy(copies.keeper);
    close_copy(copies.peer);
    close_copy(copies.lock);
    return failure;
}

bool spawn_process(const char *argument, const struct spawn_descriptors *descriptors, bool keep_errors,
                   struct spawned *out)
{
    *out = (struct spawned){.pidfd = -1};
    int failure = spawn_with_copies(argument, descriptors, keep_errors, &out->pid);
    if (failure != 0) {
        out->pid = 0;
        errno = failure;
        return false;
    }
    out->pidfd = (int)syscall(SYS_pidfd_open, out->pid, 0);
    if (out->pidfd < 0) {
        failure = errno;
        spawn_kill(out);
        errno = failure;
        return false;
    }
    return true;
}

bool spawn_enter(const char *name)
{
    int type;
    socklen_t length = sizeof(type);
    for (int fd = SPAWN_KEEPER_FD; fd <= SPAWN_PEER_FD; fd++) {
        if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) != 0 || type != SOCK_SEQPACKET ||
            fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
            return false;
    }
    if (fcntl(SPAWN_LOCK_FD, F_SETFD, FD_CLOEXEC) != 0)
        return false;
    (void)prctl(PR_SET_NAME, name, 0, 0, 0);
    sigset_t blocked;
    keepers_signals_put(&blocked);
    for (size_t i = 0; i < sizeof(keepers_signals) / sizeof(keepers_signals[0]); i++)
        (void)signal(keepers_signals[i], SIG_IGN);
    return sigprocmask(SIG_UNBLOCK, &blocked, NULL) == 0;
}

static void spawned_forget(struct spawned *process)
{
    if (process->pidfd >= 0)
        close(process->pidfd);
    *process = (struct spawned){.pidfd = -1};
}

const char *spawn_reap(struct spawned *process, char out[SPAWN_END_SIZE])
{
    int status = 0;
    pid_t reaped;
    do {
        reaped = waitpid(process->pid, &status, 0);
    } while (reaped < 0 && errno == EINTR);
    if (reaped == process->pid && WIFSIGNALED(status))
        (void)snprintf(out, SPAWN_END_SIZE, "killed by signal %d (%s)", WTERMSIG(status),
                       strsignal(WTERMSIG(status)));
    else
        (void)snprintf(out, SPAWN_END_SIZE, "ended with status %d", WEXITSTATUS(status));
    spawned_forget(process);
    return out;
}

void spawn_kill(struct spawned *process)
{
    char end[SPAWN_END_SIZE];
    if (process->pid == 0)
        return;
    (void)kill(process->pid, SIGKILL);
    (void)spawn_reap(process, end);
}
