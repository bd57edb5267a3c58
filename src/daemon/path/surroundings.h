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

/* Readable when something has changed; -1 for NULL. */
int surroundings_fd(const struct surroundings *surroundings);

/* For how many milliseconds the caller may poll that alone, before it calls surroundings_have_changed; -1:
 * for ever. */
int surroundings_patience(const struct surroundings *surroundings);

/* Takes in what has changed; true if the path is to be told. */
bool surroundings_have_changed(struct surroundings *surroundings);

/* Tells the path the host's addresses, and has it find the routes anew. */
void surroundings_tell(struct surroundings *surroundings, struct path *path);

/* For path_options.find_route; `context` is the surroundings. */
void surroundings_find_route(void *context, const struct child_destination *destination,
                             struct path_route *route);

#endif
