#include "odd_peer.h"

#include "hostile_case.h"
#include "narrow_peer.h"

#include <string.h>

enum {
    SECOND = 1000,
    STEP = 50,     /* milliseconds */
    HOSTS = 6,     /* nets of B's LAN that send, each to a net of the peer's */
    CHILDREN = 64, /* that the peer remembers */
    ODD_TIME = 15 * MINUTE,
    REQUESTS_IN_A_MINUTE = 40, /* new ones of B, with all the exchanges that each negotiation needs */
};

struct odd_peer {
    struct stage s;
    bool behaves;
    bool has_sa;      /* else it has lost it, or has none */
    uint32_t next_id; /* of its own requests */
    uint32_t next_spi;
    uint32_t children[CHILDREN];
    size_t child_count;
    size_t seen;       /* datagrams of B */
    uint64_t last_spi; /* of B's last request */
    uint32_t last_message_id;
    unsigned requests[60]; /* new ones of B, of each of the last seconds */
    msec_t second;
    const char *complaint;
    char text[128];
};

static uint64_t roll(struct odd_peer *o, uint64_t sides)
{
    return world_chance_below(o->s.w, sides);
}

/* ---- What B sends ------------------------------------------------------------------------------------- */

static void count_request(struct odd_peer *o, const struct ike_header *header)
{
    unsigned sum = 0;
    if (header->spi_i == o->last_spi && header->message_id == o->last_message_id && header->message_id != 0)
        return; /* a retransmission */
    o->last_spi = header->spi_i;
    o->last_message_id = header->message_id;
    o->requests[o->second % 60]++;
    for (size_t i = 0; i < 60; i++)
        sum += o->requests[i];
    if (sum <= REQUESTS_IN_A_MINUTE || o->complaint != NULL)
        return;
    (void)snprintf(o->text, sizeof o->text, "B has begun %u exchanges in a minute, at %lu", sum,
                   (unsigned long)world_now(o->s.w));
    o->complaint = o->text;
}

static struct selector_list net(unsigned side, unsigned n)
{
    struct selector_list list = any_of(FAMILY_V4);
    const uint8_t first[] = {192, (uint8_t)(168 + side), (uint8_t)n, 0};
    memcpy(list.ts[0].first.octets, first, sizeof first);
    memcpy(list.ts[0].last.octets, first, sizeof first);
    list.ts[0].last.octets[3] = 255;
    return list;
}

static struct packet_flow flow_of_host(unsigned n)
{
    struct packet_flow flow = udp("192.168.0.1", 1000, "192.169.0.1", 53);
    flow.source.octets[2] = flow.destination.octets[2] = (uint8_t)n;
    return flow;
}

/* ---- Answers ------------------------------------------------------------------------------------------ */

/* What the peer grants of what B asks for; it is not always a part of that, nor what the packet needs. */
static void choose_selectors(struct odd_peer *o, struct selector_list *local, struct selector_list *remote)
{
    const struct selector_list asked_local = asked_for(&o->s, PAYLOAD_TSI);
    const struct selector_list asked_remote = asked_for(&o->s, PAYLOAD_TSR);
    *local = asked_local;
    *remote = asked_remote;
    unsigned n = (unsigned)roll(o, HOSTS);
    if (o->behaves)
        return;
    switch (roll(o, 6)) {
    case 0: /* the first ones */
        local->count = remote->count = 1;
        break;
    case 1: /* a net, whatever the packet */
    case 2:
        *local = net(0, n);
        *remote = net(1, n);
        break;
    case 3: /* the other family */
        *local = *remote = any_of(FAMILY_V6);
        break;
    case 4: /* more than was asked for */
        *local = *remote = any_of(FAMILY_V4 | FAMILY_V6);
        break;
    default:
        break;
    }
}

static void put_granted_child(struct odd_peer *o, struct message_writer *m, bool nonce)
{
    struct selector_list local, remote;
    uint32_t spi = o->next_spi++;
    choose_selectors(o, &local, &remote);
    put_esp_offer(&o->s, m, spi, NULL);
    if (nonce)
        put_nonce(m, HIGHEST);
    selectors_put(m, PAYLOAD_TSI, &local);
    selectors_put(m, PAYLOAD_TSR, &remote);
    o->children[o->child_count++ % CHILDREN] = spi;
}

