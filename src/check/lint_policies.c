#include <stdio.h>
#include <string.h>

#include "check/lint_rules.h"

void lint_auto_that_waits(struct linting *lint)
{
    for (size_t i = 0; i < lint->tunnel_count; i++) {
        const struct tunnel_policy *policy = lint->tunnels[i].policy;
        bool responder = policy->direction == NEGOTIATE_RESPONDER;
        if (!lint->tunnels[i].in_use || policy->connect_type != CONNECT_AUTO ||
            (!responder && policy->peer_kind != PEER_ANY))
            continue;
        const struct setting *s = lint_setting_of(lint, &lint->tunnels[i], COMMAND_CONNECT_TYPE);
        if (!lint_is_told(lint, s))
            lint_warn(lint, s,
                      LINT_VALUES(policy->name, responder ? "it has `negotiation-direction responder`"
                                                          : "its peer is `any`"));
    }
}

/* ---- Lifetimes of tunnels that only one end rekeys (R49) ------------------------------------------- */

struct lifetime {
    enum command_id command;
    enum policy_setting setting;
    const char *name, *sa;
    uint32_t seconds, preset;
};

enum { LIFETIME_COUNT = 2 };

static void lifetimes_of(const struct tunnel_policy *policy, struct lifetime out[LIFETIME_COUNT])
{
    const struct tunnel_policy preset = policy_default();
    out[0] = (struct lifetime){COMMAND_SA_LIFETIME, SETTING_SA_LIFETIME, "`sa-lifetime`", "IKE SA",
                               policy->sa_lifetime, preset.sa_lifetime};
    out[1] = (struct lifetime){COMMAND_CHILD_LIFETIME, SETTING_CHILD_LIFETIME, "`child-lifetime`", "Child SA",
                               policy->child_lifetime, preset.child_lifetime};
}

static void warn_of_lifetime(struct linting *lint, const struct lint_tunnel *tunnel,
                             const struct lifetime *lifetime, bool centre)
{
    const struct setting *s = lint_setting_of(lint, tunnel, lifetime->command);
    char seconds[16], preset[16];
    if (s == NULL || lint_is_told(lint, s))
        return;
    (void)snprintf(seconds, sizeof seconds, "%u", lifetime->seconds);
    (void)snprintf(preset, sizeof preset, "%u", lifetime->preset);
    if (centre)
        lint_warn(lint, s, LINT_VALUES(tunnel->policy->name, lifetime->sa, seconds, lifetime->name, preset));
    else
        lint_warn(lint, s, LINT_VALUES(tunnel->policy->name, lifetime->sa, lifetime->name, preset, seconds));
}

/* The site may keep to the default, which is longer. */
void lint_short_lifetime_of_centre(struct linting *lint)
{
    for (size_t i = 0; i < lint->tunnel_count; i++) {
        const struct lint_tunnel *tunnel = &lint->tunnels[i];
        struct lifetime lifetimes[LIFETIME_COUNT];
        if (!tunnel->in_use || tunnel->policy->peer_kind != PEER_ANY)
            continue;
        lifetimes_of(tunnel->policy, lifetimes);
        for (size_t j = 0; j < LIFETIME_COUNT; j++) {
            if (lifetimes[j].seconds < lifetimes[j].preset)
                warn_of_lifetime(lint, tunnel, &lifetimes[j], true);
        }
    }
}

static bool has_dynamic_port(const struct host_settings *settings)
{
    for (size_t i = 0; i < settings->interface_count; i++) {
        if (settings->interfaces[i].dynamic && settings->interfaces[i].admin != ADMIN_DOWN)
            return true;
    }
    return false;
}

/* The centre may keep to the default, which is shorter. */
void lint_long_lifetime_of_site(struct linting *lint)
{
    if (!has_dynamic_port(lint->settings))
        return;
    for (size_t i = 0; i < lint->tunnel_count; i++) {
        const struct lint_tunnel *tunnel = &lint->tunnels[i];
        struct lifetime lifetimes[LIFETIME_COUNT];
        if (!tunnel->in_use || tunnel->policy->peer_kind == PEER_ANY || tunnel->policy->suppress_rekey)
            continue;
        lifetimes_of(tunnel->policy, lifetimes);
        for (size_t j = 0; j < LIFETIME_COUNT; j++) {
            if (lifetimes[j].seconds > lifetimes[j].preset)
                warn_of_lifetime(lint, tunnel, &lifetimes[j], false);
        }
    }
}

/* ---- Algorithms ------------------------------------------------------------------------------------ */

/* What RFC 8247 2.4 and RFC 8221 5 advise against. HMAC-SHA1 is not among it. */
static const struct {
    const char *word, *reason, *instead;
} weak[] = {
    {"3des", "blocks of 64 bits, RFC 8221", "aes-gcm-256 or aes-cbc-256"},
    {"3des-cbc", "blocks of 64 bits, RFC 8221", "aes-gcm-256 or aes-cbc-256"},
    {"768-bit", "group 1, RFC 8247", "2048-bit or more"},
    {"1024-bit", "group 2, RFC 8247", "2048-bit or more"},
    {"1536-bit", "group 5, RFC 8247", "2048-bit or more"},
};

static void check_words(struct linting *lint, const struct setting *s, const char *label)
{
    size_t from = 0;
    const char *word;
    while ((word = line_next_argument(&s->line, label, &from)) != NULL) {
        for (size_t i = 0; i < sizeof weak / sizeof *weak; i++) {
            if (strcasecmp(word, weak[i].word) == 0)
                lint_warn(lint, s, LINT_VALUES(word, weak[i].reason, weak[i].instead));
        }
    }
}

/* Only what is configured: of all algorithms, which is the default, the peer takes the best (R23). */
void lint_weak_algorithms(struct linting *lint)
{
    static const struct {
        enum command_id id;
        const char *label;
    } rows[] = {
        {COMMAND_SA_PROPOSAL_ENC, "algorithm"},
        {COMMAND_SA_PROPOSAL_DH, "group"},
        {COMMAND_CHILD_PROPOSAL_ENC, "algorithm"},
        {COMMAND_CHILD_PFS, "group"},
    };
    for (const struct setting *header = config_global(lint->config)->first; header != NULL;
         header = header->next) {
        if (header->under == NULL || (header->under->mode & (unsigned)MODE_POLICY) == 0)
            continue;
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
            const struct setting *s = section_setting(header->under, rows[i].id);
            if (s != NULL)
                check_words(lint, s, rows[i].label);
        }
    }
}
