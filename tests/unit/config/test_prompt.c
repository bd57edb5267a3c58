/* config/prompt.h and help.h: config mode and operating commands as an operator types them. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/help.h"

/* An operator in config mode. */
struct session {
    struct config *config;
    struct config_cursor cursor;
    struct diagnostics diagnostics;
};

static struct session *start(const char *text)
{
    struct session *s = calloc(1, sizeof *s);
    struct reading r = read_text(text);
    assert_non_null(r.config);
    s->config = r.config;
    r.config = NULL;
    reading_free(&r);
    return s;
}

static enum prompt_outcome type(struct session *s, const char *line)
{
    diagnostics_free(&s->diagnostics);
    return config_apply_line(s->config, &s->cursor, line, &s->diagnostics);
}

/* Types lines, each of which must be applied. */
static void type_all(struct session *s, const char *const *lines, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (type(s, lines[i]) != PROMPT_APPLIED)
            fail_msg("`%s`: %s", lines[i], diagnostics_first(&s->diagnostics)->message);
    }
}

#define TYPE(session, ...)                                                                                   \
    type_all(session, (const char *const[]){__VA_ARGS__},                                                    \
             sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

static void assert_running(const struct session *s, const char *expected)
{
    char *running = printed(s->config);
    assert_string_equal(running, expected);
    free(running);
}

static void assert_refuses(struct session *s, const char *line, const char *message)
{
    char *before = printed(s->config);
    assert_int_equal(type(s, line), PROMPT_REFUSED);
    assert_contains(diagnostics_first(&s->diagnostics)->message, message);
    assert_running(s, before);
    free(before);
}

static void end(struct session *s)
{
    config_free(s->config);
    diagnostics_free(&s->diagnostics);
    free(s);
}

static void each_line_applies_at_once(void **state)
{
    (void)state;
    struct session *s = start("interface GigaEthernet0.0\n  ip address 10.0.0.1/24\n");
    TYPE(s, "hostname site1", "int tu0.0", "tunnel mode ipsec-ikev2",
         "ik peer 10.0.0.2 auth psk id key there", "no sh", "ip mtu 1400", "no ip mtu",
         "interface GigaEthernet0.0", "no ip address");
    assert_running(s, "hostname site1\n"
                      "!\n"
                      "interface GigaEthernet0.0\n"
                      "!\n"
                      "interface Tunnel0.0\n"
                      "  tunnel mode ipsec-ikev2\n"
                      "  ikev2 peer 10.0.0.2 authentication psk id keyid there\n"
                      "  no shutdown\n");
    end(s);
}

static void S12_the_first_word_may_be_abbreviated_at_the_prompt(void **state)
{
    (void)state;
    struct session *s = start("");
    TYPE(s, "ho a", "ikev2 de", "dp int 5");
    assert_running(s, "hostname a\n!\nikev2 default-profile\n  dpd interval 5\n");
    assert_refuses(s, "s 5", "`s` is ambiguous: it may be");
    end(s);
}

static void S15_only_the_wrong_line_is_refused(void **state)
{
    (void)state;
    struct session *s = start("hostname a\n");
    assert_refuses(s, "hostnmae b", "did you mean `hostname`?");
    assert_refuses(s, "foo bar", "`foo` is not known here");
    assert_refuses(s, "ip rotue default 10.0.0.1", "did you mean `route`?");
    assert_refuses(s, "ip route default 10.0.0.256", "an IPv4 address");
    assert_refuses(s, "interface Tunnel0.x", "has to follow the dot");
    TYPE(s, "hostname c");
    assert_running(s, "hostname c\n");
    end(s);
}

static void the_prompt_shows_the_sub_mode(void **state)
{
    (void)state;
    struct session *s = start("");
    char name[PROMPT_NAME_SIZE];
    assert_string_equal(config_cursor_name(&s->cursor, name), "config");
    TYPE(s, "interface tunnel0.0");
    assert_string_equal(config_cursor_name(&s->cursor, name), "config-Tunnel0.0");
    TYPE(s, "ikev2 profile p");
    assert_string_equal(config_cursor_name(&s->cursor, name), "config-ikev2-profile");
    TYPE(s, "ikev2 default-profile");
    assert_string_equal(config_cursor_name(&s->cursor, name), "config-ikev2-default-profile");
    TYPE(s, "exit");
    assert_string_equal(config_cursor_name(&s->cursor, name), "config");
    TYPE(s, "interface Tunnel1.0", "ip route default Tunnel0.0");
    assert_string_equal(config_cursor_name(&s->cursor, name), "config");
    end(s);
}

static void exit_and_end_leave(void **state)
{
    (void)state;
    struct session *s = start("");
    TYPE(s, "interface Tunnel0.0", "exit");
    assert_int_equal(type(s, "exit"), PROMPT_LEAVE);
    TYPE(s, "interface Tunnel0.0");
    assert_int_equal(type(s, "end"), PROMPT_LEAVE);
    assert_int_equal(type(s, "show running-config"), PROMPT_OPERATION);
    assert_int_equal(type(s, "write memory"), PROMPT_OPERATION);
    assert_refuses(s, "show ikev2 sb", "did you mean `sa`?");
    end(s);
}

static void a_section_that_others_removed_is_made_again(void **state)
{
    (void)state;
    struct session *s = start("interface Tunnel0.0\n  ip mtu 1400\n");
    struct config_cursor other = {0};
    TYPE(s, "interface Tunnel0.0");
    assert_int_equal(config_apply_line(s->config, &other, "no interface Tunnel0.0", &s->diagnostics),
                     PROMPT_APPLIED);
    TYPE(s, "ip mtu 1300");
    assert_running(s, "interface Tunnel0.0\n  ip mtu 1300\n");
    end(s);
}

static void S14_foreign_lines_are_kept_at_the_prompt_too(void **state)
{
    (void)state;
    struct session *s = start("");
    TYPE(s, "ppp profile isp", "authentication myname user", "interface GigaEthernet0.1",
         "encapsulation pppoe", "ip address ipcp");
    assert_contains(
        diagnostics_first(&s->diagnostics)->message,
        "this `ip address ipcp` line is not handled by Musubi: a PPP daemon has to set the address on "
        "Linux, and Musubi follows it");
    TYPE(s, "ppp profile isp", "authentication password user word", "hostname a");
    assert_running(s, "ppp profile isp\n"
                      "  authentication myname user\n"
                      "  authentication password user word\n"
                      "!\n"
                      "hostname a\n"
                      "!\n"
                      "interface GigaEthernet0.1\n"
                      "  encapsulation pppoe\n"
                      "  ip address ipcp\n");
    end(s);
}

static void S14_no_removes_foreign_lines(void **state)
{
    (void)state;
    struct session *s =
        start("ppp profile isp\n  authentication myname user\n"
              "ip ufs-cache enable\n"
              "interface GigaEthernet0.0\n  ip address dhcp receive-default\n  bandwidth 5\n");
    TYPE(s, "no ppp profile isp", "no ip ufs-cache", "interface GigaEthernet0.0", "no ip address");
    assert_running(s, "interface GigaEthernet0.0\n  bandwidth 5\n");
    TYPE(s, "no bandwidth");
    assert_running(s, "interface GigaEthernet0.0\n");
    end(s);
}

static void S14_no_removes_foreign_lines_where_they_stand(void **state)
{
    (void)state;
    struct session *s = start("ppp profile isp\n  authentication myname user\n  lcp restart-timer 3\n"
                              "ip ufs-cache enable\n"
                              "lldp enable\n"
                              "interface Tunnel0.0\n  ip mtu 1400\n");
    TYPE(s, "ppp profile isp", "no lcp");
    assert_running(s,
                   "ppp profile isp\n  authentication myname user\n!\nip ufs-cache enable\nlldp enable\n!\n"
                   "interface Tunnel0.0\n  ip mtu 1400\n");
    TYPE(s, "no ip ufs-cache enable");
    TYPE(s, "interface Tunnel0.0", "no lldp", "hostname a");
    assert_running(s, "ppp profile isp\n  authentication myname user\n!\nhostname a\n!\n"
                      "interface Tunnel0.0\n  ip mtu 1400\n");
    TYPE(s, "ppp profile isp", "no ppp profile isp", "router bgp 1", "no router bgp 1", "hostname b");
    assert_running(s, "hostname b\n!\ninterface Tunnel0.0\n  ip mtu 1400\n");
    end(s);
}

static void S14_lines_in_the_wrong_place_are_refused_with_where_they_belong(void **state)
{
    (void)state;
    struct session *s = start("ikev2 profile p\ninterface Tunnel0.0\n  ip mtu 1400\n");
    assert_refuses(s, "shutdown", "`shutdown` is not known here: it belongs under an interface");
    assert_refuses(s, "no shutdown", "`shutdown` is not known here: it belongs under an interface");
    assert_refuses(s, "ip address 10.0.0.1/24", "`address` is not known here: it belongs under an interface");
    assert_refuses(s, "ip mtu 99999", "it belongs under an interface");
    assert_refuses(s, "dpd interval 10", "it belongs in a profile, or with `ikev2` before it");
    assert_refuses(s, "linux-interface eth0", "it belongs under `device GigaEthernetN`");
    TYPE(s, "interface Tunnel0.0");
    assert_refuses(s, "dpd interval 10", "under a Tunnel it is written with `ikev2` before it");
    TYPE(s, "ikev2 profile p");
    assert_refuses(s, "ikev2 dpd off", "in a profile it is written without `ikev2`");
    assert_refuses(s, "ikev2 binding p", "it belongs under `interface TunnelN.M`");
    TYPE(s, "router bgp 1", "shutdown");
    end(s);
}

static void S14_a_pasted_profile_among_the_lines_of_a_tunnel_is_refused(void **state)
{
    (void)state;
    struct session *s = start("ikev2 profile p\n");
    TYPE(s, "interface Tunnel0.0", "  ip mtu 1400");
    assert_refuses(s, "  ikev2 profile p", "a profile is bound with `ikev2 binding p`");
    TYPE(s, "  ikev2 binding p", "ikev2 profile p", "dpd off");
    assert_running(s,
                   "ikev2 profile p\n  dpd off\n!\ninterface Tunnel0.0\n  ip mtu 1400\n  ikev2 binding p\n");
    end(s);
}

static void operating_commands_of_routers_never_become_config(void **state)
{
    (void)state;
    struct session *s = start("");
    assert_int_equal(type(s, "terminal length 0"), PROMPT_OPERATION);
    assert_refuses(s, "ping 10.0.0.1", "an operating command that Musubi does not have");
    TYPE(s, "interface Tunnel0.0");
    assert_int_equal(type(s, "terminal width 80"), PROMPT_OPERATION);
    assert_refuses(s, "reload", "an operating command that Musubi does not have");
    TYPE(s, "router bgp 1");
    assert_refuses(s, "logout", "an operating command that Musubi does not have");
    assert_running(s, "interface Tunnel0.0\n!\nrouter bgp 1\n");
    end(s);
}

static void a_byte_order_mark_before_a_typed_line_means_nothing(void **state)
{
    (void)state;
    struct session *s = start("");
    TYPE(s, "\xef\xbb\xbfhostname a", " \xef\xbb\xbf", "\xef\xbb\xbf! remark", "\xef\xbb\xbflldp enable");
    assert_running(s, "hostname a\n!\nlldp enable\n");
    end(s);
}

static void R11_typed_settings_have_no_line(void **state)
{
    (void)state;
    struct session *s = start("ikev2 authentication psk id keyid a key char b\n");
    TYPE(s, "interface Tunnel0.0", "tunnel mode ipsec-ikev2", "ikev2 peer any authentication psk id keyid a",
         "ikev2 dpd interval 5");
    struct key_table *keys = key_table_new(s->config);
    struct tunnel_policies policies;
    assert_true(policies_resolve(s->config, keys, NULL, &policies, NULL));
    assert_int_equal(policies.items[0].line[SETTING_DPD], POLICY_LINE_TYPED);
    assert_true(policies.items[0].complete);
    policies_free(&policies);
    key_table_free(keys);
    end(s);
}

static void comments_and_blank_lines_do_nothing(void **state)
{
    (void)state;
    struct session *s = start("");
    TYPE(s, "", "   ", "! remark", "hostname a\nhostname b");
    assert_running(s, "hostname a\n");
    end(s);
}

static void assert_operation(const char *line, enum command_id id)
{
    struct exec_command command;
    char error[EXEC_ERROR_SIZE] = "";
    if (!exec_parse(line, &command, error))
        fail_msg("%s", error);
    assert_int_equal(command.id, id);
    exec_free(&command);
}

static void operating_commands_are_understood(void **state)
{
    (void)state;
    assert_operation("show running-config", COMMAND_SHOW_RUNNING_CONFIG);
    assert_operation("sh run", COMMAND_SHOW_RUNNING_CONFIG);
    assert_operation("show startup-config", COMMAND_SHOW_STARTUP_CONFIG);
    assert_operation("show ikev2 sa", COMMAND_SHOW_IKEV2_SA);
    assert_operation("show ikev2 sa Tunnel0.0", COMMAND_SHOW_IKEV2_SA);
    assert_operation("sh ik ch tu0.0", COMMAND_SHOW_IKEV2_CHILD_SA);
    assert_operation("show ikev2 explain Tunnel0.0", COMMAND_SHOW_IKEV2_EXPLAIN);
    assert_operation("show ikev2 summary", COMMAND_SHOW_IKEV2_SUMMARY);
    assert_operation("show ikev2 statistics", COMMAND_SHOW_IKEV2_STATISTICS);
    assert_operation("show interfaces", COMMAND_SHOW_INTERFACES);
    assert_operation("show ip route", COMMAND_SHOW_IP_ROUTE);
    assert_operation("show ipv6 route", COMMAND_SHOW_IPV6_ROUTE);
    assert_operation("show logging", COMMAND_SHOW_LOGGING);
    assert_operation("show pki cert name a", COMMAND_SHOW_PKI_CERT);
    assert_operation("clear ikev2 sa Tunnel0.0", COMMAND_CLEAR_IKEV2_SA);
    assert_operation("clear ikev2 statistics", COMMAND_CLEAR_IKEV2_STATISTICS);
    assert_operation("debug capture Tunnel0.0 a.pcapng seconds 5", COMMAND_DEBUG_CAPTURE);
    assert_operation("debug keys Tunnel0.0", COMMAND_DEBUG_KEYS);
    assert_operation("configure", COMMAND_CONFIGURE);
    assert_operation("conf t", COMMAND_CONFIGURE);
    assert_operation("enable-config", COMMAND_ENABLE_CONFIG);
    assert_operation("write memory", COMMAND_WRITE_MEMORY);
    assert_operation("copy running-config startup-config", COMMAND_COPY_RUNNING_STARTUP);
    assert_operation("exit", COMMAND_EXIT);
    assert_operation("terminal length 0", COMMAND_TERMINAL);
    assert_operation("term width 132", COMMAND_TERMINAL);
    assert_operation("pki cert import pem name caCert url file:caCert.pem", COMMAND_PKI_CERT_IMPORT);
    assert_operation("  ", COMMAND_COUNT);
}

static void arguments_of_operating_commands_can_be_read(void **state)
{
    (void)state;
    struct exec_command command;
    char error[EXEC_ERROR_SIZE];
    assert_true(exec_parse("show ikev2 sa tunnel3.1\n", &command, error));
    assert_string_equal(line_argument(&command.line, "interface"), "Tunnel3.1");
    exec_free(&command);
    assert_true(exec_parse("show ikev2 sa tunnel 3.1\n", &command, error));
    assert_string_equal(line_argument(&command.line, "interface"), "Tunnel3.1");
    exec_free(&command);
}

static void assert_exec_error(const char *line, const char *expected)
{
    struct exec_command command;
    char error[EXEC_ERROR_SIZE] = "";
    assert_false(exec_parse(line, &command, error));
    assert_int_equal(error[0], '%');
    assert_contains(error, expected);
    exec_free(&command);
}

static void errors_of_operating_commands_begin_with_a_percent_sign(void **state)
{
    (void)state;
    assert_exec_error("show ikev2 saa", "did you mean `sa`?");
    assert_exec_error("show", "the line ends too early; expected running-config");
    assert_exec_error("no show logging", "`no` is not known here");
    assert_exec_error("show ikev2 sa Tunnel0.x", "has to follow the dot");
    assert_exec_error("pki pkcs12 import crypto verysecret nmae x url file:y", "% ");
    struct exec_command command;
    char error[EXEC_ERROR_SIZE];
    assert_false(exec_parse("pki pkcs12 import cryptt verysecret", &command, error));
    assert_false(exec_parse("pki pkcs12 import crypto name verysecret", &command, error));
    assert_lacks(error, "verysecret");
}

static void assert_help(const struct match_scope *scope, const struct config *config, const char *line,
                        const char *expected)
{
    struct help help;
    char text[4096] = "";
    help_find(scope, config, line, &help);
    for (size_t i = 0; i < help.count; i++)
        (void)snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s", i == 0 ? "" : " ",
                       help.entry[i].word);
    assert_string_equal(text, expected);
}

