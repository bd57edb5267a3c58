#include "ike/sa/record_check.h"

#include <string.h>

static bool is_family(const struct ip_address *address)
{
    return address->family == IP_V4 || address->family == IP_V6;
}

static bool ends_fit(const struct ike_record *r)
{
    return is_family(&r->local.address) && r->local.address.family == r->remote.address.family;
}

static bool nonce_fits(struct octets nonce)
{
    return nonce.length >= NONCE_SIZE_MIN && nonce.length <= NONCE_SIZE_MAX;
}

/* A cipher has an integrity algorithm, an AEAD has none (RFC 5282 8). */
static bool encryption_fits(const struct ike_suite *suite)
{
    return suite->encryption != NULL && encryption_is_aead(suite->encryption) == (suite->integrity == NULL);
}

static bool ike_suite_fits(const struct ike_suite *suite)
{
    return encryption_fits(suite) && suite->prf != NULL && suite->dh != NULL;
}

static uint64_t own_spi(const struct ike_record *r)
{
    return r->initiator ? r->spi_i : r->spi_r;
}

/* It is never its own successor, or the other one of two. */
static bool spis_fit(const struct ike_record *r)
{
    uint64_t own = own_spi(r);
    return r->spi_i != 0 && r->spi_r != 0 && r->superfluous != own && r->predecessor != own;
}

/* It goes into log lines. */
static bool is_text(struct octets text, size_t size)
{
    for (size_t i = 0; i < text.length; i++) {
        if (text.at[i] < ' ')
            return false;
    }
    return text.length < size;
}

/* ---- Child SAs --------------------------------------------------------------------------------------- */

static bool child_fits(const struct ike_child_record *c)
{
    return encryption_fits(&c->suite) && c->installed && c->inbound.spi >= ESP_SPI_MIN &&
           c->outbound.spi >= ESP_SPI_MIN && c->local_ts.count > 0 && c->remote_ts.count > 0;
}

static bool children_fit(const struct ike_record *r)
{
    for (size_t i = 0; i < r->child_count; i++) {
        if (!child_fits(&r->children[i]))
            return false;
        for (size_t j = 0; j < i; j++) {
            if (r->children[j].inbound.spi == r->children[i].inbound.spi)
                return false;
        }
    }
    return true;
}

/* ---- Requests of our own ----------------------------------------------------------------------------- */

/* A negotiation belongs to a task: it has the old SPI, or the new IKE SA, that the task needs. */
static bool negotiation_is_of(const struct negotiation *n, const struct ike_task_record *task)
{
    switch (task->number) {
    case TASK_REKEY_CHILD:
        return n->new_spi == 0 && n->old_spi != 0 && n->old_spi == task->spi;
    case TASK_REKEY_IKE_SA:
        return n->new_spi != 0;
    case TASK_ADDITIONAL_CHILD:
        return n->new_spi == 0 && n->old_spi == 0;
    default:
        return false;
    }
}

static bool task_negotiates(const struct ike_task_record *task)
{
    return task->number == TASK_REKEY_CHILD || task->number == TASK_REKEY_IKE_SA ||
           task->number == TASK_ADDITIONAL_CHILD;
}

static bool agreement_fits(const struct negotiation *n)
{
    const struct child_agreement *a = &n->agreement;
    return encryption_fits(&a->suite) && a->suite.dh == n->key_exchange.method &&
           a->outbound_spi >= ESP_SPI_MIN && a->local_ts.count > 0 && a->remote_ts.count > 0;
}

/* What the answer, or the arithmetic after it, relies on. */
static bool negotiation_fits(const struct ike_record *r)
{
    const struct negotiation *n = &r->own.negotiation;
    bool of_ike_sa = n->new_spi != 0;
    bool answered = n->phase == NEGOTIATION_FINISHES;
    if (n->phase == NEGOTIATION_GENERATES || !nonce_fits(r->own.nonce_i) ||
        (answered && !nonce_fits(r->own.nonce_r)))
        return false;
    if (of_ike_sa)
        return n->key_exchange.method != NULL && n->new_spi != own_spi(r) && n->rival_ike_sa != own_spi(r) &&
               (!answered ||
                (ike_suite_fits(&n->suite) && n->suite.dh == n->key_exchange.method && n->peer_spi != 0));
    return n->request.inbound_spi >= ESP_SPI_MIN && n->request.local_ts.count > 0 &&
           n->request.remote_ts.count > 0 &&
           (!answered || (n->key_exchange.method != NULL && agreement_fits(n)));
}

/*
 * A request that negotiates has its own negotiation; while the answer is being computed there is no request.
 * An IKE SA that is being deleted may have one left over.
 */
static bool requests_fit(const struct ike_record *r)
{
    bool out = r->request.length > 0;
    const struct ike_task_record *first = r->task_count > 0 ? &r->tasks[0] : NULL;
    if (out && first == NULL)
        return false;
    if (!r->has_own)
        return !out || !task_negotiates(first);
    if (!negotiation_fits(r))
        return false;
    const struct negotiation *n = &r->own.negotiation;
    if (n->phase == NEGOTIATION_FINISHES)
        return !out;
    if (first != NULL && task_negotiates(first))
        return negotiation_is_of(n, first);
    return r->state == IKE_SA_DELETING;
}

const char *ike_record_fault(const struct ike_record *r)
{
    const struct {
        bool fits;
        const char *fault;
    } parts[] = {
        {ike_suite_fits(&r->suite) && nonce_fits(r->nonce_i) && nonce_fits(r->nonce_r),
         "its algorithms or nonces are none"},
        {spis_fit(r), "its SPIs are none"},
        {ends_fit(r), "its addresses are none"},
        {is_text(r->delete_reason, DELETE_REASON_SIZE), "its reason is no text"},
        {children_fit(r), "a Child SA of it is none"},
        {requests_fit(r), "its requests are none"},
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (!parts[i].fits)
            return parts[i].fault;
    }
    return NULL;
}
