#include "ike/wire/child_exchange.h"

struct child_request child_request_of(const struct tunnel_policy *policy, bool in_auth, uint32_t inbound_spi)
{
    return (struct child_request){
        .proposal = proposal_policy_of_child(&policy->child, in_auth),
        .inbound_spi = inbound_spi,
        .local_ts = selectors_of_policy(policy->local_ts, policy->local_ts_count),
        .remote_ts = selectors_of_policy(policy->remote_ts, policy->remote_ts_count),
    };
}

void child_exchange_put_offer(struct message_writer *m, const struct child_request *request)
{
    uint8_t spi[ESP_SPI_SIZE];
    store_u32be(spi, request->inbound_spi);
    proposal_put_all(m, &request->proposal, (struct octets){spi, sizeof spi});
}

void child_exchange_put_selectors(struct message_writer *m, const struct child_request *request)
{
    selectors_put(m, PAYLOAD_TSI, &request->local_ts);
    selectors_put(m, PAYLOAD_TSR, &request->remote_ts);
}

/* The payloads that make a Child SA, in a request as in an answer. */
struct child_payloads {
    const struct ike_payload *sa, *tsi, *tsr;
};

/* False if one is absent. */
static bool find_payloads(const struct ike_message *message, struct child_payloads *out)
{
    out->sa = ike_message_find(message, PAYLOAD_SA);
    out->tsi = ike_message_find(message, PAYLOAD_TSI);
    out->tsr = ike_message_find(message, PAYLOAD_TSR);
    return out->sa != NULL && out->tsi != NULL && out->tsr != NULL;
}

enum child_fault child_exchange_accept(const struct ike_message *message, const struct child_request *request,
                                       struct child_agreement *out)
{
    struct child_payloads has;
    struct proposal_choice choice;
    if (!find_payloads(message, &has))
        return CHILD_ABSENT;
    if (proposal_accept(has.sa, &request->proposal, ESP_SPI_SIZE, &choice) != PROPOSAL_CHOSEN)
        return CHILD_PROPOSAL;
    if (selectors_read(has.tsi, &out->local_ts) > SELECTORS_NARROWED ||
        selectors_read(has.tsr, &out->remote_ts) > SELECTORS_NARROWED ||
        !selectors_within(&out->local_ts, &request->local_ts) ||
        !selectors_within(&out->remote_ts, &request->remote_ts))
        return CHILD_SELECTORS;
    out->suite = choice.suite;
    out->proposal_number = choice.number;
    out->outbound_spi = load_u32be(choice.spi.at);
    return out->outbound_spi < ESP_SPI_MIN ? CHILD_SPI : CHILD_OK;
}

const char *child_fault_text(enum child_fault fault)
{
    static const char *const texts[] = {
        [CHILD_OK] = "",
        [CHILD_ABSENT] = "the peer's answer has no Child SA",
        [CHILD_PROPOSAL] = "the peer chose a Child SA proposal that was not offered",
        [CHILD_SELECTORS] = "the peer chose traffic selectors that were not proposed",
        [CHILD_SPI] = "the peer chose a reserved SPI",
    };
    return texts[fault];
}

uint16_t child_exchange_choose(const struct ike_message *message, const struct proposal_policy *proposal,
                               struct child_agreement *out)
{
    struct child_payloads has;
    struct proposal_choice choice;
    if (!find_payloads(message, &has))
        return NOTIFY_INVALID_SYNTAX;
    enum proposal_result chosen = proposal_choose(has.sa, proposal, ESP_SPI_SIZE, &choice);
    if (chosen == PROPOSAL_INVALID)
        return NOTIFY_INVALID_SYNTAX;
    if (chosen == PROPOSAL_NONE || load_u32be(choice.spi.at) < ESP_SPI_MIN)
        return NOTIFY_NO_PROPOSAL_CHOSEN;
    enum selectors_result remote = selectors_read(has.tsi, &out->remote_ts);
    enum selectors_result local = selectors_read(has.tsr, &out->local_ts);
    if (remote == SELECTORS_INVALID || local == SELECTORS_INVALID)
        return NOTIFY_INVALID_SYNTAX;
    if (remote == SELECTORS_NONE || local == SELECTORS_NONE)
        return NOTIFY_TS_UNACCEPTABLE;
    out->suite = choice.suite;
    out->proposal_number = choice.number;
    out->outbound_spi = load_u32be(choice.spi.at);
    return 0;
}

void child_exchange_put_answer(struct message_writer *m, const struct child_agreement *agreement,
                               uint32_t inbound_spi)
{
    uint8_t spi[ESP_SPI_SIZE];
    store_u32be(spi, inbound_spi);
    proposal_put_choice(m, PROTOCOL_ESP, agreement->proposal_number, (struct octets){spi, sizeof spi},
                        &agreement->suite);
    selectors_put(m, PAYLOAD_TSI, &agreement->remote_ts);
    selectors_put(m, PAYLOAD_TSR, &agreement->local_ts);
}