/* True if the peer refuses; it has answered then. */
static bool refuses(struct odd_peer *o, struct message_writer *m)
{
    static const uint16_t notifies[] = {NOTIFY_TS_UNACCEPTABLE, NOTIFY_NO_ADDITIONAL_SAS,
                                        NOTIFY_TEMPORARY_FAILURE, NOTIFY_NO_PROPOSAL_CHOSEN,
                                        NOTIFY_SINGLE_PAIR_REQUIRED};
    if (o->behaves || roll(o, 2) == 0)
        return false;
    /* Only a few peers want a Child SA for each pair. */
    size_t which = roll(o, roll(o, 8) == 0 ? 5 : 4);
    message_put_notify(m, PROTOCOL_NONE, (struct octets){NULL, 0}, notifies[which], (struct octets){NULL, 0});
    return true;
}

static void answer_auth(struct odd_peer *o)
{
    struct message_writer m = inner();
    puppet_put_auth_answer(o->s.p, &m, "site1", "secret1");
    if (!refuses(o, &m))
        put_granted_child(o, &m, false);
    puppet_answer(o->s.p, &m);
}

static void answer_create(struct odd_peer *o)
{
    struct message_writer m = inner();
    if (!refuses(o, &m))
        put_granted_child(o, &m, true);
    puppet_answer(o->s.p, &m);
}

static void answer_informational(struct odd_peer *o)
{
    const struct ike_payload *deletion = ike_message_find(&o->s.p->message, PAYLOAD_DELETE);
    const struct message_writer m = inner();
    bool ends = deletion != NULL && deletion->protocol == PROTOCOL_IKE;
    puppet_answer(o->s.p, &m);
    o->has_sa = !ends && o->has_sa;
}

/* B begins anew; the peer has no IKE SA any more. */
static void answer_init(struct odd_peer *o)
{
    struct puppet *p = o->s.p;
    p->responder = true;
    o->has_sa = false;
    if (!puppet_read_reply(p) || p->reply_length > sizeof p->request)
        return;
    const struct ike_payload *nonce = ike_message_find(&p->message, PAYLOAD_NONCE);
    memcpy(p->nonce_i, nonce->content.at, sizeof p->nonce_i);
    memcpy(p->request, p->reply, p->reply_length);
    p->request_length = p->reply_length;
    p->spi_i = p->message.header.spi_i;
    p->spi_r = UINT64_C(0x1122334455667788) + o->next_spi;
    o->has_sa = puppet_answer_init(p);
    o->next_id = 0;
    o->child_count = 0;
    if (!o->has_sa)
        return;
    o->seen = p->reply_count;
    count_request(o, &p->message.header);
    answer_auth(o);
}

static void take_datagram(struct odd_peer *o)
{
    struct puppet *p = o->s.p;
    struct ike_header header;
    o->seen = p->reply_count;
    if (!ike_header_parse((struct octets){p->reply, p->reply_length}, &header) ||
        (header.flags & IKE_FLAG_RESPONSE) != 0)
        return;
    count_request(o, &header);
    if (header.exchange == EXCHANGE_IKE_SA_INIT) {
        answer_init(o);
        return;
    }
    if (!o->has_sa || header.spi_i != p->spi_i || !puppet_read_reply(p))
        return; /* it has lost that one, and says nothing */
    if (header.exchange == EXCHANGE_IKE_AUTH)
        answer_auth(o); /* sent again */
    else if (header.exchange == EXCHANGE_CREATE_CHILD_SA)
        answer_create(o);
    else
        answer_informational(o);
}

/* ---- What the peer begins ----------------------------------------------------------------------------- */

static void act(struct odd_peer *o)
{
    switch (roll(o, 12)) {
    case 0:
    case 1:
    case 2:
        if (o->has_sa && o->child_count > 0) {
            size_t known = o->child_count < CHILDREN ? o->child_count : CHILDREN;
            send_delete(&o->s, o->next_id++, PROTOCOL_ESP, o->children[roll(o, known)]);
        }
        break;
    case 3:
        if (o->has_sa) {
            o->has_sa = false;
            send_delete(&o->s, o->next_id++, PROTOCOL_IKE, 0);
        }
        break;
    case 4:
        o->has_sa = false; /* without a word */
        break;
    default:
        break;
    }
}