static void help_lists_what_may_come_next(void **state)
{
    (void)state;
    static const struct match_scope exec = {.mode = MODE_EXEC};
    assert_help(&exec, NULL, "show ", "ikev2 interfaces ip ipv6 logging pki running-config startup-config");
    assert_help(&exec, NULL, "show i", "ikev2 interfaces ip ipv6");
    assert_help(&exec, NULL, "show ikev2 sa ", "INTERFACE <cr>");
    assert_help(&exec, NULL, "show nonsense ", "");
}

static void help_knows_modes_names_and_no(void **state)
{
    (void)state;
    struct session *s = start("ikev2 profile p1\nikev2 profile p2\ninterface Tunnel0.0\n");
    struct match_scope top = config_cursor_scope(&s->cursor);
    assert_help(&top, s->config, "ikev2 ", "authentication default-profile profile");
    assert_help(&top, s->config, "no ho", "hostname");
    assert_help(&top, s->config, "interface ", "INTERFACE Tunnel0.0");
    TYPE(s, "interface Tunnel0.0");
    struct match_scope tunnel = config_cursor_scope(&s->cursor);
    assert_help(&tunnel, s->config, "ikev2 sa-proposal ", "dh enc integrity prf");
    assert_help(&tunnel, s->config, "ikev2 sa-proposal enc aes-g", "aes-gcm-128 aes-gcm-256");
    assert_help(&tunnel, s->config, "ikev2 binding p", "PROFILE p1 p2");
    assert_help(&tunnel, s->config, "n", "no");
    end(s);
}

