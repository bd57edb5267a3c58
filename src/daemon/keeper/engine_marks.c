#include "daemon/keeper/engine_marks.h"

#include <stdlib.h>
#include <unistd.h>

struct engine_mark {
    uint32_t mark;
    enum ip_family family;
    bool used;
};

struct engine_marks engine_marks_of(struct processes *processes, struct event_log *log)
{
    return (struct engine_marks){.processes = processes, .log = log};
}

void engine_marks_free(struct engine_marks *marks)
{
    free(marks->marks);
    *marks = (struct engine_marks){0};
}

/* Sends the engine the sockets of a mark (-1: none); without any it forgets the mark. */
static void send_sockets(const struct engine_marks *marks, uint32_t mark, enum ip_family family, int ike,
                         int natt)
{
    struct message_engine_sockets m = {.mark = mark};
    int fds[2];
    size_t count = 0;
    if (ike >= 0) {
        m.present |= UINT32_C(1) << (family == IP_V6 ? ENGINE_SOCKET_IKE_V6 : ENGINE_SOCKET_IKE_V4);
        fds[count++] = ike;
    }
    if (natt >= 0) {
        m.present |= UINT32_C(1) << (family == IP_V6 ? ENGINE_SOCKET_NAT_V6 : ENGINE_SOCKET_NAT_V4);
        fds[count++] = natt;
    }
    processes_send_more(&marks->processes->engine, MESSAGE_ENGINE_SOCKETS, &m, sizeof(m), (struct octets){0},
                        fds, count);
}

static bool has_mark(const struct engine_marks *marks, uint32_t mark, enum ip_family family)
{
    for (size_t i = 0; i < marks->count; i++) {
        if (marks->marks[i].mark == mark && marks->marks[i].family == family)
            return true;
    }
    return false;
}

void engine_marks_add(struct engine_marks *marks, uint32_t mark, enum ip_family family)
{
    if (has_mark(marks, mark, family))
        return;
    struct engine_mark *grown = realloc(marks->marks, (marks->count + 1) * sizeof(*grown));
    if (grown == NULL)
        return;
    marks->marks = grown;
    struct host_error reason;
    struct host_sender sender = {.kind = HOST_SENDER_IKE, .family = family, .mark = mark};
    int ike = host_sender_open(&sender, &reason);
    sender.kind = HOST_SENDER_NATT;
    int natt = ike < 0 ? -1 : host_sender_open(&sender, &reason);
    if (natt < 0) {
        event_log_print(marks->log, EVENT_SYSTEM, LOG_LEVEL_ERROR, NULL, "no socket for a pinned route: %s",
                        reason.text);
    } else {
        send_sockets(marks, mark, family, ike, natt);
        marks->marks[marks->count++] = (struct engine_mark){mark, family, true};
        close(natt);
    }
    if (ike >= 0)
        close(ike);
}

void engine_marks_begin_sweep(struct engine_marks *marks)
{
    for (size_t i = 0; i < marks->count; i++)
        marks->marks[i].used = false;
}

void engine_marks_keep(struct engine_marks *marks, uint32_t mark)
{
    for (size_t i = 0; i < marks->count; i++)
        marks->marks[i].used |= marks->marks[i].mark == mark;
}

void engine_marks_end_sweep(struct engine_marks *marks)
{
    for (size_t i = marks->count; i-- > 0;) {
        if (marks->marks[i].used)
            continue;
        send_sockets(marks, marks->marks[i].mark, marks->marks[i].family, -1, -1);
        marks->marks[i] = marks->marks[--marks->count];
    }
}
