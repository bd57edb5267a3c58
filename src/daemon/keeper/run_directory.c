#include "daemon/keeper/run_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "daemon/ipc/clock.h"
#include "daemon/keeper/startup.h"

#define LOCK_NAME "musubid.lock"

enum {
    LOCK_PATIENCE = 5000, /* milliseconds for the processes of an earlier musubid to end */
    LOCK_PAUSE = 20,
    LOCK_LOOKS = 10,
};

/* True if the lock's name still leads to the file that we locked: a musubid that ends removes its file. */
static bool lock_is_in_place(const struct run_directory *directory)
{
    struct stat ours;
    struct stat there;
    return fstat(directory->lock, &ours) == 0 &&
           fstatat(directory->fd, LOCK_NAME, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
           ours.st_ino == there.st_ino && ours.st_dev == there.st_dev;
}

/* A process: its number can be another's later, but not with the same start. */
struct holder {
    int pid; /* 0: not known, or it is ending */
    unsigned long long start;
};

/* The process that holds a lock, by what it wrote there. */
static struct holder lock_holder(int lock)
{
    char text[64] = "";
    struct holder holder = {0};
    ssize_t length = pread(lock, text, sizeof(text) - 1, 0);
    if (length <= 0 || sscanf(text, "%d %llu", &holder.pid, &holder.start) < 1)
        return (struct holder){0};
    return holder;
}

/* When a process was started, by /proc/PID/stat; 0 if there is none, or it is ending. */
static unsigned long long start_of(int pid)
{
    enum { PF_EXITING = 4 };
    char path[32];
    char text[1024] = "";
    char state = 'X';
    unsigned flags = 0;
    unsigned long long start = 0;
    (void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return 0;
    (void)!fread(text, 1, sizeof(text) - 1, file);
    (void)fclose(file);
    const char *behind_name = strrchr(text, ')');
    if (behind_name == NULL ||
        sscanf(behind_name + 1,
               " %c %*d %*d %*d %*d %*d %u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu", &state,
               &flags, &start) != 3)
        return 0;
    return state == 'Z' || state == 'X' || (flags & PF_EXITING) != 0 ? 0 : start;
}

static bool holder_runs(const struct holder *holder)
{
    return holder->pid > 0 && holder->start != 0 && start_of(holder->pid) == holder->start;
}

/* Writes into the lock who has it. */
static void lock_sign(int lock)
{
    char text[64];
    int length = snprintf(text, sizeof(text), "%d %llu\n", (int)getpid(), start_of(getpid()));
    (void)!ftruncate(lock, 0);
    (void)!pwrite(lock, text, (size_t)length, 0);
}

static void complain_taken(const struct run_directory *directory)
{
    int pid = lock_holder(directory->lock).pid;
    if (pid > 0 && kill(pid, 0) != 0 && errno == ESRCH)
        (void)startup_failed("processes of a musubid that was killed (process %d) still run in %s", pid,
                             directory->path);
    else if (pid > 0)
        (void)startup_failed("another musubid (process %d) runs in %s", pid, directory->path);
    else
        (void)startup_failed("another musubid runs in %s", directory->path);
}

static void wait_a_moment(void)
{
    const struct timespec pause = {.tv_nsec = LOCK_PAUSE * 1000000L};
    (void)nanosleep(&pause, NULL);
}

/*
 * Locks the file, once others let go of it. One that was just killed may look for a moment as if it ran, so
 * it is looked at several times.
 */
static bool lock_wait(int lock, msec_t deadline)
{
    unsigned running = 0;
    while (flock(lock, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK || clock_now() >= deadline)
            return false;
        const struct holder holder = lock_holder(lock);
        running = holder_runs(&holder) ? running + 1 : 0;
        if (running == LOCK_LOOKS)
            return false;
        wait_a_moment();
    }
    return true;
}

/* Opens the directory, which is made if need be. True with `fd` -1 if a musubid that has ended removed it. */
static bool directory_open(struct run_directory *directory, msec_t deadline)
{
    directory->made = mkdir(directory->path, S_IRWXU) == 0;
    if (!directory->made && errno != EEXIST)
        return startup_failed("can't make %s: %s", directory->path, strerror(errno));
    directory->fd = open(directory->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory->fd >= 0 || (errno == ENOENT && clock_now() < deadline))
        return true;
    return startup_failed("can't use %s: %s", directory->path, strerror(errno));
}

/* Locks the file in the directory. True with `lock` -1 if a musubid that has ended took one of both away. */
static bool lock_try(struct run_directory *directory, msec_t deadline)
{
    int lock = openat(directory->fd, LOCK_NAME, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
    directory->lock = lock;
    if (lock < 0)
        return errno == ENOENT || startup_failed("can't write to %s: %s", directory->path, strerror(errno));
    bool locked = lock_wait(lock, deadline);
    if (locked && lock_is_in_place(directory))
        return true;
    if (!locked)
        complain_taken(directory);
    close(lock);
    directory->lock = -1;
    return locked;
}

bool run_directory_take(struct run_directory *directory, const char *path)
{
    *directory = (struct run_directory){.path = path, .fd = -1, .lock = -1};
    msec_t deadline = clock_now() + LOCK_PATIENCE;
    bool well = true;
    while (well && directory->lock < 0) {
        well = directory_open(directory, deadline) && (directory->fd < 0 || lock_try(directory, deadline));
        if (directory->lock >= 0)
            break;
        if (directory->fd >= 0)
            close(directory->fd);
        else if (well)
            wait_a_moment();
        directory->fd = -1;
        if (!well && directory->made)
            (void)rmdir(path);
    }
    if (well)
        lock_sign(directory->lock);
    return well;
}

void run_directory_end(const struct run_directory *directory)
{
    if (directory->fd >= 0)
        (void)!ftruncate(directory->lock, 0);
}

void run_directory_leave(struct run_directory *directory)
{
    if (directory->fd < 0)
        return;
    (void)unlinkat(directory->fd, LOCK_NAME, 0);
    close(directory->lock);
    close(directory->fd);
    directory->fd = -1;
    if (directory->made)
        (void)rmdir(directory->path);
}
