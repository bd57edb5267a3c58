/*
 * Answers to the engine's key exchanges: by the real methods, or by a toy group that costs next to nothing
 * and still agrees on both ends; sizes are those of the real method.
 */
#ifndef MUSUBI_SIM_ARITHMETIC_H
#define MUSUBI_SIM_ARITHMETIC_H

#include "crypto/key_exchange.h"

/* Does the job. False if it failed. */
bool arithmetic_answer(const struct key_exchange_job *job, bool real, struct key_exchange_result *out);

#endif
