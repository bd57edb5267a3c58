/*
 * Warnings that only `musubi check` gives, not the daemon. What they warn about keeps no tunnel down, but
 * deserves a second look before the config is used.
 */
#ifndef MUSUBI_CONFIG_LINT_H
#define MUSUBI_CONFIG_LINT_H

#include "config/diagnostic.h"
#include "config/model.h"
#include "config/resolve.h"

/* Adds warnings about a config and the policies resolved from it. */
void config_lint(const struct config *config, const struct tunnel_policies *policies,
                 struct diagnostics *diagnostics);

#endif
