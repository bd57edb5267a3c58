#include "ike/reasons/exchange_failure.h"

#include "ike/reasons/failure.h"
#include "ike/reasons/init_failure.h"
#include "ike/sa/negotiation.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* What has failed if a request of ours fails. */
static enum failure_kind failing(const struct ike_sa *sa, const struct ike_task *task)
{
    if (task->kind->exchange != EXCHANGE_CREATE_CHILD_SA)
        return FAILED_NEGOTIATION;
    if (sa->own == NULL || sa->own->new_spi != 0)
        return FAILED_IKE_REKEY;
    return sa->own->old_spi != 0 ? FAILED_CHILD_REKEY : FAILED_CHILD;
}

/* The log speaks of DPD only where it is configured. */
static const char *name_of(const struct ike_sa *sa, const struct ike_task *task)
{
    bool without_dpd = task->kind->number == TASK_LIVENESS && sa->tunnel->policy.dpd_interval == 0;
    return without_dpd ? "liveness check" : task->kind->name;
}

/*
 * Logs that a request of ours has failed: a negotiation as such (S34), others by their names. An SA that was
 * replaced is not needed any more.
 */
__attribute__((format(printf, 3, 4))) static void
warn_of_task(const struct ike_sa *sa, const struct ike_task *task, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (task->kind->exchange == EXCHANGE_INFORMATIONAL || sa->replaced)
        ike_sa_log(sa, sa->replaced ? LOG_LEVEL_NOTICE : LOG_LEVEL_WARN, LOG_IKEV2, "%s: %s",
                   name_of(sa, task), text);
    else
        failure_warn(sa, failing(sa, task), PEER_SETTING, "%s", text);
}

static void warn_of_silence(const struct ike_sa *sa, const struct ike_task *task)
{
    const char *unknown =
        sa->unknown_to_peer
            ? "; an unauthenticated message says that this IKE SA is not known (INVALID_IKE_SPI)"
            : "";
    char remote[IP_TEXT_SIZE], local[IP_TEXT_SIZE];
    if (ike_sa_request_never_left(sa))
        warn_of_task(sa, task, "%s to %s could not be sent within %d seconds: %s",
                     exchange_type_name((uint8_t)task->kind->exchange),
                     ip_endpoint_format(&sa->remote, remote), REQUEST_PATIENCE, strerror(sa->send_error));
    else if (sa->handshake != NULL && sa->handshake->failure != NULL)
        failure_warn_noted(sa);
    else if (task->kind->exchange == EXCHANGE_IKE_SA_INIT)
        warn_of_task(
            sa, task,
            "no answer to IKE_SA_INIT, sent from %s to %s for %d seconds: it does not arrive, or its "
            "answer does not; or the peer does not answer it, and its log says why",
            ip_endpoint_format(&sa->local, local), ip_endpoint_format(&sa->remote, remote), REQUEST_PATIENCE);
    else
        warn_of_task(sa, task, "no answer to %s from %s within %d seconds%s",
                     exchange_type_name((uint8_t)task->kind->exchange),
                     ip_endpoint_format(&sa->remote, remote), REQUEST_PATIENCE, unknown);
}

static void warn_of_invalid_syntax(const struct ike_sa *sa, const struct ike_task *task)
{
    warn_of_task(sa, task, "the peer answers %s with INVALID_SYNTAX, which ends the IKE SA",
                 exchange_type_name((uint8_t)task->kind->exchange));
}

static void warn_of_answer(const struct ike_sa *sa, const struct ike_task *task, enum message_fault fault,
                           uint8_t payload_type)
{
    const char *name = exchange_type_name((uint8_t)task->kind->exchange);
    if (fault == MESSAGE_UNSUPPORTED_CRITICAL)
        warn_of_task(sa, task,
                     "the peer's answer to %s has a critical payload of type %u, which is not supported here",
                     name, payload_type);
    else
        warn_of_task(sa, task, "the peer's answer to %s is malformed", name);
}

void exchange_failure_of_request(const struct ike_sa *sa, enum exchange_type exchange, const char *wrong)
{
    const char *name = exchange_type_name((uint8_t)exchange);
    enum failure_kind kind = sa->handshake != NULL ? FAILED_NEGOTIATION : FAILED_CHILD;
    char remote[IP_TEXT_SIZE];
    (void)ip_endpoint_format(&sa->remote, remote);
    if (name == NULL)
        name = "unknown";
    if (sa->handshake != NULL || exchange == EXCHANGE_CREATE_CHILD_SA)
        failure_warn(sa, kind, PEER_SETTING, "the %s request of %s %s", name, remote, wrong);
    else
        ike_sa_log(sa, LOG_LEVEL_WARN, LOG_IKEV2, "the %s request of %s %s", name, remote, wrong);
}

static void warn_of_end(const struct ike_sa *sa, const char *reason)
{
    failure_warn(sa, FAILED_NEGOTIATION, 0, "%s", reason);
}

const struct ike_reasons ike_reasons = {
    .negotiation_failed = warn_of_end,
    .half_open_timed_out = init_failure_of_half_open,
    .no_answer = warn_of_silence,
    .invalid_syntax = warn_of_invalid_syntax,
    .malformed_answer = warn_of_answer,
    .invalid_request = exchange_failure_of_request,
};
