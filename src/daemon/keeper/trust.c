#include "daemon/keeper/trust.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/ipc/memory_file.h"

/* Writes octets to a file from its start. */
static bool write_all(int fd, struct octets octets)
{
    size_t written = 0;
    while (written < octets.length) {
        ssize_t length = pwrite(fd, octets.at + written, octets.length - written, (off_t)written);
        if (length < 0 && errno != EINTR)
            return false;
        written += length > 0 ? (size_t)length : 0;
    }
    return true;
}

bool trust_tell_engine(struct processes *processes, const struct pki_store *store)
{
    size_t size = trust_size(store) + 1; /* an empty file can't be told from none */
    uint8_t *at = malloc(size);
    int fd = at != NULL ? memory_file_create("musubi-trust", size) : -1;
    struct writer w = writer_to(at, at != NULL ? size : 0);
    bool sent = fd >= 0;
    if (sent) {
        trust_write(store, &w);
        sent = !w.failed && write_all(fd, writer_octets(&w));
    }
    if (sent) {
        const struct message_trust m = {.length = writer_length(&w)};
        processes_send_more(&processes->engine, MESSAGE_TRUST, &m, sizeof(m), (struct octets){0}, &fd, 1);
    }
    if (fd >= 0)
        close(fd);
    free(at);
    return sent;
}
