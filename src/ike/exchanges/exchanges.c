#include "ike/exchanges/exchanges.h"

#include "ike/exchanges/additional_child.h"
#include "ike/exchanges/childless.h"
#include "ike/exchanges/create_child_sa.h"
#include "ike/exchanges/ike_auth_initiator.h"
#include "ike/exchanges/ike_auth_responder.h"
#include "ike/exchanges/ike_sa_init_initiator.h"
#include "ike/exchanges/informational.h"
#include "ike/exchanges/initial_contact.h"
#include "ike/exchanges/invalid_spi.h"
#include "ike/exchanges/liveness.h"
#include "ike/exchanges/own_address.h"
#include "ike/exchanges/rekey_child.h"
#include "ike/exchanges/rekey_ike_sa.h"
#include "ike/sa/exchange.h"

static const struct ike_task_kind *task_kind(unsigned number)
{
    static const struct ike_task_kind *const kinds[] = {
        [TASK_IKE_SA_INIT] = &task_ike_sa_init,
        [TASK_IKE_AUTH] = &task_ike_auth,
        [TASK_DELETE_IKE_SA] = &task_delete_ike_sa,
        [TASK_DELETE_CHILD_SA] = &task_delete_child_sa,
        [TASK_LIVENESS] = &task_liveness,
        [TASK_CONFIRM] = &task_confirm,
        [TASK_REKEY_CHILD] = &task_rekey_child,
        [TASK_REKEY_IKE_SA] = &task_rekey_ike_sa,
        [TASK_ADDITIONAL_CHILD] = &task_additional_child,
        [TASK_INVALID_SPI] = &task_invalid_spi,
        [TASK_GIVE_UP_CHILD] = &task_give_up_child,
    };
    return number < sizeof kinds / sizeof *kinds ? kinds[number] : NULL;
}

static void request(struct ike_sa *sa, const struct ike_message *message)
{
    static const struct {
        uint8_t exchange;
        void (*handle)(struct ike_sa *sa, const struct ike_message *message);
    } handlers[] = {
        {EXCHANGE_IKE_AUTH, ike_auth_request},
        {EXCHANGE_CREATE_CHILD_SA, create_child_sa_request},
        {EXCHANGE_INFORMATIONAL, informational_request},
    };
    rekey_ike_sa_settle(sa, message);
    bool half_open = sa->state == IKE_SA_HALF_OPEN;
    for (size_t i = 0; i < sizeof handlers / sizeof *handlers; i++) {
        bool is_auth = handlers[i].exchange == EXCHANGE_IKE_AUTH;
        if (handlers[i].exchange == message->header.exchange && is_auth == half_open) {
            handlers[i].handle(sa, message);
            return;
        }
    }
    /* Only IKE_AUTH may follow IKE_SA_INIT, and it may come only then. */
    ike_sa_end_by_invalid_syntax(sa, message->header.exchange, "is not due now (INVALID_SYNTAX)");
}

const struct ike_exchanges ike_exchanges = {
    .task_kind = task_kind,
    .request = request,
    .watch_peer = liveness_start,
    .child_lost = additional_children_lost,
    .sa_ends = rekey_ike_sa_yield,
    .rekey_ike_sa_fire = rekey_ike_sa_fire,
    .liveness_fire = liveness_fire,
    .childless_fire = childless_fire,
    .own_address_fire = own_address_fire,
    .additional_children_fire = additional_children_fire,
    .rekey_child_fire = rekey_child_fire,
};
