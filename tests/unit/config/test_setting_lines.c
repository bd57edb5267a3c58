/* config/setting_lines.h: the lines of the config that a warning names (S34). */
#include "config/setting_lines.h"

#include "support.h"

#include <string.h>

enum { ENC = SETTING_IKE_ENCRYPTION, PRF = SETTING_IKE_PRF, DH = SETTING_IKE_DH, PEER = SETTING_PEER };

static void assert_lines(const struct tunnel_policy *policy, setting_set settings, const char *expected)
{
    struct setting_lines lines = {0};
    char text[SETTING_LINES_TEXT_SIZE];
    setting_lines_add(&lines, policy, settings);
    assert_string_equal(setting_lines_format(&lines, text), expected);
}

static void S34_lines_are_named_once_and_in_order(void **state)
{
    (void)state;
    struct tunnel_policy policy = {.line = {[ENC] = 14, [PRF] = 12, [PEER] = 14}};
    assert_lines(&policy, SETTING_BIT(ENC), "line 14");
    assert_lines(&policy, SETTING_BIT(ENC) | SETTING_BIT(PRF), "lines 12, 14");
    assert_lines(&policy, SETTING_BIT(ENC) | SETTING_BIT(PRF) | SETTING_BIT(PEER), "lines 12, 14");
}

static void S34_a_default_has_no_line(void **state)
{
    (void)state;
    struct tunnel_policy policy = {.line = {[ENC] = 14}};
    assert_lines(&policy, SETTING_BIT(DH), "the default, no line sets it");
    assert_lines(&policy, SETTING_BIT(DH) | SETTING_BIT(ENC), "line 14");
}

static void S34_a_setting_typed_at_the_prompt_has_no_line(void **state)
{
    (void)state;
    struct tunnel_policy policy = {.line = {[ENC] = 14, [DH] = POLICY_LINE_TYPED}};
    assert_lines(&policy, SETTING_BIT(DH), "typed at the prompt");
    assert_lines(&policy, SETTING_BIT(DH) | SETTING_BIT(ENC), "line 14 and typed at the prompt");
}

static void S34_only_the_first_of_many_lines_are_named(void **state)
{
    (void)state;
    struct setting_lines lines = {0};
    char text[SETTING_LINES_TEXT_SIZE];
    for (uint32_t i = 20; i > 0; i--) {
        struct tunnel_policy policy = {.line = {[ENC] = UINT32_MAX - 21 + i, [DH] = POLICY_LINE_TYPED}};
        setting_lines_add(&lines, &policy, SETTING_BIT(ENC) | SETTING_BIT(DH));
    }
    assert_string_equal(setting_lines_format(&lines, text),
                        "lines 4294967275, 4294967276, 4294967277, 4294967278, 4294967279, 4294967280, "
                        "4294967281, 4294967282 and more and typed at the prompt");
}

/* With a real config, each line is that of the level that the setting comes from (R21). */
static void S34_lines_are_counted_in_the_file(void **state)
{
    (void)state;
    struct resolution r = resolve_text("ikev2 authentication psk id keyid a key char s\n" /* 1 */
                                       "ikev2 authentication psk id keyid b key char s\n"
                                       "ikev2 default-profile\n"
                                       "  sa-proposal enc 3des\n" /* 4 */
                                       "  sa-proposal dh 1024-bit\n"
                                       "  local-authentication psk id keyid a\n"
                                       "interface Tunnel0.0\n"
                                       "  tunnel mode ipsec-ikev2\n"
                                       "  ikev2 sa-proposal dh 2048-bit\n" /* 9 */
                                       "  ikev2 peer 10.0.0.2 authentication psk id keyid b\n"
                                       "  no shutdown\n");
    const struct tunnel_policy *policy = policy_of(&r, "Tunnel0.0");
    assert_lines(policy, SETTING_BIT(ENC) | SETTING_BIT(PRF) | SETTING_BIT(DH), "lines 4, 9");
    assert_lines(policy, SETTING_BIT(PRF), "the default, no line sets it");
    assert_lines(policy, SETTING_BIT(SETTING_LOCAL_AUTHENTICATION), "line 6");
    assert_lines(policy, SETTING_BIT(PEER), "line 10");
    resolution_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(S34_lines_are_named_once_and_in_order),
        cmocka_unit_test(S34_a_default_has_no_line),
        cmocka_unit_test(S34_a_setting_typed_at_the_prompt_has_no_line),
        cmocka_unit_test(S34_only_the_first_of_many_lines_are_named),
        cmocka_unit_test(S34_lines_are_counted_in_the_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
