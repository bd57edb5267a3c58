/*
 * Reads a config file: the running-config of a router, or what a person wrote (S12, S14, S15).
 */
#ifndef MUSUBI_CONFIG_PARSE_H
#define MUSUBI_CONFIG_PARSE_H

#include "config/diagnostic.h"
#include "config/model.h"

/* More lines than this are an error. Even a short line takes up to half a kilobyte, so this bounds memory
 * more tightly than the length of the text does. */
enum { CONFIG_LINES_MAX = 2000000 };

/*
 * Reads a config from `length` octets of text, which may be any octets, and adds errors and warnings to
 * `diagnostics`. Returns the config, which does not refer to the text; NULL if there was an error. Takes time
 * and memory in proportion to the length.
 */
struct config *config_parse(const char *text, size_t length, struct diagnostics *diagnostics);

/*
 * The same, but a config with errors is returned too, without the lines that have them: for warnings about
 * the rest. NULL only if memory ran out.
 */
struct config *config_parse_despite_errors(const char *text, size_t length, struct diagnostics *diagnostics);

#endif