/* ---- B's traffic -------------------------------------------------------------------------------------- */

static bool is_carried(const struct odd_peer *o, const struct packet_flow *flow)
{
    for (const struct installed_child *c = gateway_children(o->s.b); c != NULL; c = c->next) {
        const struct traffic_selectors ts = {c->sa.local_ts, c->sa.remote_ts, c->sa.local_ts_count,
                                             c->sa.remote_ts_count};
        if (c->active && !c->stopped && traffic_selectors_hold(&ts, flow, PACKET_OUTBOUND))
            return true;
    }
    return false;
}

/* As the packet path has it: without an SA, or where others are to come, a packet waits and asks. */
static void send_packet(struct odd_peer *o, unsigned host)
{
    const struct packet_flow flow = flow_of_host(host);
    bool active = false;
    bool more = false;
    for (const struct installed_child *c = gateway_children(o->s.b); c != NULL; c = c->next) {
        bool sends = c->active && !c->stopped;
        active |= sends;
        more |= sends && c->sa.more_to_come;
    }
    if (!is_carried(o, &flow) && (!active || more))
        gateway_packet_of_flow_waits(o->s.b, 0, &flow);
}

/* ---- All ---------------------------------------------------------------------------------------------- */

static void run(struct odd_peer *o, msec_t duration)
{
    msec_t end = world_now(o->s.w) + duration;
    while (world_now(o->s.w) < end) {
        if (o->s.p->reply_count != o->seen)
            take_datagram(o);
        else
            world_run(o->s.w, STEP);
        if (world_now(o->s.w) / SECOND == o->second)
            continue;
        for (msec_t now = world_now(o->s.w) / SECOND; o->second < now;)
            o->requests[++o->second % 60] = 0;
        send_packet(o, (unsigned)roll(o, HOSTS));
        if (!o->behaves && roll(o, 15) == 0)
            act(o);
    }
}

static bool all_are_carried(const struct odd_peer *o)
{
    for (unsigned host = 0; host < HOSTS; host++) {
        const struct packet_flow flow = flow_of_host(host);
        if (!is_carried(o, &flow))
            return false;
    }
    return true;
}

/* What was refused before may be asked for again only after an hour. */
static bool recovers(struct odd_peer *o)
{
    o->behaves = true;
    for (unsigned minutes = 0; minutes < 63; minutes++) {
        run(o, MINUTE);
        if (all_are_carried(o))
            return true;
    }
    return false;
}

static struct tunnel_policy policy_of_nets(void)
{
    struct tunnel_policy policy = policy_that_rekeys(86400, 600);
    policy.local_ts_count = policy.remote_ts_count = 1;
    policy.local_ts[0] = policy.remote_ts[0] = (struct policy_selector){.last_port = UINT16_MAX};
    const struct selector_list local = net(0, 0), remote = net(1, 0);
    policy.local_ts[0].first = local.ts[0].first;
    policy.local_ts[0].last = local.ts[0].last;
    policy.remote_ts[0].first = remote.ts[0].first;
    policy.remote_ts[0].last = remote.ts[0].last;
    policy.local_ts[0].last.octets[2] = policy.remote_ts[0].last.octets[2] = 255;
    return policy;
}

const char *odd_peer_play(uint64_t seed, FILE *trace)
{
    static char text[160];
    struct tunnel_policy policy = seed % 3 == 0 ? policy_that_rekeys(86400, 600) : policy_of_nets();
    if (seed % 2 == 0)
        policy.connect_type = CONNECT_AUTO;
    struct odd_peer o = {.s = stage_new_with(&policy), .next_spi = PUPPET_CHILD};
    o.s.p->responder = true;
    world_set_trace(o.s.w, trace);
    for (uint64_t i = 0; i < seed % 97; i++)
        (void)roll(&o, 2); /* else all worlds are the same */
    world_set_traffic(o.s.w, 1000);
    run(&o, ODD_TIME);
    if (o.complaint == NULL && !recovers(&o))
        o.complaint = "packets have no Child SA an hour after the peer behaves";
    if (o.complaint == NULL)
        o.complaint = world_fault(o.s.w);
    if (o.complaint != NULL)
        (void)snprintf(text, sizeof text, "%s", o.complaint);
    bool failed = o.complaint != NULL;
    stage_free(&o.s);
    return failed ? text : NULL;
}
