/*
 * Answers to the engine's public jobs: by the real groups, or by a toy group that costs next to nothing and
 * still agrees on both ends.
 */
#ifndef MUSUBI_SIM_ARITHMETIC_H
#define MUSUBI_SIM_ARITHMETIC_H

#include "ike/ike.h"

/* Writes the job's output (at most IKE_JOB_OUTPUT_MAX octets) and its length. False if the job failed. */
bool arithmetic_answer(const struct ike_job *job, bool real, uint8_t *out, size_t *length);

#endif
