/*
 * What musubi and musubid say to each other over RUN-DIR/control.sock, a stream socket of mode 0600.
 *
 * Either side sends frames: the length of the payload (4 octets, network byte order), the kind (1 octet), the
 * payload. The server greets with CONTROL_HELLO. The client then sends one CONTROL_COMMAND at a time, a line
 * as typed; the server answers with any number of CONTROL_OUTPUT or CONTROL_ERROR and one CONTROL_DONE. The
 * session's mode (operating commands, or where in the config) is kept by the server and shows in the prompt.
 *
 *   HELLO    version (2 octets), prompt
 *   COMMAND  the line, without its end
 *   OUTPUT   a piece of what the command prints
 *   ERROR    a piece of what a command that failed prints
 *   DONE     status (1 octet: enum control_status), prompt for the next line
 *   FILE     what a file: URL of the next command holds, read by the client (S35): a piece of it, at most
 *            CONTROL_FILE_MAX octets in all; an empty file is one empty piece
 *
 * The FILEs stand right before their COMMAND. A descriptor that is handed to the client (`debug capture`)
 * comes with the first octet of the answer (SCM_RIGHTS).
 *
 * A client that breaks these rules is disconnected, and so is one that leaves what it asked for unread for
 * CONTROL_PATIENCE.
 */
#ifndef MUSUBI_DAEMON_IPC_CONTROL_PROTOCOL_H
#define MUSUBI_DAEMON_IPC_CONTROL_PROTOCOL_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/bytes.h"

enum {
    CONTROL_VERSION = 4,
    CONTROL_HEADER_SIZE = 5,
    CONTROL_LINE_MAX = 4096,    /* octets of a COMMAND */
    CONTROL_CHUNK_MAX = 32768,  /* octets of an OUTPUT or ERROR, and of any payload */
    CONTROL_FILE_MAX = 2 << 20, /* octets of the file that comes with a command */
    CONTROL_PROMPT_SIZE = 128,  /* with its NUL */
    CONTROL_PATIENCE = 30000,   /* milliseconds */
};

#define CONTROL_SOCKET_NAME "control.sock"

/* Its address in a run-dir. It goes by the directory's descriptor, so that the length of the path does not
 * matter (a socket's address has 108 octets). */
static inline struct sockaddr_un control_address(int directory)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/" CONTROL_SOCKET_NAME,
                   directory);
    return address;
}

enum control_kind {
    CONTROL_HELLO = 'H',
    CONTROL_COMMAND = 'C',
    CONTROL_OUTPUT = 'O',
    CONTROL_ERROR = 'E',
    CONTROL_DONE = 'D',
    CONTROL_FILE = 'F',
};

enum control_status {
    CONTROL_OK,
    CONTROL_FAILED, /* what it printed came as ERROR, and ends with a line that begins with % */
    CONTROL_LEFT,   /* `exit`: the server ends the session */
};

/* Writes a frame's header. */
static inline void control_header_write(uint8_t out[CONTROL_HEADER_SIZE], enum control_kind kind,
                                        size_t length)
{
    store_u32be(out, (uint32_t)length);
    out[4] = (uint8_t)kind;
}

/* A frame at the start of what was received. */
struct control_frame {
    uint8_t kind;
    struct octets payload;
};

enum control_parsed {
    CONTROL_FRAME,      /* there is one */
    CONTROL_INCOMPLETE, /* more has to come */
    CONTROL_BROKEN,     /* its payload is too long */
};

static inline enum control_parsed control_frame_parse(struct octets received, struct control_frame *out)
{
    if (received.length < CONTROL_HEADER_SIZE)
        return CONTROL_INCOMPLETE;
    size_t length = load_u32be(received.at);
    if (length > CONTROL_CHUNK_MAX)
        return CONTROL_BROKEN;
    if (received.length - CONTROL_HEADER_SIZE < length)
        return CONTROL_INCOMPLETE;
    out->kind = received.at[4];
    out->payload = (struct octets){received.at + CONTROL_HEADER_SIZE, length};
    return CONTROL_FRAME;
}

#endif
