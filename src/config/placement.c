#include "config/placement.h"

#include "config/match.h"

/* The row of which the line would be a setting in a section of this mode; NULL if there is none. */
static const struct command *row_in(const struct words *words, enum command_mode mode)
{
    struct match m;
    const struct match_scope scope = {.mode = mode, .first_word_in_full = true, .may_negate = true};
    if (words->binary || words->overlong)
        return NULL;
    match_words(&scope, words, &m, NULL);
    if (m.result == MATCH_FOUND)
        return m.row;
    return m.result == MATCH_WRONG && m.count > 0 ? &command_table[m.state[m.first].row] : NULL;
}

static bool is_policy(const struct command *row)
{
    return row != NULL && row->modes == MODE_POLICY;
}

/* A line that is right under a Tunnel. */
static const char *belongs_to_tunnel(const struct command *row, enum command_mode mode)
{
    bool profile = mode == MODE_PROFILE || mode == MODE_DEFAULT_PROFILE;
    if (!is_policy(row))
        return row->modes == MODE_TUNNEL ? "it belongs under `interface TunnelN.M`"
                                         : "it belongs under an interface";
    return profile ? "in a profile it is written without `ikev2`"
                   : "it belongs under `interface TunnelN.M`, or without `ikev2` in a profile";
}

const char *placement_of(const struct words *words, enum command_mode mode)
{
    if (is_policy(row_in(words, MODE_PROFILE)))
        return mode == MODE_TUNNEL ? "under a Tunnel it is written with `ikev2` before it"
                                   : "it belongs in a profile, or with `ikev2` before it under `interface "
                                     "TunnelN.M`";
    const struct command *row = mode == MODE_TUNNEL ? NULL : row_in(words, MODE_TUNNEL);
    /* Routers have more of a device than Musubi, and it may be written like a setting of an interface. */
    if (row != NULL && (mode != MODE_DEVICE || row->modes != MODE_INTERFACE))
        return belongs_to_tunnel(row, mode);
    if (mode != MODE_DEVICE && row_in(words, MODE_DEVICE) != NULL)
        return "it belongs under `device GigaEthernetN`";
    return NULL;
}

bool placement_fits(const struct words *words, enum command_mode mode)
{
    struct match m;
    const struct match_scope scope = {
        .mode = mode, .beyond = MODE_GLOBAL, .first_word_in_full = true, .may_negate = true};
    match_words(&scope, words, &m, NULL);
    return m.result == MATCH_FOUND || m.result == MATCH_WRONG || m.result == MATCH_MISSING;
}
