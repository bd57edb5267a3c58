#include "daemon/path/engine_link.h"

void engine_link_tell(struct channel *engine, const struct path_event *event)
{
    if (event->kind == PATH_PACKET_WAITS || event->kind == PATH_PACKET_OUTSIDE ||
        event->kind == PATH_UNANSWERED || event->kind == PATH_SPI_UNKNOWN)
        (void)channel_offer(engine, MESSAGE_PATH_EVENT, event, sizeof(*event), NULL, 0);
    else
        (void)message_send(engine, MESSAGE_PATH_EVENT, event, sizeof(*event));
}

void engine_link_pass(struct channel *engine, const struct path_stray *stray)
{
    const struct message_stray m = {stray->remote, stray->local, stray->ifindex};
    (void)channel_offer(engine, MESSAGE_STRAY_IKE, &m, sizeof(m), stray->octets, stray->length);
}

/* A change that is refused is told at once, in the form of the event that would have come. */
static void change_child(struct path *path, struct channel *engine)
{
    const struct message_child *m = engine->message.body;
    uint64_t request = m->request & ~PATH_KEEPER_REQUEST;
    enum path_result result = path_child_change(path, request, &m->command);
    const struct path_event refused = {
        .kind = PATH_DONE,
        .result = result,
        .request = request,
        .spi = m->command.child.inbound.spi,
    };
    if (result != PATH_OK)
        engine_link_tell(engine, &refused);
}

static void list_children(struct path *path, struct channel *engine)
{
    const struct message_list_children *wanted = engine->message.body;
    struct path_child children[MESSAGE_CHILDREN_MAX];
    size_t position = 0;
    struct message_children m = {.request = wanted->request, .more = 1};
    while (m.more != 0) {
        m.count = (uint32_t)path_list_children(path, &position, children, MESSAGE_CHILDREN_MAX);
        m.more = m.count == MESSAGE_CHILDREN_MAX;
        (void)channel_send(engine, MESSAGE_CHILDREN, &m, sizeof(m), children, m.count * sizeof(children[0]),
                           NULL, 0);
    }
}

void engine_link_take(struct path *path, struct channel *engine)
{
    const struct message_tunnel_fail *fail = engine->message.body;
    const struct message_stray *stray = engine->message.body;
    switch (engine->message.type) {
    case MESSAGE_CHILD:
        change_child(path, engine);
        break;
    case MESSAGE_LIST_CHILDREN:
        list_children(path, engine);
        break;
    case MESSAGE_TUNNEL_FAIL:
        (void)path_tunnel_fail(path, 0, fail->tunnel, &fail->pair);
        break;
    case MESSAGE_STRAY_ESP:
        (void)path_put_stray(path, &stray->remote, message_tail(&engine->message, sizeof(*stray)));
        break;
    default:
        break;
    }
}
