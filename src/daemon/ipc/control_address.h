/*
 * The address of the control socket in a run-dir. It goes by the directory's descriptor, so that the length
 * of the path does not matter (a socket's address has 108 octets).
 */
#ifndef MUSUBI_DAEMON_IPC_CONTROL_ADDRESS_H
#define MUSUBI_DAEMON_IPC_CONTROL_ADDRESS_H

#include <stdio.h>
#include <sys/un.h>

#include "daemon/ipc/control_protocol.h"

static inline struct sockaddr_un control_address(int directory)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/" CONTROL_SOCKET_NAME,
                   directory);
    return address;
}

#endif
