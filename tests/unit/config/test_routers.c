/* S14: whole configs of routers, with many foreign lines, are accepted, and no line of them is lost. */
#include "support.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Calls `check` for each config of the corpus, with its name and text. Fails if there are fewer than
 * expected. */
static void for_each_router(void (*check)(const char *name, const char *text))
{
    struct dirent **entries;
    int count = scandir(TEST_CONFIGS "/routers", &entries, NULL, alphasort);
    size_t checked = 0;
    for (int i = 0; i < count; i++) {
        char name[300];
        (void)snprintf(name, sizeof name, "routers/%s", entries[i]->d_name);
        if (strstr(name, ".cfg") != NULL) {
            char *text = read_file(name);
            check(name, text);
            free(text);
            checked++;
        }
        free(entries[i]);
    }
    free(entries);
    assert_true(checked >= 30);
}

static struct reading read_router(const char *name, const char *text)
{
    struct reading r = read_text(text);
    if (r.config == NULL)
        fail_msg("%s is refused:\n%s", name, r.said);
    return r;
}

/* True if a line of `text` has exactly these octets, apart from blanks before them and the line end. */
static bool has_line(const char *text, const char *line, size_t length)
{
    while (*text != '\0') {
        text += strspn(text, " \t");
        size_t own = strcspn(text, "\r\n");
        if (own == length && memcmp(text, line, length) == 0)
            return true;
        text += own;
        text += strspn(text, "\r\n");
    }
    return false;
}

static void check_nothing_is_lost(const char *name, const char *text)
{
    struct reading r = read_router(name, text);
    char *running = printed(r.config);
    while (*text != '\0') {
        text += strspn(text, " \t\r\n");
        size_t length = strcspn(text, "\r\n");
        /* Comments are dropped, and so is `no` for a setting that does not exist. */
        bool may_go = length == 0 || text[0] == '!' || strncmp(text, "no ip address", 13) == 0;
        if (!may_go && !has_line(running, text, length))
            fail_msg("%s: `%.*s` is lost", name, (int)length, text);
        text += length;
    }
    free(running);
    reading_free(&r);
}

static void check_printing_is_stable(const char *name, const char *text)
{
    struct reading first = read_router(name, text);
    char *running = printed(first.config);
    struct reading second = read_router(name, running);
    char *again = printed(second.config);
    assert_string_equal(running, again);
    assert_int_equal(first.diagnostics.warnings, second.diagnostics.warnings);
    free(again);
    free(running);
    reading_free(&second);
    reading_free(&first);
}

static void check_foreign_lines_are_kept_and_told(const char *name, const char *text)
{
    struct reading r = read_router(name, text);
    size_t kept = 0;
    const struct section *global = config_global(r.config);
    for (const struct setting *s = global->first; s != NULL; s = s->next) {
        kept += s->foreign != NULL;
        for (const struct setting *in = s->under == NULL ? NULL : s->under->first; in != NULL; in = in->next)
            kept += in->foreign != NULL;
    }
    size_t told = 0;
    for (const char *at = r.said; (at = strstr(at, "not handled by Musubi")) != NULL; at++)
        told++;
    assert_int_equal(kept, told);
    reading_free(&r);
}

/* The secrets in the corpus. */
static void check_no_secret_is_told(const char *name, const char *text)
{
    static const char *const secrets[] = {"secret",       "hunter",     "password1", "wizardkey",
                                          "firstkey",     "notforyour", "guestword", "test1pass",
                                          "presharedkey", "0123456789"};
    struct reading r = read_router(name, text);
    for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++) {
        const char *at = strstr(r.said, secrets[i]);
        if (at != NULL && strncmp(at - 5, "`key ", 5) != 0)
            fail_msg("%s: %s", name, r.said);
    }
    reading_free(&r);
}

static void S14_router_configs_are_accepted_and_no_line_is_lost(void **state)
{
    (void)state;
    for_each_router(check_nothing_is_lost);
}

static void S14_router_configs_printed_are_the_same_config(void **state)
{
    (void)state;
    for_each_router(check_printing_is_stable);
}

static void S14_each_foreign_line_of_router_configs_is_reported_once(void **state)
{
    (void)state;
    for_each_router(check_foreign_lines_are_kept_and_told);
}

static void S14_no_secret_of_router_configs_is_shown(void **state)
{
    (void)state;
    for_each_router(check_no_secret_is_told);
}

static void ikev2_tunnels_of_router_configs_are_complete_and_others_stay_down(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t tunnels, ready;
    } expected[] = {
        {"02-dhcp-ikev2-site", 1, 1},
        {"03-ikev1-main-mode-unindented", 2, 0},
        {"04-ikev1-aggressive", 1, 0},
        {"06-bgp-over-ikev2", 2, 2},
        {"07-bgp-cloud-unindented", 2, 2},
        {"08-bridge-etherip", 1, 0},
        {"10-dslite", 1, 0},
        {"15-ospf-over-tunnels", 2, 2},
        {"18-l2tp-remote-access", 1, 0},
        {"20-two-wans-ikev2", 2, 2},
        {"21-centre-dynamic-sites", 3, 3},
        {"22-ikev2-unindented-everything", 1, 1},
        {"23-netmeister", 1, 1},
        {"28-ipv6-site", 1, 1},
        {"29-crlf-and-tabs", 1, 1},
        {"30-terminal-session", 1, 0},
        {"31-japanese", 1, 1},
        {"34-certificates", 1, 1},
        {"35-whole-file-indented", 1, 1},
    };
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        char name[100];
        (void)snprintf(name, sizeof name, "routers/%s.cfg", expected[i].name);
        char *text = read_file(name);
        struct resolution r = resolve_text(text);
        size_t ready = 0;
        for (size_t j = 0; j < r.policies.count; j++)
            ready += r.policies.items[j].complete;
        if (r.policies.count != expected[i].tunnels || ready != expected[i].ready)
            fail_msg("%s: %zu of %zu tunnels are ready:\n%s", name, ready, r.policies.count, r.said);
        resolution_free(&r);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(S14_router_configs_are_accepted_and_no_line_is_lost),
        cmocka_unit_test(S14_router_configs_printed_are_the_same_config),
        cmocka_unit_test(S14_each_foreign_line_of_router_configs_is_reported_once),
        cmocka_unit_test(S14_no_secret_of_router_configs_is_shown),
        cmocka_unit_test(ikev2_tunnels_of_router_configs_are_complete_and_others_stay_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
