/*
 * Reads a config file: the running-config of a router, or what a person wrote (S12, S14, S15).
 */
#ifndef MUSUBI_CONFIG_PARSE_H
#define MUSUBI_CONFIG_PARSE_H

#include "config/diagnostic.h"
#include "config/model.h"

/* More lines than this are an error, so that memory is bounded by more than the length: a line takes up to
 * half a kilobyte, however short it is. */
enum { CONFIG_LINES_MAX = 2000000 };

/*
 * Reads `length` octets of text, which may hold anything. What there is to say is added to `diagnostics`.
 * Returns the config; NULL if there was an error, for which the whole of it is refused. Takes time and memory
 * in proportion to the length. The text is not needed any more afterwards.
 */
struct config *config_parse(const char *text, size_t length, struct diagnostics *diagnostics);

#endif
