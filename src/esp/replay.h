/*
 * The anti-replay window of an inbound SA (RFC 4303 3.4.3), by the algorithm of RFC 6479: a ring of bits in
 * struct esp_live, which a jump forward clears by whole words instead of shifting. Numbers up to 1023 below
 * the highest seen are still taken, each once.
 */
#ifndef MUSUBI_ESP_REPLAY_H
#define MUSUBI_ESP_REPLAY_H

#include <stdbool.h>

#include "esp/live.h"

/*
 * True if a packet with this number may be new: not 0, not seen, not below the window. To be asked before the
 * packet is authenticated, to save the arithmetic, and again by replay_accept after it.
 */
bool replay_is_fresh(const struct esp_live *live, uint32_t sequence);

/*
 * Marks the number of an authenticated packet as seen; false, without a change, if it was not fresh. A
 * process that dies in the midst of it leaves a window that lets no replay pass. For the owner of the inbound
 * direction alone.
 */
bool replay_accept(struct esp_live *live, uint32_t sequence);

/* Notes the number of an authenticated packet where anti-replay is off: keeps the highest, refuses nothing.
 */
void replay_note(struct esp_live *live, uint32_t sequence);

#endif
