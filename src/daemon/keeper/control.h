/*
 * The control socket's server: sessions of operators, framed as daemon/ipc/control_protocol.h says. It runs
 * in the keeper's loop and waits for nobody: reading pauses while a session's answer is under way, and
 * sessions, their input and their output are bounded.
 */
#ifndef MUSUBI_DAEMON_KEEPER_CONTROL_H
#define MUSUBI_DAEMON_KEEPER_CONTROL_H

#include <sys/types.h>
#include <uv.h>

#include "daemon/ipc/control_protocol.h"
#include "daemon/ipc/text.h"

enum {
    CONTROL_SESSIONS_MAX = 32,
    CONTROL_PENDING_MAX = 96 << 20, /* octets of output that all sessions may leave unread */
};

/* The program at the other end of a session. */
struct control_peer {
    uid_t user;
    pid_t process;
};

/* Carries out the commands of the sessions. */
struct control_handler {
    /* A session begins: returns what stands for it, NULL if memory ran out. */
    void *(*open)(void *context, const struct control_peer *peer);
    void (*close)(void *context, void *session);
    /* Runs one command line and appends what it prints. `file`: what the file that the line names holds, as
     * the client has read it; NULL if it sent none. `*hand_over` is -1; a descriptor there is handed to the
     * client with the answer, and stays the handler's. */
    enum control_status (*run)(void *context, void *session, const char *line, const struct octets *file,
                               int *hand_over, struct text *out);
    /* The prompt for the next line. */
    void (*prompt)(void *context, void *session, char out[CONTROL_PROMPT_SIZE]);
    void *context;
};

struct control;

/*
 * Listens in the directory. `handler` is copied. NULL with errno set on failure. The caller holds the
 * directory's lock, so a socket that stands there is a dead one and is replaced.
 */
struct control *control_open(uv_loop_t *loop, int directory, const struct control_handler *handler);

/* Ends all sessions, removes the socket. The memory is freed once the loop has run. `control` may be NULL. */
void control_close(struct control *control);

#endif
