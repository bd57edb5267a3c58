/*
 * Our processes: each is musubid itself, executed anew with an argument that says which it is, so that
 * nothing of the keeper's memory is in it. It gets its channels as fixed descriptors and inherits no others.
 */
#ifndef MUSUBI_DAEMON_IPC_SPAWN_H
#define MUSUBI_DAEMON_IPC_SPAWN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* The descriptors of a process that was started by spawn_process. */
enum {
    SPAWN_KEEPER_FD = 3, /* its channel to the keeper */
    SPAWN_PEER_FD = 4,   /* its channel to the other of engine and path */
    SPAWN_LOCK_FD = 5,   /* the lock of the run-dir: held until all of our processes have ended */
};

/* What a process gets, in the keeper; all stay the caller's. */
struct spawn_descriptors {
    int keeper, peer, lock;
};

/* The arguments by which main() knows that it is one of them. */
#define SPAWN_ENGINE_ARGUMENT "--internal-engine"
#define SPAWN_PATH_ARGUMENT   "--internal-path"

struct spawned {
    pid_t pid;
    int pidfd; /* readable when the process has ended; close-on-exec */
};

/* Starts a process with that argument. Its standard input and output are /dev/null, and so is its standard
 * error unless `keep_errors`. False with errno set. */
bool spawn_process(const char *argument, const struct spawn_descriptors *descriptors, bool keep_errors,
                   struct spawned *out);

/*
 * To be called first in such a process: names it for ps (15 octets at most), leaves signals from the terminal
 * and the service manager to the keeper. False if it was not started by spawn_process.
 */
bool spawn_enter(const char *name);

/* Waits for the end of a process whose pidfd is readable and says in words how it ended. Returns `out`. */
enum { SPAWN_END_SIZE = 64 };
const char *spawn_reap(struct spawned *process, char out[SPAWN_END_SIZE]);

/* Ends a process at once and waits for it. Nothing happens if there is none (pid 0). */
void spawn_kill(struct spawned *process);

#endif
