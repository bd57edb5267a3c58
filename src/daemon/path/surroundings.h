/*
 * What the packet path has to know of Linux: the host's own addresses (R74), and the route by which packets
 * go to a peer: its MTU (R72) and its next hop. It asks, and listens to what changes; it changes nothing.
 */
#ifndef MUSUBI_DAEMON_PATH_SURROUNDINGS_H
#define MUSUBI_DAEMON_PATH_SURROUNDINGS_H

#include "host/error.h"
#include "path/path.h"

struct surroundings;

/* NULL with a reason if Linux can't be asked. The functions below take NULL too: then nothing is known. */
struct surroundings *surroundings_open(struct host_error *err);
void surroundings_close(struct surroundings *surroundings);

/* Tells a new path the host's addresses. */
void surroundings_tell(struct surroundings *surroundings, struct path *path);

/* Takes in what has changed: tells the path the host's addresses, and has it find routes anew, both at
 * intervals (base/pace.h). To be called when the descriptor is readable, as `readable` says, and at the
 * deadline. */
void surroundings_follow(struct surroundings *surroundings, struct path *path, bool readable);

/* To be polled for reading; -1 if nothing is to be read before the deadline, or for NULL. */
int surroundings_fd(const struct surroundings *surroundings);

/* When surroundings_follow is wanted next (daemon/ipc/clock.h); MSEC_NEVER: when there is something to read.
 */
msec_t surroundings_deadline(const struct surroundings *surroundings);

/* For path_options.find_route; `context` is the surroundings. */
void surroundings_find_route(void *context, const struct child_destination *destination,
                             struct path_route *route);

#endif
