/*
 * The path process: the packet workers of path/, steered by messages of the keeper (tunnels with their TUN
 * devices) and of the engine (Child SAs). It opens nothing by itself.
 */
#ifndef MUSUBI_DAEMON_PATH_PROCESS_H
#define MUSUBI_DAEMON_PATH_PROCESS_H

/* Runs until the keeper is gone; returns the exit status. */
int path_process_run(void);

#endif