static bool is_asked(const struct match_scope *scope, const struct config *config, const char *line)
{
    struct help help;
    return help_is_asked(scope, config, line, &help);
}

static void a_question_mark_asks_for_help_but_is_text_in_texts(void **state)
{
    (void)state;
    static const struct match_scope exec = {.mode = MODE_EXEC};
    struct session *s = start("interface Tunnel0.0\n");
    struct help help;
    assert_true(help_is_asked(&exec, NULL, "show ikev2 ?\n", &help));
    assert_int_equal(help.count, 5);
    assert_string_equal(help.entry[0].word, "child-sa");
    assert_string_equal(help.entry[1].help,
                        "What stands between a tunnel and carrying packets, step by step");
    assert_true(is_asked(&exec, NULL, "?"));
    assert_true(is_asked(&exec, NULL, "sh?"));
    assert_true(is_asked(&exec, NULL, "debug capture Tunnel0.0 ?  "));
    assert_false(is_asked(&exec, NULL, "debug capture Tunnel0.0 a?"));
    assert_false(is_asked(&exec, NULL, "show ikev2 sa"));
    assert_false(is_asked(&exec, NULL, ""));

    const struct match_scope top = config_cursor_scope(&s->cursor);
    assert_true(is_asked(&top, s->config, "ikev2 auth?"));
    assert_true(is_asked(&top, s->config, "ikev2 authentication psk id keyid a key char ?"));
    assert_false(is_asked(&top, s->config, "ikev2 authentication psk id keyid a key char c?"));
    assert_false(is_asked(&top, s->config, "! why ?"));
    TYPE(s, "interface Tunnel0.0");
    const struct match_scope tunnel = config_cursor_scope(&s->cursor);
    assert_true(is_asked(&tunnel, s->config, "description ?"));
    assert_false(is_asked(&tunnel, s->config, "desc which site ?"));
    assert_false(is_asked(&tunnel, s->config, "description site2?"));
    end(s);
}

