/*
 * The fwmarks of pinned routes for which the engine has sockets: it has no right to set marks itself.
 */
#ifndef MUSUBI_DAEMON_KEEPER_ENGINE_MARKS_H
#define MUSUBI_DAEMON_KEEPER_ENGINE_MARKS_H

#include "daemon/keeper/event_log.h"
#include "daemon/keeper/processes.h"

struct engine_mark;

struct engine_marks {
    struct processes *processes;
    struct event_log *log;
    struct engine_mark *marks;
    size_t count;
};

/* `processes` and `log` stay the caller's. */
struct engine_marks engine_marks_of(struct processes *processes, struct event_log *log);

void engine_marks_free(struct engine_marks *marks);

/* Hands the engine the sockets of a mark, unless it has them. Says so in the log if they can't be opened. */
void engine_marks_add(struct engine_marks *marks, uint32_t mark, enum ip_family family);

/*
 * Takes the sockets of the marks that no tunnel uses any more away from the engine: begin, then name each
 * mark that is used (others do no harm), then end.
 */
void engine_marks_begin_sweep(struct engine_marks *marks);
void engine_marks_keep(struct engine_marks *marks, uint32_t mark);
void engine_marks_end_sweep(struct engine_marks *marks);

#endif
