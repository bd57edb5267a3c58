/*
 * The engine process: runs the IKEv2 engine of ike/ on real time and real sockets. It opens nothing by itself
 * and has no keys but those of its SAs: secret jobs go to the keeper.
 */
#ifndef MUSUBI_DAEMON_ENGINE_PROCESS_H
#define MUSUBI_DAEMON_ENGINE_PROCESS_H

/* Runs until the keeper is gone; returns the exit status. */
int engine_process_run(void);

#endif
