/*
 * `musubi-bench ike`: loads an IKEv2 responder with negotiations, and `musubi-bench key-exchange`: what their
 * arithmetic costs on this machine. Both print their figures, as text or as JSON.
 */
#ifndef MUSUBI_BENCH_IKE_COMMAND_H
#define MUSUBI_BENCH_IKE_COMMAND_H

/* Run with the arguments behind the word; return the exit status: 0, 1 if it failed, 2 if the arguments are
 * wrong. */
int ike_command(int argc, char **argv);
int key_exchange_command(int argc, char **argv);

#endif
