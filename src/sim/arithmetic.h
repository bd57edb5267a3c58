/*
 * Does the engine's key exchange jobs: by the real methods, or by a toy group that takes hardly any time and
 * still yields the same secret at both ends. Sizes are those of the real method.
 */
#ifndef MUSUBI_SIM_ARITHMETIC_H
#define MUSUBI_SIM_ARITHMETIC_H

#include "crypto/key_exchange.h"

/* Does the job, by the real method if `real`. False if it failed. */
bool arithmetic_answer(const struct key_exchange_job *job, bool real, struct key_exchange_result *out);

#endif
