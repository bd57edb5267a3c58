/*
 * Shared by the tests of config/: configs from text, and what was said of them, as text.
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

/* A config that was read, and all that was said of it, as `musubi check` prints it. */
struct reading {
    struct config *config; /* NULL if it was refused */
    struct diagnostics diagnostics;
    char *said;
};

struct reading read_text(const char *text);
struct reading read_octets(const char *text, size_t length);
void reading_free(struct reading *r);

/* Reads text that must be accepted without a word. */
struct config *accepted(const char *text);

/* The running-config; to be freed. */
char *printed(const struct config *config);

/* Fails unless the text reads without error and prints as `expected`. */
void assert_prints(const char *text, const char *expected);

/* Fails unless the text is refused, and what is said of it contains `expected`. */
void assert_refused(const char *text, const char *expected);

/* Fails unless the text is accepted, what is said of it contains `warning`, and it prints as it is. */
void assert_kept(const char *text, const char *warning);

/* Fails unless `text` contains `part`. */
void assert_contains(const char *text, const char *part);
void assert_lacks(const char *text, const char *part);

/* All that resolution yields. */
struct resolution {
    struct config *config;
    struct key_table *keys;
    struct tunnel_policies policies;
    struct diagnostics diagnostics;
    char *said;
};

/* Reads the text, which must be accepted, and resolves it. What is said is of resolution alone. */
struct resolution resolve_text(const char *text);
void resolution_free(struct resolution *r);

/* The policy of a tunnel by its name, which must be there. */
const struct tunnel_policy *policy_of(const struct resolution *r, const char *name);

/* Diagnostics as `musubi check` prints them; to be freed. */
char *all_said(const struct diagnostics *diagnostics);

/* The whole of a file under tests/configs/, as text; to be freed. */
char *read_file(const char *name);

#endif
