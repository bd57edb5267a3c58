#include "invariants.h"

#include "esp/owner.h"
#include "ike/sa/record.h"

#include <string.h>

/* FNV-1a. Nobody chooses these octets to make them collide. */
static uint64_t hash_more(uint64_t hash, const void *at, size_t length)
{
    const uint8_t *octets = at;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ octets[i]) * UINT64_C(0x100000001b3);
    return hash;
}

static uint64_t hash_of(const void *at, size_t length)
{
    return hash_more(UINT64_C(0xcbf29ce484222325), at, length);
}

/* Sets the value of a key, and returns the old one; 0 if there was none. */
static uint64_t remember(struct world *w, uint64_t key, uint64_t value)
{
    uint64_t before = (uint64_t)(uintptr_t)map_find(&w->seen, key);
    (void)map_put(&w->seen, key, (void *)(uintptr_t)value); /* NOLINT(performance-no-int-to-ptr) */
    return before;
}

/* ---- Records ----------------------------------------------------------------------------------------- */

static const struct kept_record *record_of(const struct gateway *g, uint32_t serial)
{
    for (size_t i = 0; i < g->record_count; i++) {
        if (g->records[i].serial == serial)
            return &g->records[i];
    }
    return NULL;
}

/* An IKE SA that was given up with its address sends and asks nothing, and does not stay (S40). */
static void check_given_up(struct gateway *g, const struct ike_sa *sa)
{
    enum { LONGEST = 30 * 1000 };
    if (!sa->address_lost)
        return;
    if (sa->request_out || !STAILQ_EMPTY(&sa->tasks) || sa->own != NULL)
        world_broken(g, "an IKE SA that was given up asks its peer something");
    if (!deadline_is_set(&sa->own_address.deadline) ||
        sa->own_address.deadline.due > g->engine->now + LONGEST)
        world_broken(g, "an IKE SA that was given up stays");
    const struct child_sa *child;
    LIST_FOREACH(child, &sa->children, link)
    {
        if (child->installed && !child->stopped)
            world_broken(g, "a Child SA of an address that was given up still sends");
    }
}

/* Each IKE SA has a record, which is its present state, and there are no other records. */
static void check_records(struct gateway *g)
{
    size_t count = 0;
    const struct ike_sa *sa;
    LIST_FOREACH(sa, &g->engine->objects->all_sas, all_link)
    {
        uint8_t octets[IKE_DATAGRAM_MAX];
        struct writer w = writer_to(octets, sizeof octets);
        const struct kept_record *kept = record_of(g, sa->serial);
        ike_record_write(sa, g->epoch, &w);
        struct octets now = writer_octets(&w);
        count += kept != NULL;
        check_given_up(g, sa);
        if (sa->state >= IKE_SA_ESTABLISHED && kept != NULL &&
            !octets_equal(now, (struct octets){kept->octets, kept->length}))
            world_broken(g, "the record of an IKE SA is not its present state");
        if (sa->state >= IKE_SA_ESTABLISHED && kept != NULL && kept->tunnel != sa->tunnel->policy.tunnel)
            world_broken(g, "the record of an IKE SA is said to be of another tunnel");
        if (kept == NULL && sa->state >= IKE_SA_ESTABLISHED)
            world_broken(g, "an IKE SA has no record");
    }
    if (count != g->record_count)
        world_broken(g, "a record has no IKE SA");
}

/* ---- Messages ---------------------------------------------------------------------------------------- */

/* What identifies a message or an IV, which a sender must not use for other octets. */
struct message_name {
    uint64_t spi_i, spi_r;
    uint32_t what;
    uint32_t message_id;
    uint32_t fragment;
    uint32_t flags;
};

enum { NAME_OCTETS, NAME_IV, NAME_LAST_REQUEST, NAME_ANSWERED };

static uint64_t name_key(const struct message_name *name)
{
    return hash_of(name, sizeof *name);
}

/* Reads the protected payload of a message, and its name; false if it has none. */
static bool read_name(struct octets message, struct message_name *name, struct octets *sealed)
{
    struct ike_header header;
    if (!ike_header_parse(message, &header) ||
        (header.next_payload != PAYLOAD_SK && header.next_payload != PAYLOAD_SKF))
        return false;
    size_t skipped = IKE_HEADER_SIZE + IKE_PAYLOAD_HEADER_SIZE;
    *name = (struct message_name){
        .spi_i = header.spi_i, .spi_r = header.spi_r, .message_id = header.message_id, .flags = header.flags};
    if (header.next_payload == PAYLOAD_SKF) {
        name->fragment = load_u16be(message.at + skipped);
        skipped += 4;
    }
    *sealed = (struct octets){message.at + skipped, message.length - skipped};
    return true;
}

