#include "daemon/engine/requests.h"

#include <stdlib.h>

/* `deadline` stands first, so that the heap's entry is this. */
struct request_under_way {
    struct deadline deadline;
    struct request request;
};

bool requests_add(struct requests *requests, const struct request *request, msec_t due)
{
    struct request_under_way *under_way = calloc(1, sizeof(*under_way));
    if (under_way == NULL)
        return false;
    under_way->request = *request;
    if (map_put(&requests->by_number, request->number, under_way) &&
        deadline_set(&requests->deadlines, &under_way->deadline, due))
        return true;
    (void)map_remove(&requests->by_number, request->number);
    free(under_way);
    return false;
}

bool requests_take(struct requests *requests, uint64_t number, struct request *request)
{
    struct request_under_way *under_way = map_remove(&requests->by_number, number);
    if (under_way == NULL)
        return false;
    deadline_cancel(&requests->deadlines, &under_way->deadline);
    *request = under_way->request;
    free(under_way);
    return true;
}

bool requests_take_due(struct requests *requests, msec_t now, struct request *request)
{
    struct deadline *due = deadline_take_due(&requests->deadlines, now);
    return due != NULL && requests_take(requests, ((struct request_under_way *)due)->request.number, request);
}

msec_t requests_next(const struct requests *requests)
{
    return deadline_next(&requests->deadlines);
}

void requests_clear(struct requests *requests)
{
    struct request forgotten;
    while (requests_take_due(requests, MSEC_NEVER, &forgotten)) {
    }
    deadline_heap_free(&requests->deadlines);
    map_free(&requests->by_number);
    *requests = (struct requests){0};
}
