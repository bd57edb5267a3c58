#include "ike/reasons/failure.h"

#include "base/short_text.h"
#include "ike/sa/ike_sa.h"
#include "ike/services/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    TEXT_SIZE = 1536,
    LINE_SIZE = 2048,
    NAMES_MAX = 4, /* of tunnels */
    NAMES_TEXT_SIZE = (NAMES_MAX + 1) * (TUNNEL_NAME_SIZE + 8),
};

static const char *const kinds[] = {
    [FAILED_NEGOTIATION] = "negotiation",
    [FAILED_CHILD] = "negotiation of a Child SA",
    [FAILED_CHILD_REKEY] = "rekey of the Child SA",
    [FAILED_IKE_REKEY] = "rekey of the IKE SA",
};

/* Which padding the next signature has, if that of the refused one was a guess. */
static const char *next_padding(const struct ike_sa *sa)
{
    switch (sa->own_padding) {
    case PROOF_PADDING_PSS:
        return "; the next attempt signs by PKCS#1 v1.5";
    case PROOF_PADDING_PKCS1:
        return "; the next attempt signs by PSS";
    default:
        return "";
    }
}

setting_set failure_write_own_proof(const struct ike_sa *sa, struct short_text *text)
{
    const struct tunnel_policy *policy = &sa->tunnel->policy;
    bool by_certificate = policy->local_auth == AUTH_KIND_RSA;
    char id[FAILURE_ID_SIZE];
    short_text_add(text, "the peer does not accept %s with ", failure_kept_id(&sa->local_id, id));
    if (by_certificate)
        short_text_add(text, "the certificate %s", policy->mycert);
    else
        short_text_add(text, "%s", sa->own_proof != NULL ? sa->own_proof : "the key configured for it");
    if (sa->initiator)
        short_text_add(text, ", or it is not %s, which it was asked for",
                       failure_kept_id(&sa->remote_id, id));
    short_text_add(text, " (AUTHENTICATION_FAILED)");
    setting_set asked = sa->initiator ? PEER_SETTING : 0U;
    if (!by_certificate)
        return LOCAL_KEY_SETTINGS | asked;
    if (sa->own_proof != NULL)
        short_text_add(text, ": %s%s; the log of the peer tells why it is refused", sa->own_proof,
                       next_padding(sa));
    return LOCAL_SETTING | SETTING_BIT(SETTING_CERT_MYCERT) | asked;
}

const char *failure_id(const struct identity *id, char out[FAILURE_ID_SIZE])
{
    char whole[IDENTITY_TEXT_SIZE];
    struct short_text text = short_text_in(out, FAILURE_ID_SIZE);
    short_text_add(&text, "%s", identity_format(id, whole));
    return out;
}

const char *failure_kept_id(const struct kept_identity *id, char out[FAILURE_ID_SIZE])
{
    const struct identity whole = identity_kept(id);
    return failure_id(&whole, out);
}

const char *failure_claimed_id(const struct ike_payload *payload, char out[FAILURE_ID_SIZE])
{
    struct identity id;
    if (identity_parse(payload->id_type, payload->content, &id))
        return failure_id(&id, out);
    (void)snprintf(out, FAILURE_ID_SIZE, "ID type %u with %zu octets (not supported here)", payload->id_type,
                   payload->content.length);
    return out;
}

/* " (for Tunnel1.0, Tunnel2.0 or Tunnel3.0)": the tunnels that a negotiation may be for. */
static void name_tunnels(const struct ike_tunnel *const *tunnels, size_t count, char out[NAMES_TEXT_SIZE])
{
    struct short_text text = short_text_in(out, NAMES_TEXT_SIZE);
    size_t named = count < NAMES_MAX ? count : NAMES_MAX;
    for (size_t i = 0; i < named; i++) {
        bool last = i + 1 == count;
        short_text_add(&text, "%s%s", i == 0 ? " (for " : last ? " or " : ", ", tunnels[i]->policy.name);
    }
    if (count > named)
        short_text_add(&text, " or one of %zu more", count - named);
    if (count > 0)
        short_text_add(&text, ")");
}

/* What a warning is about. */
struct subject {
    struct ike_engine *engine;
    const struct ike_tunnel *tunnel; /* NULL: one of the candidates */
    struct arrival arrival;
    enum failure_kind kind;
    bool has_keys;         /* IKE_SA_INIT is done */
    uint32_t own_key_line; /* of the key that stood in for SETTING_LOCAL_KEY, see struct ike_sa */
};

/* The step at which it has failed, as the settings that are to blame have it. */
static enum ike_step step_of(const struct subject *about, setting_set settings)
{
    static const setting_set of_child = CHILD_PROPOSAL_SETTINGS | SELECTOR_SETTINGS |
                                        SETTING_BIT(SETTING_CHILD_PFS) | SETTING_BIT(SETTING_IPSEC_MODE);
    if (about->kind != FAILED_NEGOTIATION || (settings & of_child) != 0)
        return IKE_STEP_CHILD_SA;
    return about->has_keys ? IKE_STEP_AUTH : IKE_STEP_SA_INIT;
}

/*
 * Tells of a failed negotiation: at level warn if it is new for the tunnel (or with NULL, for all that are
 * not of a known one), or if an hour has passed since the last time; else at level info.
 */
static void warn_of_negotiation(struct ike_engine *engine, enum ike_step step, const struct ike_tunnel *about,
                                const char *line)
{
    struct ike_tunnel *tunnel = about != NULL ? engine_tunnel(engine, about->policy.tunnel) : NULL;
    struct told_failure *told =
        tunnel != NULL ? tunnel_failures(tunnel, engine->now) : engine->objects->failures;
    size_t size = tunnel != NULL ? TUNNEL_FAILURES_MAX : FAILURES_MAX;
    const uint32_t *number = about != NULL ? &about->policy.tunnel : NULL;
    char again[REPEATED_TEXT_SIZE];
    uint32_t more;
    bool is_told = repeated_failure_is_told(told, size, line, engine->now, &more);
    enum log_level level = is_told ? LOG_LEVEL_WARN : LOG_LEVEL_INFO;
    engine_log_failure(engine, level, step, number, "%s%s", line, repeated_failure_text(more, again));
}

