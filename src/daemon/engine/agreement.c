#include "daemon/engine/process.h"

enum { CATCH_UP_INTERVAL = 1000 /* milliseconds */ };

static void note_request(struct engine_process *process, enum request_kind kind, msec_t patience)
{
    const struct request request = {.number = ++process->last_request, .kind = kind};
    if (!requests_add(&process->of_path, &request, process->now + patience))
        engine_process_log(process, LOG_LEVEL_ERROR, 0,
                           "out of memory: engine and path may have different Child SAs");
}

void engine_agreement_begin(struct engine_process *process)
{
    process->path_lacks |= process->path_lags;
    process->path_lags = false;
    note_request(process, REQUEST_LIST, ENGINE_REQUEST_PATIENCE);
    process->comparison = process->last_request;
    const struct message_list_children m = {.request = process->comparison};
    (void)engine_path_send(process, MESSAGE_LIST_CHILDREN, &m, sizeof(m));
}

void engine_agreement_need(struct engine_process *process)
{
    if (process->path_lags)
        return;
    process->path_lags = true;
    engine_process_log(
        process, LOG_LEVEL_ERROR, 0,
        "the path does not read what the engine sends: once it does, it gets all Child SAs anew");
    note_request(process, REQUEST_CATCH_UP, CATCH_UP_INTERVAL);
}

void engine_agreement_expire(struct engine_process *process, enum request_kind kind)
{
    if (kind == REQUEST_CATCH_UP && channel_is_waiting(&process->path)) {
        note_request(process, REQUEST_CATCH_UP, CATCH_UP_INTERVAL);
        return;
    }
    if (kind == REQUEST_LIST)
        engine_process_log(process, LOG_LEVEL_ERROR, 0,
                           "the path did not say within %d seconds which Child SAs it has: it is asked again",
                           ENGINE_REQUEST_PATIENCE / 1000);
    engine_agreement_begin(process);
}

/* ---- The comparison --------------------------------------------------------------------------------- */

static void compare(struct engine_process *process, const struct path_child *has)
{
    struct known_child *known = known_children_find(&process->children, has->inbound_spi);
    if (known != NULL && known->tunnel == has->tunnel)
        known->compared = process->comparison;
    else if (!process->children.incomplete)
        engine_path_remove_child(process, has->tunnel, has->inbound_spi);
}

/* True if the path lacks a Child SA whose installation was asked for before the list. */
static bool path_lacks_one(const struct engine_process *process)
{
    const struct map *by_spi = &process->children.by_spi;
    for (size_t i = 0; i < by_spi->capacity; i++) {
        const struct known_child *known = by_spi->slots[i].value;
        if (known != NULL && known->compared != process->comparison && known->request < process->comparison)
            return true;
    }
    return false;
}

static void end_comparison(struct engine_process *process)
{
    struct request list;
    bool lacks = process->path_lacks || path_lacks_one(process);
    (void)requests_take(&process->of_path, process->comparison, &list);
    process->comparison = 0;
    process->path_lacks = false;
    if (!lacks)
        return;
    const struct ike_event is_new = {.kind = IKE_EVENT_PATH_NEW};
    engine_process_event(process, &is_new);
}

void engine_agreement_take(struct engine_process *process, const struct channel_message *message)
{
    const struct message_children *m = message->body;
    const struct path_child *list = message_children_list(message);
    if (m->request != process->comparison)
        return; /* too late: it was asked for anew */
    for (uint32_t i = 0; i < m->count; i++)
        compare(process, &list[i]);
    if (m->more == 0)
        end_comparison(process);
}
