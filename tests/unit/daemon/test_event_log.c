/* daemon/keeper/event_log.h and daemon/state/history.h */
#include "daemon/keeper/event_log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "daemon/state/history.h"

static void shown(const struct event_log *log, struct text *out)
{
    text_free(out);
    event_log_show(log, out);
}

static void R102_level_is_warn_unless_configured(void **state)
{
    (void)state;
    struct event_log *log = event_log_new();
    struct text text = {0};

    event_log_add(log, EVENT_IKEV2, LOG_LEVEL_WARN, "Tunnel0.0", "one");
    event_log_add(log, EVENT_IKEV2, LOG_LEVEL_NOTICE, "Tunnel0.0", "two");
    struct event_log_settings settings = event_log_defaults();
    settings.level[EVENT_IPSEC] = LOG_LEVEL_DEBUG;
    event_log_set(log, &settings);
    event_log_add(log, EVENT_IPSEC, LOG_LEVEL_DEBUG, NULL, "three");
    event_log_add(log, EVENT_IKEV2, LOG_LEVEL_NOTICE, NULL, "four");

    shown(log, &text);
    assert_non_null(strstr(text_get(&text), " ikev2 warn Tunnel0.0: one\n"));
    assert_non_null(strstr(text_get(&text), " IPsec debug three\n"));
    assert_null(strstr(text_get(&text), "two"));
    assert_null(strstr(text_get(&text), "four"));
    assert_int_equal(event_log_level(log), LOG_LEVEL_DEBUG);
    text_free(&text);
    event_log_free(log);
}

static void buffer_keeps_the_newest_lines(void **state)
{
    (void)state;
    struct event_log *log = event_log_new();
    struct event_log_settings settings = event_log_defaults();
    struct text text = {0};
    settings.buffer_size = 1000;
    event_log_set(log, &settings);

    for (int i = 0; i < 100; i++)
        event_log_print(log, EVENT_SYSTEM, LOG_LEVEL_WARN, NULL, "line %d.", i);

    shown(log, &text);
    assert_true(text.length <= 1000 && text.length > 900);
    assert_non_null(strstr(text_get(&text), "line 99.\n"));
    assert_null(strstr(text_get(&text), "line 1."));
    text_free(&text);
    event_log_free(log);
}

static void control_characters_do_not_reach_a_terminal(void **state)
{
    (void)state;
    struct event_log *log = event_log_new();
    struct text text = {0};

    event_log_add(log, EVENT_IKEV2, LOG_LEVEL_WARN, NULL, "a\033[2Jb\nc");

    shown(log, &text);
    assert_non_null(strstr(text_get(&text), "a?[2Jb?c\n"));
    text_free(&text);
    event_log_free(log);
}

/* True if `text` is `shape`, in which 9 stands for any digit. */
static bool has_shape(const char *text, const char *shape)
{
    for (size_t i = 0; shape[i] != '\0'; i++) {
        bool digit = text[i] >= '0' && text[i] <= '9';
        if (shape[i] == '9' ? !digit : text[i] != shape[i])
            return false;
    }
    return strlen(text) == strlen(shape);
}

static void timestamps_are_as_configured(void **state)
{
    (void)state;
    struct event_log *log = event_log_new();
    struct event_log_settings settings = event_log_defaults();
    struct text text = {0};

    event_log_add(log, EVENT_IKEV2, LOG_LEVEL_WARN, NULL, "x");
    settings.timestamp = EVENT_TIME_OF_DAY;
    event_log_set(log, &settings);
    event_log_add(log, EVENT_IKEV2, LOG_LEVEL_WARN, NULL, "x");
    settings.timestamp = EVENT_UPTIME;
    event_log_set(log, &settings);
    event_log_add(log, EVENT_IKEV2, LOG_LEVEL_WARN, NULL, "x");

    shown(log, &text);
    assert_true(has_shape(text_get(&text), "9999/99/99 99:99:99 ikev2 warn x\n"
                                           "99:99:99 ikev2 warn x\n"
                                           "9 ikev2 warn x\n"));
    text_free(&text);
    event_log_free(log);
}

/* ---- History ----------------------------------------------------------------------------------------- */

static void R64_history_holds_the_last_ten_events_in_local_time(void **state)
{
    (void)state;
    struct history history = {0};
    struct text text = {0};
    setenv("TZ", "JST-9", 1);
    tzset();
    const time_t start = 1293840000; /* 2011/01/01 09:00:00 in Japan */

    history_print(&history, "  ", &text);
    assert_string_equal(text_get(&text), "");
    for (time_t at = start; at < start + 24; at += 2) {
        history_add_create(&history, at);
        history_add_delete(&history, at + 1, "Delete IKE SA by command");
    }
    history_print(&history, "      ", &text);

    assert_string_equal(text_get(&text), "      2011/01/01 09:00:14 Create\n"
                                         "      2011/01/01 09:00:15 Delete : Delete IKE SA by command\n"
                                         "      2011/01/01 09:00:16 Create\n"
                                         "      2011/01/01 09:00:17 Delete : Delete IKE SA by command\n"
                                         "      2011/01/01 09:00:18 Create\n"
                                         "      2011/01/01 09:00:19 Delete : Delete IKE SA by command\n"
                                         "      2011/01/01 09:00:20 Create\n"
                                         "      2011/01/01 09:00:21 Delete : Delete IKE SA by command\n"
                                         "      2011/01/01 09:00:22 Create\n"
                                         "      2011/01/01 09:00:23 Delete : Delete IKE SA by command\n");
    text_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(R102_level_is_warn_unless_configured),
        cmocka_unit_test(buffer_keeps_the_newest_lines),
        cmocka_unit_test(control_characters_do_not_reach_a_terminal),
        cmocka_unit_test(timestamps_are_as_configured),
        cmocka_unit_test(R64_history_holds_the_last_ten_events_in_local_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
