/*
 * `debug keys` and `debug capture`: a tunnel's packets and keys for an operator with Wireshark. The keeper
 * opens a socket that sees the packets between this host and the tunnel's peers, and hands it to the
 * operator's shell, which reads the packets and writes the file. The shell asks for the keys again and again
 * by `debug keys`, by which the keeper also has the socket follow a peer that moves.
 */
#ifndef MUSUBI_DAEMON_KEEPER_CAPTURE_COMMANDS_H
#define MUSUBI_DAEMON_KEEPER_CAPTURE_COMMANDS_H

#include "daemon/keeper/commands.h"
#include "host/capture.h"

/* What one operator's session has of captures. */
struct capture_session {
    struct control_peer operator; /* who it is */
    uint32_t told;   /* the tunnel for which the log says that its keys were handed out; 0: none */
    uint32_t tunnel; /* that is captured; 0: none */
    int socket;      /* by which; -1: none */
    struct ip_address peers[HOST_CAPTURE_PEERS_MAX]; /* whose packets it sees */
    size_t peer_count;
};

void capture_session_open(struct capture_session *session, const struct control_peer *peer);
void capture_session_close(struct capture_session *session);

/* True if these commands are among them. */
bool capture_commands_have(enum command_id id);

/* Carries one out. Sets `*hand_over` to the capture's socket if that is to go to the client with the answer.
 */
enum control_status capture_commands_run(const struct commands *commands, struct capture_session *session,
                                         const struct exec_command *command, int *hand_over,
                                         struct text *out);

#endif