static void every_keyword_has_help(void **state)
{
    (void)state;
    static const struct match_scope exec = {.mode = MODE_EXEC};
    struct help help;
    help_find(&exec, NULL, "", &help);
    assert_true(help.count > 5);
    for (size_t i = 0; i < help.count; i++)
        assert_true(strlen(help.entry[i].help) > 3);
}

static bool only_moves(const struct session *s, const char *line)
{
    return config_line_only_moves(s->config, &s->cursor, line);
}

static void lines_that_only_move_the_cursor_are_told_from_those_that_change_the_config(void **state)
{
    (void)state;
    struct session *s = start("interface Tunnel1.0\n  tunnel mode ipsec-ikev2\n");
    assert_true(only_moves(s, ""));
    assert_true(only_moves(s, "! a comment"));
    assert_true(only_moves(s, "interface Tunnel1.0"));
    assert_true(only_moves(s, "int tunnel1.0"));
    assert_false(only_moves(s, "interface Tunnel2.0"));
    assert_false(only_moves(s, "no interface Tunnel1.0"));
    assert_false(only_moves(s, "hostname here"));
    assert_false(only_moves(s, "no such line"));
    assert_false(only_moves(s, "exit")); /* it leaves config mode */

    TYPE(s, "interface Tunnel1.0");
    assert_true(only_moves(s, "exit"));
    assert_true(only_moves(s, "interface Tunnel1.0"));
    assert_false(only_moves(s, "no shutdown"));
    assert_false(only_moves(s, "end"));

    char *before = printed(s->config);
    TYPE(s, "int tunnel1.0", "exit", "! a comment");
    assert_running(s, before);
    free(before);
    end(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_line_applies_at_once),
        cmocka_unit_test(S12_the_first_word_may_be_abbreviated_at_the_prompt),
        cmocka_unit_test(S15_only_the_wrong_line_is_refused),
        cmocka_unit_test(the_prompt_shows_the_sub_mode),
        cmocka_unit_test(exit_and_end_leave),
        cmocka_unit_test(a_section_that_others_removed_is_made_again),
        cmocka_unit_test(S14_foreign_lines_are_kept_at_the_prompt_too),
        cmocka_unit_test(S14_no_removes_foreign_lines),
        cmocka_unit_test(S14_no_removes_foreign_lines_where_they_stand),
        cmocka_unit_test(S14_lines_in_the_wrong_place_are_refused_with_where_they_belong),
        cmocka_unit_test(S14_a_pasted_profile_among_the_lines_of_a_tunnel_is_refused),
        cmocka_unit_test(operating_commands_of_routers_never_become_config),
        cmocka_unit_test(a_byte_order_mark_before_a_typed_line_means_nothing),
        cmocka_unit_test(R11_typed_settings_have_no_line),
        cmocka_unit_test(comments_and_blank_lines_do_nothing),
        cmocka_unit_test(operating_commands_are_understood),
        cmocka_unit_test(arguments_of_operating_commands_can_be_read),
        cmocka_unit_test(errors_of_operating_commands_begin_with_a_percent_sign),
        cmocka_unit_test(lines_that_only_move_the_cursor_are_told_from_those_that_change_the_config),
        cmocka_unit_test(help_lists_what_may_come_next),
        cmocka_unit_test(help_knows_modes_names_and_no),
        cmocka_unit_test(a_question_mark_asks_for_help_but_is_text_in_texts),
        cmocka_unit_test(every_keyword_has_help),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