/* Has the shows of each of several tunnels tell of it. Where there are too many, none is meant more than
 * others. */
static void note_at_each(struct ike_engine *engine, enum ike_step step,
                         const struct ike_tunnel *const *tunnels, size_t count, const char *line)
{
    for (size_t i = 0; i < count && count <= NAMES_MAX; i++)
        engine_note_failure(engine, step, tunnels[i]->policy.tunnel, "%s", line);
}

static void warn(const struct subject *about, setting_set settings, const char *text)
{
    struct setting_lines lines = {0};
    char lines_text[SETTING_LINES_TEXT_SIZE];
    char names[NAMES_TEXT_SIZE] = "";
    char line[LINE_SIZE];
    const struct ike_tunnel *tunnel = about->tunnel;
    const struct ike_tunnel *first[NAMES_MAX];
    size_t count = 0;
    if (tunnel != NULL) {
        setting_lines_add(&lines, &tunnel->policy, settings);
        if ((settings & SETTING_BIT(SETTING_LOCAL_KEY)) != 0)
            setting_lines_add_line(&lines, about->own_key_line);
    } else {
        count = candidates_list(about->engine, &about->arrival, first, NAMES_MAX);
        candidates_add_lines(about->engine, &about->arrival, settings, &lines);
        if (count == 1)
            tunnel = first[0];
        else
            name_tunnels(first, count, names);
    }
    (void)snprintf(line, sizeof line, "%s failed%s: %s%s%s", kinds[about->kind], names, text,
                   settings != 0 ? "; " : "", settings != 0 ? setting_lines_format(&lines, lines_text) : "");
    if (about->kind == FAILED_NEGOTIATION) {
        warn_of_negotiation(about->engine, step_of(about, settings), tunnel, line);
        if (tunnel == NULL)
            note_at_each(about->engine, step_of(about, settings), first, count, line);
    } else if (about->kind == FAILED_CHILD && tunnel != NULL && !tunnel->up) {
        engine_log_failure(about->engine, LOG_LEVEL_WARN, IKE_STEP_CHILD_SA, &tunnel->policy.tunnel, "%s",
                           line);
    } else {
        tunnel_log(about->engine, tunnel, LOG_LEVEL_WARN, LOG_IKEV2, "%s", line);
    }
}

__attribute__((format(printf, 3, 0))) static void warn_with(const struct subject *about, setting_set settings,
                                                            const char *format, va_list arguments)
{
    char text[TEXT_SIZE];
    (void)vsnprintf(text, sizeof text, format, arguments);
    warn(about, settings, text);
}

static struct subject subject_of(const struct ike_sa *sa, enum failure_kind kind)
{
    return (struct subject){
        .engine = sa->engine,
        .tunnel = sa->tunnel,
        .arrival = {&sa->local, &sa->remote, sa->arrival_ifindex},
        .kind = kind,
        .has_keys = sa->suite.encryption != NULL && sa->state != IKE_SA_INITIATING,
        .own_key_line = sa->own_key_line,
    };
}

void failure_warn(const struct ike_sa *sa, enum failure_kind kind, setting_set settings, const char *format,
                  ...)
{
    const struct subject about = subject_of(sa, kind);
    va_list arguments;
    va_start(arguments, format);
    warn_with(&about, settings, format, arguments);
    va_end(arguments);
}

void failure_warn_tunnel(struct ike_engine *engine, const struct ike_tunnel *tunnel, setting_set settings,
                         const char *format, ...)
{
    const struct subject about = {
        .engine = engine, .tunnel = tunnel, .kind = FAILED_NEGOTIATION, .has_keys = true};
    va_list arguments;
    va_start(arguments, format);
    warn_with(&about, settings, format, arguments);
    va_end(arguments);
}

void failure_warn_arrival(struct ike_engine *engine, const struct arrival *arrival, setting_set settings,
                          const char *format, ...)
{
    const struct subject about = {.engine = engine, .arrival = *arrival, .kind = FAILED_NEGOTIATION};
    va_list arguments;
    va_start(arguments, format);
    warn_with(&about, settings, format, arguments);
    va_end(arguments);
}

void failure_note(struct ike_sa *sa, setting_set settings, const char *format, ...)
{
    struct ike_handshake *h = sa->handshake;
    char *text;
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (length < 0)
        return;
    free(h->failure);
    h->failure = text;
    h->failure_settings = settings;
}

void failure_forget_note(struct ike_sa *sa)
{
    free(sa->handshake->failure);
    sa->handshake->failure = NULL;
    sa->handshake->refused = false;
}

void failure_warn_noted(const struct ike_sa *sa)
{
    const struct subject about = subject_of(sa, FAILED_NEGOTIATION);
    warn(&about, sa->handshake->failure_settings, sa->handshake->failure);
}

bool failure_is_new(struct ike_sa *sa, enum failure_kind kind, uint32_t spi, uint16_t notify)
{
    struct logged_failure *last = &sa->logged_failure;
    bool is_rekey = kind == FAILED_CHILD_REKEY || kind == FAILED_IKE_REKEY;
    bool comes_again = is_rekey || notify == 0;
    if (comes_again && last->kind == kind && last->spi == spi && last->notify == notify)
        return false;
    *last = (struct logged_failure){(uint8_t)kind, notify, spi};
    return true;
}