static void check_window(struct gateway *g, const struct message_name *name)
{
    struct message_name last = *name;
    last.what = NAME_LAST_REQUEST;
    last.message_id = 0;
    last.fragment = 0;
    uint64_t before = remember(g->world, name_key(&last), (uint64_t)name->message_id + 1);
    if (before == 0 || name->message_id + 1 == before)
        return;
    struct message_name answer = *name;
    answer.what = NAME_ANSWERED;
    answer.message_id--;
    answer.fragment = 0;
    if (name->message_id != before)
        world_broken(g, "a request's message ID does not follow the one before");
    else if (map_find(&g->world->seen, name_key(&answer)) == NULL)
        world_broken(g, "a request was sent before the one before it was answered");
}

/*
 * No message ID, and no IV of a key, is used again for other octets (RFC 7296 2.1, RFC 5282 4.1), and no
 * request is sent before the previous one was answered (RFC 7296 2.3).
 */
static void check_message(struct gateway *g, struct octets message)
{
    struct message_name name;
    struct octets sealed;
    if (!read_name(message, &name, &sealed))
        return;
    uint64_t octets = hash_of(message.at, message.length) | 1;
    uint64_t before = remember(g->world, name_key(&name), octets);
    if (before != 0 && before != octets)
        world_broken(g, "a message ID was used again for other octets");
    uint64_t iv = 0;
    memcpy(&iv, sealed.at, sizeof iv);
    struct message_name of_iv = name;
    of_iv.what = NAME_IV;
    of_iv.message_id = of_iv.fragment = 0;
    of_iv.flags &= IKE_FLAG_INITIATOR; /* one key for requests and responses of one end */
    before = remember(g->world, hash_more(name_key(&of_iv), &iv, sizeof iv), octets);
    if (before != 0 && before != octets)
        world_broken(g, "an IV was used twice with the same key");
    if (!(name.flags & IKE_FLAG_RESPONSE))
        check_window(g, &name);
}

static void note_arrival(struct gateway *g, struct octets message)
{
    struct message_name name;
    struct octets sealed;
    if (!read_name(message, &name, &sealed) || !(name.flags & IKE_FLAG_RESPONSE))
        return;
    /* The flags of the request that it answers: no RESPONSE, and INITIATOR inverted. */
    name.flags = (name.flags ^ IKE_FLAG_INITIATOR) & IKE_FLAG_INITIATOR;
    name.what = NAME_ANSWERED;
    name.fragment = 0;
    (void)remember(g->world, name_key(&name), 1);
}

/* ---- Child SAs --------------------------------------------------------------------------------------- */

enum { CHILDREN_OF_TUNNEL_MAX = 16 };

/* Keys are random. If the same keys come again at a gateway, they were derived from the same input again. */
static void check_keys_are_new(struct gateway *g, const struct child_settings *install)
{
    uint64_t key = hash_of(install->outbound.encryption_key, sizeof install->outbound.encryption_key);
    if (remember(g->world, hash_more(key, &g, sizeof g), 1) != 0)
        world_broken(g, "a Child SA got keys that were used before");
}

static bool directions_fit(const struct child_direction *a, const struct child_direction *b)
{
    return memcmp(a->encryption_key, b->encryption_key, sizeof a->encryption_key) == 0 &&
           memcmp(a->integrity_key, b->integrity_key, sizeof a->integrity_key) == 0;
}

static bool ends_fit(const struct child_settings *a, const struct child_settings *b)
{
    return a->encryption == b->encryption && a->key_bits == b->key_bits && a->integrity == b->integrity &&
           a->destination.encapsulated == b->destination.encapsulated &&
           a->local_ts_count == b->remote_ts_count && a->remote_ts_count == b->local_ts_count &&
           directions_fit(&a->outbound, &b->inbound) && directions_fit(&a->inbound, &b->outbound);
}

/* The Child SA by which a gateway sends to an SPI; NULL if it has none. */
static const struct child_settings *sender_of(const struct gateway *g, uint32_t outbound_spi)
{
    const struct installed_child *child = g->children;
    while (child != NULL && child->sa.outbound.spi != outbound_spi)
        child = child->next;
    return child != NULL ? &child->sa : NULL;
}

