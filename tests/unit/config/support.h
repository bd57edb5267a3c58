/*
 * Helpers for the tests of config/: configs from text, and their diagnostics as text.
 */
#ifndef MUSUBI_TESTS_CONFIG_SUPPORT_H
#define MUSUBI_TESTS_CONFIG_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/diagnostic.h"
#include "config/model.h"
#include "config/policy.h"
#include "config/prompt.h"
#include "config/resolve.h"

/* The result of parsing. */
struct reading {
    struct config *config; /* NULL if it was refused */
    struct diagnostics diagnostics;
    char *said; /* the diagnostics as `musubi check` prints them */
};

/* Parses a text; reading_free when done. */
struct reading read_text(const char *text);
struct reading read_octets(const char *text, size_t length);
void reading_free(struct reading *r);

/* Parses a text that must yield no diagnostics; config_free when done. */
struct config *accepted(const char *text);

/* The running-config, with secrets; to be freed. Foreign lines may have NULs in them: the last one had
 * `printed_length` octets. */
char *printed(const struct config *config);
extern size_t printed_length;

/* Fails unless the text is accepted and prints as `expected`. */
void assert_prints(const char *text, const char *expected);

/* Fails unless the text is refused with diagnostics that contain `expected`. */
void assert_refused(const char *text, const char *expected);

/* Fails unless the text is accepted with diagnostics that contain `warning`, and prints as it was written. */
void assert_kept(const char *text, const char *warning);

/* Fail unless `text` contains `part`, or does not contain it. */
void assert_contains(const char *text, const char *part);
void assert_lacks(const char *text, const char *part);

/* The result of policy resolution. */
struct resolution {
    struct config *config;
    struct key_table *keys;
    struct tunnel_policies policies;
    struct diagnostics diagnostics;
    char *said;
};

/* Parses a text, which must be accepted, and resolves its policies. The diagnostics are those of resolution.
 */
struct resolution resolve_text(const char *text);
struct resolution resolve_with(const char *text, const struct resolve_surroundings *surroundings);
void resolution_free(struct resolution *r);

/* The policy of the tunnel with that name; fails if there is none. */
const struct tunnel_policy *policy_of(const struct resolution *r, const char *name);

/* Diagnostics as `musubi check` prints them; to be freed. */
char *all_said(const struct diagnostics *diagnostics);

/* The content of a file under tests/configs/; to be freed. */
char *read_file(const char *name);

#endif
