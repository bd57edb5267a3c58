/*
 * The run-dir of an instance, and the lock in it: one musubid at a time.
 */
#ifndef MUSUBI_DAEMON_KEEPER_RUN_DIRECTORY_H
#define MUSUBI_DAEMON_KEEPER_RUN_DIRECTORY_H

#include <stdbool.h>

struct run_directory {
    const char *path; /* the caller's */
    int fd;           /* of the directory; -1: not taken */
    int lock;         /* to be handed to all of our processes: it is free when the last of them has ended */
    bool made;        /* by us: goes when we go */
};

/*
 * Makes the directory if need be (its parent must exist) and takes its lock. Where a musubid is just ending,
 * or was killed and its processes are, that takes up to 5 seconds; where one runs it fails at once. On
 * failure nothing is left behind and one line is said on standard error.
 */
bool run_directory_take(struct run_directory *directory, const char *path);

/* Tells a musubid that is being started that this one is ending: it waits for the lock from then on. */
void run_directory_end(const struct run_directory *directory);

/* Removes what is ours and gives the lock back. */
void run_directory_leave(struct run_directory *directory);

#endif