/* No sequence number and no IV is used twice with one key (RFC 4303 3.3.3, RFC 4106 3.1). */
static void check_esp(struct gateway *g, struct octets datagram)
{
    enum { NUMBER_AT = 4, IV_AT = 8, KEY = ENCRYPTION_KEY_MAX, IV_MAX = 16 };
    const struct child_settings *child = sender_of(g, load_u32be(datagram.at));
    if (child == NULL) {
        world_broken(g, "a packet was sealed by a Child SA that is gone");
        return;
    }
    const struct encryption_algorithm *encryption = encryption_by_id(child->encryption, child->key_bits);
    uint8_t use[KEY + IV_MAX + 1] = {0};
    memcpy(use, child->outbound.encryption_key, KEY);
    memcpy(use + KEY, datagram.at + NUMBER_AT, 4);
    use[KEY + IV_MAX] = 1;
    if (world_remember(g->world, use, sizeof use))
        world_broken(g, "a sequence number was used twice with the same key");
    memset(use + KEY, 0, sizeof use - KEY);
    memcpy(use + KEY, datagram.at + IV_AT, encryption->iv_size);
    use[KEY + IV_MAX] = 2;
    if (world_remember(g->world, use, sizeof use))
        world_broken(g, "an IV of ESP was used twice with the same key");
}

/* A new Child SA has new keys, and the same keys as the peer's Child SA with the same SPIs. */
static void check_child(struct gateway *g, const struct child_settings *install)
{
    check_keys_are_new(g, install);
    uint32_t owners = g->engine->options.esp_owners;
    if (esp_owner_of_spi(install->inbound.spi, owners) !=
        esp_owner_inbound(gateway_tunnel(g, install->tunnel)->slot, owners))
        world_broken(g, "an inbound SPI leads to a worker that is not the tunnel's");
    if (gateway_child_count(g, install->tunnel) > CHILDREN_OF_TUNNEL_MAX)
        world_broken(g, "Child SAs pile up");
    for (const struct gateway *peer = g->world->gateways; peer != NULL; peer = peer->next) {
        for (const struct installed_child *c = peer->children; c != NULL; c = c->next) {
            bool same = c->sa.inbound.spi == install->outbound.spi &&
                        c->sa.outbound.spi == install->inbound.spi && peer != g;
            if (same && !ends_fit(&c->sa, install))
                world_broken(g, "the two ends have different keys for the same Child SA");
        }
    }
}

/* True of an answer that may make a Child SA. */
static bool makes_child(struct octets message)
{
    struct ike_header h;
    return ike_header_read(message, &h) && (h.flags & IKE_FLAG_RESPONSE) != 0 &&
           (h.exchange == EXCHANGE_IKE_AUTH || h.exchange == EXCHANGE_CREATE_CHILD_SA);
}

/*
 * An answer that makes a Child SA comes after its installation and names its tunnel, so that it waits until
 * the packet path has the SA (RFC 7296 2.8: the peer may use it as soon as it has the answer).
 */
static void check_order(struct gateway *g, const struct ike_effects *effects)
{
    uint32_t installed = 0; /* the tunnel of the last one, plus 1; 0: none yet */
    uint32_t answered = 0;  /* the same of the last answer */
    for (size_t i = 0; i < effects->action_count; i++) {
        const struct ike_action *action = &effects->actions[i];
        if (action->kind == IKE_ACTION_CHILD && action->child->change == CHILD_INSTALL) {
            if (answered == action->child->child.tunnel + 1)
                world_broken(g, "an answer overtakes the installation of a Child SA");
            installed = action->child->child.tunnel + 1;
        }
        if (action->kind != IKE_ACTION_DATAGRAM)
            continue;
        if (makes_child(action->datagram.message))
            answered = action->datagram.tunnel + 1;
        if (installed != 0 && action->datagram.tunnel + 1 != installed)
            world_broken(g, "a message does not wait for the installation of its tunnel's Child SA");
    }
}

/* ---- The end ----------------------------------------------------------------------------------------- */

/* A stopped engine is idle and has released everything. */
static void check_end(struct gateway *g)
{
    const struct ike_objects *o = g->engine->objects;
    if (!ike_engine_is_idle(g->engine))
        world_broken(g, "it was stopped and has IKE SAs");
    else if (g->record_count != 0)
        world_broken(g, "it was stopped and has left records");
    else if (g->children != NULL)
        world_broken(g, "it was stopped and has left Child SAs");
    else if (o->sas.count + o->half_open.count + o->jobs.count + o->child_spis.count + o->half_open_count !=
             0)
        world_broken(g, "it was stopped and still remembers SAs that are gone");
    else if (o->slots.count != o->slots.next)
        world_broken(g, "it was stopped and has lost slots of Child SAs");
}

const struct world_observer invariants = {
    .records = check_records,
    .actions = check_order,
    .departure = check_message,
    .arrival = note_arrival,
    .esp = check_esp,
    .child = check_child,
    .end = check_end,
};
