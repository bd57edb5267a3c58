#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/parse.h"
#include "config/print.h"

char *all_said(const struct diagnostics *diagnostics)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    diagnostics_print(diagnostics, "FILE", out);
    (void)fclose(out);
    return text;
}

struct reading read_octets(const char *text, size_t length)
{
    struct reading r = {0};
    r.config = config_parse(text, length, &r.diagnostics);
    r.said = all_said(&r.diagnostics);
    return r;
}

struct reading read_text(const char *text)
{
    return read_octets(text, strlen(text));
}

void reading_free(struct reading *r)
{
    config_free(r->config);
    diagnostics_free(&r->diagnostics);
    free(r->said);
}

struct config *accepted(const char *text)
{
    struct reading r = read_text(text);
    assert_string_equal(r.said, "");
    assert_non_null(r.config);
    struct config *config = r.config;
    r.config = NULL;
    reading_free(&r);
    return config;
}

size_t printed_length;

char *printed(const struct config *config)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, &printed_length);
    config_print(config, SECRETS_SHOWN, out);
    (void)fclose(out);
    return text;
}

void assert_prints(const char *text, const char *expected)
{
    struct reading r = read_text(text);
    if (r.config == NULL)
        fail_msg("refused:\n%s", r.said);
    char *running = printed(r.config);
    assert_string_equal(running, expected);
    free(running);
    reading_free(&r);
}

void assert_refused(const char *text, const char *expected)
{
    struct reading r = read_text(text);
    if (r.config != NULL)
        fail_msg("accepted, saying:\n%s", r.said);
    assert_contains(r.said, expected);
    reading_free(&r);
}

void assert_kept(const char *text, const char *warning)
{
    struct reading r = read_text(text);
    if (r.config == NULL)
        fail_msg("refused:\n%s", r.said);
    assert_contains(r.said, warning);
    char *running = printed(r.config);
    assert_string_equal(running, text);
    free(running);
    reading_free(&r);
}

void assert_contains(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("\"%s\" is not in:\n%s", part, text);
}

void assert_lacks(const char *text, const char *part)
{
    if (strstr(text, part) != NULL)
        fail_msg("\"%s\" is in:\n%s", part, text);
}

struct resolution resolve_text(const char *text)
{
    return resolve_with(text, NULL);
}

struct resolution resolve_with(const char *text, const struct resolve_surroundings *surroundings)
{
    struct reading r = read_text(text);
    if (r.config == NULL)
        fail_msg("refused:\n%s", r.said);
    struct resolution resolved = {.config = r.config};
    r.config = NULL;
    reading_free(&r);
    resolved.keys = key_table_new(resolved.config);
    assert_non_null(resolved.keys);
    assert_true(policies_resolve(resolved.config, resolved.keys, surroundings, &resolved.policies,
                                 &resolved.diagnostics));
    resolved.said = all_said(&resolved.diagnostics);
    return resolved;
}

void resolution_free(struct resolution *r)
{
    policies_free(&r->policies);
    key_table_free(r->keys);
    config_free(r->config);
    diagnostics_free(&r->diagnostics);
    free(r->said);
}

const struct tunnel_policy *policy_of(const struct resolution *r, const char *name)
{
    for (size_t i = 0; i < r->policies.count; i++) {
        if (strcmp(r->policies.items[i].name, name) == 0)
            return &r->policies.items[i];
    }
    fail_msg("there is no %s", name);
    return NULL;
}

char *read_file(const char *name)
{
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/%s", TEST_CONFIGS, name);
    FILE *in = fopen(path, "r");
    if (in == NULL)
        fail_msg("%s can't be opened", path);
    char *text = NULL;
    size_t size = 0;
    ssize_t length = getdelim(&text, &size, '\0', in);
    assert_true(length >= 0);
    (void)fclose(in);
    return text;
}
