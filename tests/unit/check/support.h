/* What is said of a config, for the tests of `musubi check`. */
#ifndef MUSUBI_TEST_CHECK_SUPPORT_H
#define MUSUBI_TEST_CHECK_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "check/check.h"

/* What check_text says of a config, with FILE as its name; the caller frees it. */
static inline char *said_of(const char *text, bool *good)
{
    struct diagnostics diagnostics = {0};
    char *said = NULL;
    size_t length = 0;
    *good = check_text(text, strlen(text), &diagnostics);
    FILE *out = open_memstream(&said, &length);
    diagnostics_print(&diagnostics, "FILE", out);
    (void)fclose(out);
    diagnostics_free(&diagnostics);
    return said;
}

/* Fails unless the result and the printed diagnostics are as expected. */
static inline void assert_said(const char *text, bool good, const char *expected)
{
    bool result;
    char *said = said_of(text, &result);
    assert_string_equal(said, expected);
    assert_int_equal(result, good);
    free(said);
}

#endif
