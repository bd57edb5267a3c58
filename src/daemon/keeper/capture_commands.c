#include "daemon/keeper/capture_commands.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/secret.h"
#include "daemon/show/key_tables.h"
#include "daemon/show/sa_list.h"

void capture_session_open(struct capture_session *session, const struct control_peer *peer)
{
    *session = (struct capture_session){.operator= * peer, .socket = -1};
}

void capture_session_close(struct capture_session *session)
{
    if (session->socket >= 0)
        close(session->socket);
    session->socket = -1;
    session->tunnel = 0;
}

bool capture_commands_have(enum command_id id)
{
    return id == COMMAND_DEBUG_KEYS || id == COMMAND_DEBUG_CAPTURE;
}

/* ---- Peers and SAs ----------------------------------------------------------------------------------- */

/* A set of addresses. */
struct peers {
    struct ip_address at[HOST_CAPTURE_PEERS_MAX];
    size_t count;
};

static bool peers_have(const struct peers *peers, const struct ip_address *address)
{
    for (size_t i = 0; i < peers->count; i++) {
        if (ip_address_equal(&peers->at[i], address))
            return true;
    }
    return false;
}

static void peers_add(struct peers *peers, const struct ip_address *address)
{
    if (address->family != IP_NONE && !peers_have(peers, address) && peers->count < HOST_CAPTURE_PEERS_MAX)
        peers->at[peers->count++] = *address;
}

/* The addresses that the config has for the tunnel's peer. */
static void add_configured(const struct tunnel *tunnel, struct peers *peers)
{
    struct ip_address addresses[IKE_PEER_ADDRESSES_MAX];
    size_t count = tunnel_name_addresses(&tunnel->name, &tunnel->policy, tunnel->has_sa, addresses);
    for (size_t i = 0; i < count; i++)
        peers_add(peers, &addresses[i]);
    peers_add(peers, &tunnel->route.found.to_peer.remote);
}

/* Takes in an SA of the tunnel: its keys, and where its peer is. */
static void take_sa(const struct ike_record *sa, struct peers *peers, struct text *keys)
{
    peers_add(peers, &sa->remote.address);
    show_ike_key_row(sa, keys);
    show_esp_key_rows(sa, keys);
}

static void take_sas(const struct commands *commands, const struct tunnel *tunnel, const struct sa_list *list,
                     struct ike_record *sa, struct peers *peers, struct text *keys)
{
    struct state_record memory = {0};
    size_t count;
    const struct sa_list_entry *entries = sa_list_of(list, tunnel->policy.tunnel, &count);
    for (size_t i = 0; i < count; i++) {
        if (sa_list_read(commands->records, &entries[i], &memory, sa))
            take_sa(sa, peers, keys);
    }
    state_record_free(&memory);
}

/*
 * Appends the keys of IKE SAs whose tunnel is not known yet, if they are with one of the peers: those that
 * the tunnel's peer has begun, while it has not said who it is.
 */
static void take_half_open(const struct commands *commands, struct ike_record *sa, const struct peers *peers,
                           struct text *keys)
{
    enum { NO_TUNNEL = UINT32_MAX, THIS_MACHINE = 0 };
    const struct state_map *records = commands->records;
    struct state_record memory = {0};
    uint32_t tunnel;
    for (uint32_t place = 0; place < state_map_places(records); place++) {
        if (!state_map_may_be_of(records, place, NO_TUNNEL) || !state_map_read(records, place, &memory))
            continue;
        const struct octets octets = {memory.octets, memory.length};
        if (!ike_record_tunnel(octets, &tunnel) &&
            ike_record_read(octets, THIS_MACHINE, sa) == IKE_RECORD_READ &&
            peers_have(peers, &sa->remote.address))
            show_ike_key_row(sa, keys);
    }
    state_record_free(&memory);
}

/* All that there is of a tunnel now. False if memory ran out. */
static bool look(const struct commands *commands, const struct tunnel *tunnel, struct peers *peers,
                 struct text *keys)
{
    struct sa_list list;
    struct ike_record *sa = malloc(sizeof(*sa));
    bool done = sa != NULL && sa_list_fill(&list, commands->records, tunnel->policy.tunnel);
    *peers = (struct peers){0};
    add_configured(tunnel, peers);
    if (done) {
        take_sas(commands, tunnel, &list, sa, peers, keys);
        take_half_open(commands, sa, peers, keys);
        sa_list_free(&list);
    }
    secret_free(sa, sizeof(*sa));
    return done;
}

/* ---- Commands ---------------------------------------------------------------------------------------- */

/* Has the capture see the packets of these peers, if it sees those of others. */
static bool follow(struct capture_session *session, const struct peers *peers, struct host_error *reason)
{
    size_t size = peers->count * sizeof(peers->at[0]);
    if (peers->count == session->peer_count && memcmp(peers->at, session->peers, size) == 0)
        return true;
    if (!host_capture_filter(session->socket, peers->at, peers->count, reason))
        return false;
    memcpy(session->peers, peers->at, size);
    session->peer_count = peers->count;
    return true;
}

static enum control_status fail(const struct host_error *reason, struct text *out)
{
    text_print(out, "%% %s\n", reason->text);
    return CONTROL_FAILED;
}

/* Once for each tunnel in a session: a capture asks for its keys again and again. */
static void log_handing_out(const struct commands *commands, struct capture_session *session,
                            const struct tunnel *tunnel, const char *command)
{
    if (session->told == tunnel->policy.tunnel)
        return;
    session->told = tunnel->policy.tunnel;
    event_log_print(commands->log, EVENT_SYSTEM, LOG_LEVEL_WARN, tunnel->policy.name,
                    "its keys are handed out to user ID %u, process %d, by `%s`",
                    (unsigned)session->operator.user, (int)session->operator.process, command);
}

static enum control_status debug_keys(const struct commands *commands, struct capture_session *session,
                                      const struct tunnel *tunnel, struct text *out)
{
    struct host_error reason;
    struct peers peers;
    if (!look(commands, tunnel, &peers, out))
        return commands_no_memory(out);
    log_handing_out(commands, session, tunnel, "debug keys");
    if (session->tunnel == tunnel->policy.tunnel && !follow(session, &peers, &reason))
        return fail(&reason, out);
    return CONTROL_OK;
}

static enum control_status debug_capture(const struct commands *commands, struct capture_session *session,
                                         const struct tunnel *tunnel, int *hand_over, struct text *out)
{
    struct host_error reason;
    struct peers peers;
    struct text keys = {0};
    bool looked = look(commands, tunnel, &peers, &keys);
    text_free(&keys);
    if (!looked)
        return commands_no_memory(out);
    capture_session_close(session);
    session->socket = host_capture_open(&reason);
    session->peer_count = SIZE_MAX; /* of none: it sees nothing yet */
    if (session->socket < 0 || !follow(session, &peers, &reason))
        return fail(&reason, out);
    session->tunnel = tunnel->policy.tunnel;
    log_handing_out(commands, session, tunnel, "debug capture");
    *hand_over = session->socket;
    return CONTROL_OK;
}

enum control_status capture_commands_run(const struct commands *commands, struct capture_session *session,
                                         const struct exec_command *command, int *hand_over, struct text *out)
{
    const char *name = line_argument(&command->line, "interface");
    const struct tunnel *tunnel = tunnel_table_find_name(&commands->tunnels->table, name);
    if (tunnel == NULL)
        return commands_no_such_tunnel(commands, name, out);
    return command->id == COMMAND_DEBUG_KEYS ? debug_keys(commands, session, tunnel, out)
                                             : debug_capture(commands, session, tunnel, hand_over, out);
}
