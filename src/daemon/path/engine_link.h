/*
 * The path's end of the channel to the engine: changes of Child SAs are carried out, events of the workers
 * are told.
 */
#ifndef MUSUBI_DAEMON_PATH_ENGINE_LINK_H
#define MUSUBI_DAEMON_PATH_ENGINE_LINK_H

#include "daemon/ipc/messages.h"

/* Numbers of the keeper's requests have this bit; those of the engine have not. */
#define PATH_KEEPER_REQUEST (UINT64_C(1) << 63)

/* Carries out the message that is in `engine`, and is sound. */
void engine_link_take(struct path *path, struct channel *engine);

/* Tells the engine of an event. Of an engine that does not read, those are lost that come again by
 * themselves: packets that wait, ESP of an unknown SPI. */
void engine_link_tell(struct channel *engine, const struct path_event *event);

/* Hands the engine IKE that came to a worker. What its channel has no room for is lost, as datagrams are. */
void engine_link_pass(struct channel *engine, const struct path_stray *stray);

#endif
