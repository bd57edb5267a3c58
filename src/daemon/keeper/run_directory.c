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

/* The process that holds a lock, by what it wrote there; 0 if that can't be told. */
static int lock_holder(int lock)
{
    char text[32] = "";
    if (pread(lock, text, sizeof(text) - 1, 0) <= 0)
        return 0;
    return (int)strtol(text, NULL, 10);
}

static void complain_taken(const struct run_directory *directory)
{
    int pid = lock_holder(directory->lock);
    if (pid > 0 && kill(pid, 0) != 0 && errno == ESRCH)
        (void)startup_failed("processes of a musubid that was killed (process %d) still run in %s", pid,
                             directory->path);
    else if (pid > 0)
        (void)startup_failed("another musubid (process %d) runs in %s", pid, directory->path);
    else
        (void)startup_failed("another musubid runs in %s", directory->path);
}

/* Locks the file, once others let go of it. */
static bool lock_wait(int lock, msec_t deadline)
{
    const struct timespec pause = {.tv_nsec = LOCK_PAUSE * 1000000L};
    while (flock(lock, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK || clock_now() >= deadline)
            return false;
        (void)nanosleep(&pause, NULL);
    }
    return true;
}

static bool lock_take(struct run_directory *directory)
{
    msec_t deadline = clock_now() + LOCK_PATIENCE;
    for (;;) {
        directory->lock =
            openat(directory->fd, LOCK_NAME, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
        if (directory->lock < 0)
            return startup_failed("can't write to %s: %s", directory->path, strerror(errno));
        if (!lock_wait(directory->lock, deadline)) {
            complain_taken(directory);
            close(directory->lock);
            return false;
        }
        if (lock_is_in_place(directory))
            break;
        close(directory->lock);
    }
    char text[32];
    int length = snprintf(text, sizeof(text), "%d\n", (int)getpid());
    (void)!ftruncate(directory->lock, 0);
    (void)!pwrite(directory->lock, text, (size_t)length, 0);
    return true;
}

bool run_directory_take(struct run_directory *directory, const char *path)
{
    *directory = (struct run_directory){.path = path, .fd = -1, .lock = -1};
    directory->made = mkdir(path, S_IRWXU) == 0;
    if (!directory->made && errno != EEXIST)
        return startup_failed("can't make %s: %s", path, strerror(errno));
    directory->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory->fd < 0)
        return startup_failed("can't use %s: %s", path, strerror(errno));
    if (lock_take(directory))
        return true;
    close(directory->fd);
    directory->fd = -1;
    if (directory->made)
        (void)rmdir(path);
    return false;
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
