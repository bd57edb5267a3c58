#include "host/resolver.h"

#include <ares.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/stat.h>

enum {
    FIRST_TIMEOUT = 1000, /* milliseconds for a server's first answer; doubled each round */
    ROUNDS = 3,
};

static const char system_servers[] = "/etc/resolv.conf";

struct resolver_question {
    STAILQ_ENTRY(resolver_question) link; /* in resolver.answered */
    struct resolver *resolver;
    enum ip_family family;
    resolver_answered *answered; /* NULL: cancelled */
    void *context;
    struct resolver_answer answer;
};

struct resolver {
    uv_loop_t *loop;
    uv_timer_t timer;
    struct ip_address *servers; /* none: those of resolv.conf */
    size_t server_count;
    ares_channel channel;                      /* NULL: made with the next question */
    struct stat system_file;                   /* resolv.conf when the channel was made */
    size_t open_count;                         /* questions that c-ares has */
    STAILQ_HEAD(, resolver_question) answered; /* those to be handed out */
    size_t answered_count;
    LIST_HEAD(, watched_socket) sockets;
};

/* A socket of c-ares in the loop. */
struct watched_socket {
    LIST_ENTRY(watched_socket) link;
    uv_poll_t poll;
    struct resolver *resolver;
    ares_socket_t fd;
};

static void schedule(struct resolver *resolver);

/* ---- Answers --------------------------------------------------------------------------------------- */

/* Hands out the answers of c-ares. An answer that comes at once to a question asked meanwhile waits for its
 * turn in the loop. */
static void deliver(struct resolver *resolver)
{
    size_t turn = resolver->answered_count;
    resolver->answered_count = 0;
    while (turn-- > 0) {
        struct resolver_question *question = STAILQ_FIRST(&resolver->answered);
        STAILQ_REMOVE_HEAD(&resolver->answered, link);
        if (question->answered != NULL)
            question->answered(question->context, &question->answer);
        free(question);
    }
    schedule(resolver);
}

/* False for what no peer can have. */
static bool is_host_address(const struct ip_address *address)
{
    return !ip_address_is_unspecified(address) && !ip_address_is_multicast(address);
}

static void add_address(struct resolver_answer *answer, enum ip_family family, const void *octets, int ttl)
{
    const struct ip_address address = ip_address_of(family, octets);
    uint32_t seconds = ttl > 0 ? (uint32_t)ttl : 0;
    if (!is_host_address(&address) || answer->count == RESOLVER_ADDRESSES_MAX)
        return;
    if (answer->count == 0 || seconds < answer->ttl)
        answer->ttl = seconds;
    answer->addresses[answer->count++] = address;
}

/* Reads the addresses out of a message. Returns c-ares' verdict. */
static int read_addresses(enum ip_family family, const unsigned char *message, int length,
                          struct resolver_answer *answer)
{
    struct ares_addrttl v4[RESOLVER_ADDRESSES_MAX];
    struct ares_addr6ttl v6[RESOLVER_ADDRESSES_MAX];
    int count = RESOLVER_ADDRESSES_MAX;
    int status = family == IP_V6 ? ares_parse_aaaa_reply(message, length, NULL, v6, &count)
                                 : ares_parse_a_reply(message, length, NULL, v4, &count);
    for (int i = 0; status == ARES_SUCCESS && i < count; i++) {
        if (family == IP_V6)
            add_address(answer, family, &v6[i].ip6addr, v6[i].ttl);
        else
            add_address(answer, family, &v4[i].ipaddr, v4[i].ttl);
    }
    return status;
}

static const char *failure_text(int status)
{
    static const struct {
        int status;
        const char *text;
    } texts[] = {
        {ARES_ETIMEOUT, "no answer from the name servers"},
        /* c-ares does not tell these apart once it has asked the next server. */
        {ARES_ECONNREFUSED, "the name servers can't be reached, or answer SERVFAIL or REFUSED"},
        {ARES_ENOMEM, "out of memory"},
        {ARES_EDESTRUCTION, "the name servers were changed"},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (texts[i].status == status)
            return texts[i].text;
    }
    return "the name servers' answer makes no sense";
}

static void judge(int status, struct resolver_answer *answer)
{
    if (answer->count > 0) {
        answer->outcome = RESOLVER_FOUND;
    } else if (status == ARES_ENOTFOUND) {
        answer->outcome = RESOLVER_ABSENT;
        answer->reason = "no such name";
    } else if (status == ARES_SUCCESS || status == ARES_ENODATA) {
        answer->outcome = RESOLVER_ABSENT;
        answer->reason = "the name has no address";
    } else {
        answer->outcome = RESOLVER_FAILED;
        answer->reason = failure_text(status);
    }
}

static void finish(struct resolver_question *question, int status)
{
    struct resolver *resolver = question->resolver;
    judge(status, &question->answer);
    STAILQ_INSERT_TAIL(&resolver->answered, question, link);
    resolver->answered_count++;
}

/* c-ares is done with a question, perhaps before resolver_ask has returned. */
static void question_done(void *context, int status, int timeouts, unsigned char *message, int length)
{
    struct resolver_question *question = context;
    (void)timeouts;
    question->resolver->open_count--;
    if (status == ARES_SUCCESS)
        status = read_addresses(question->family, message, length, &question->answer);
    finish(question, status);
}

/* ---- Sockets and time ------------------------------------------------------------------------------ */

static void timer_due(uv_timer_t *timer)
{
    struct resolver *resolver = timer->data;
    if (resolver->channel != NULL)
        ares_process_fd(resolver->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    deliver(resolver);
}

/* Has the timer go off when c-ares wants to send again, or at once if there are answers to be handed out. */
static void schedule(struct resolver *resolver)
{
    struct timeval wait;
    uint64_t delay = 0;
    if (STAILQ_EMPTY(&resolver->answered)) {
        if (resolver->channel == NULL || ares_timeout(resolver->channel, NULL, &wait) == NULL) {
            (void)uv_timer_stop(&resolver->timer);
            return;
        }
        delay = (uint64_t)wait.tv_sec * 1000 + (uint64_t)wait.tv_usec / 1000 + 1;
    }
    (void)uv_timer_start(&resolver->timer, timer_due, delay, 0);
}

static void socket_ready(uv_poll_t *poll, int status, int events)
{
    const struct watched_socket *socket = poll->data;
    struct resolver *resolver = socket->resolver;
    bool readable = status < 0 || (events & UV_READABLE) != 0;
    bool writable = status < 0 || (events & UV_WRITABLE) != 0;
    ares_process_fd(resolver->channel, readable ? socket->fd : ARES_SOCKET_BAD,
                    writable ? socket->fd : ARES_SOCKET_BAD);
    deliver(resolver);
}

static struct watched_socket *socket_find(const struct resolver *resolver, ares_socket_t fd)
{
    struct watched_socket *socket = LIST_FIRST(&resolver->sockets);
    while (socket != NULL && socket->fd != fd)
        socket = LIST_NEXT(socket, link);
    return socket;
}

/* NULL if it can't be watched: then the question ends by its timeout. */
static struct watched_socket *socket_watch(struct resolver *resolver, ares_socket_t fd)
{
    struct watched_socket *socket = calloc(1, sizeof *socket);
    if (socket == NULL)
        return NULL;
    if (uv_poll_init(resolver->loop, &socket->poll, fd) != 0) {
        free(socket);
        return NULL;
    }
    socket->poll.data = socket;
    socket->resolver = resolver;
    socket->fd = fd;
    LIST_INSERT_HEAD(&resolver->sockets, socket, link);
    return socket;
}

static void socket_closed(uv_handle_t *handle)
{
    free(handle->data);
}

/* c-ares wants to know when a socket is readable or writable; neither: it is about to close it. */
static void socket_wanted(void *context, ares_socket_t fd, int readable, int writable)
{
    struct resolver *resolver = context;
    struct watched_socket *socket = socket_find(resolver, fd);
    if (!readable && !writable) {
        if (socket == NULL)
            return;
        LIST_REMOVE(socket, link);
        uv_close((uv_handle_t *)&socket->poll, socket_closed);
        return;
    }
    if (socket == NULL)
        socket = socket_watch(resolver, fd);
    if (socket != NULL)
        (void)uv_poll_start(&socket->poll, (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0),
                            socket_ready);
}

/* ---- The servers ----------------------------------------------------------------------------------- */

/* All questions of the channel end. */
static void channel_close(struct resolver *resolver)
{
    ares_channel channel = resolver->channel;
    resolver->channel = NULL;
    if (channel != NULL)
        ares_destroy(channel);
}

/* Gives the channel the servers that were set; without any it has those of resolv.conf. */
static bool channel_set_servers(struct resolver *resolver)
{
    if (resolver->server_count == 0)
        return true;
    struct ares_addr_node *nodes = calloc(resolver->server_count, sizeof *nodes);
    if (nodes == NULL)
        return false;
    for (size_t i = 0; i < resolver->server_count; i++) {
        const struct ip_address *server = &resolver->servers[i];
        nodes[i].next = i + 1 < resolver->server_count ? &nodes[i + 1] : NULL;
        nodes[i].family = ip_address_af(server->family);
        memcpy(&nodes[i].addr, server->octets, ip_address_size(server->family));
    }
    int status = ares_set_servers(resolver->channel, nodes);
    free(nodes);
    return status == ARES_SUCCESS;
}

static bool channel_open(struct resolver *resolver)
{
    struct ares_options options = {
        .timeout = FIRST_TIMEOUT,
        .tries = ROUNDS,
        .sock_state_cb = socket_wanted,
        .sock_state_cb_data = resolver,
    };
    int set = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB;
    if (stat(system_servers, &resolver->system_file) != 0)
        resolver->system_file = (struct stat){0};
    if (ares_init_options(&resolver->channel, &options, set) != ARES_SUCCESS) {
        resolver->channel = NULL;
        return false;
    }
    if (channel_set_servers(resolver))
        return true;
    channel_close(resolver);
    return false;
}

static bool system_file_changed(const struct resolver *resolver)
{
    struct stat now;
    const struct stat *then = &resolver->system_file;
    if (stat(system_servers, &now) != 0)
        now = (struct stat){0};
    return now.st_ino != then->st_ino || now.st_dev != then->st_dev || now.st_size != then->st_size ||
           now.st_mtim.tv_sec != then->st_mtim.tv_sec || now.st_mtim.tv_nsec != then->st_mtim.tv_nsec;
}

/* Makes sure that there is a channel with the right servers. */
static bool channel_ready(struct resolver *resolver)
{
    bool idle = resolver->open_count == 0;
    if (idle && resolver->channel != NULL && resolver->server_count == 0 && system_file_changed(resolver))
        channel_close(resolver);
    return resolver->channel != NULL || channel_open(resolver);
}

static bool are_the_servers(const struct resolver *resolver, const struct ip_address *servers, size_t count)
{
    if (count != resolver->server_count)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!ip_address_equal(&servers[i], &resolver->servers[i]))
            return false;
    }
    return true;
}

bool resolver_set_servers(struct resolver *resolver, const struct ip_address *servers, size_t count)
{
    if (are_the_servers(resolver, servers, count))
        return false;
    struct ip_address *copy = calloc(count + 1, sizeof *copy);
    if (copy == NULL)
        return false;
    if (count > 0)
        memcpy(copy, servers, count * sizeof *copy);
    free(resolver->servers);
    resolver->servers = copy;
    resolver->server_count = count;
    channel_close(resolver);
    schedule(resolver);
    return true;
}

/* ---- Questions ------------------------------------------------------------------------------------- */

struct resolver_question *resolver_ask(struct resolver *resolver, const char *name, enum ip_family family,
                                       resolver_answered *answered, void *context)
{
    enum { CLASS_IN = 1, TYPE_A = 1, TYPE_AAAA = 28 };
    struct resolver_question *question = calloc(1, sizeof *question);
    if (question == NULL)
        return NULL;
    question->resolver = resolver;
    question->family = family;
    question->answered = answered;
    question->context = context;
    if (channel_ready(resolver)) {
        resolver->open_count++;
        ares_query(resolver->channel, name, CLASS_IN, family == IP_V6 ? TYPE_AAAA : TYPE_A, question_done,
                   question);
    } else {
        finish(question, ARES_ENOMEM);
    }
    schedule(resolver);
    return question;
}

void resolver_cancel(struct resolver_question *question)
{
    question->answered = NULL;
}

/* ---- Life ------------------------------------------------------------------------------------------ */

struct resolver *resolver_new(uv_loop_t *loop)
{
    struct resolver *resolver = calloc(1, sizeof *resolver);
    if (resolver == NULL)
        return NULL;
    if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS) {
        free(resolver);
        return NULL;
    }
    resolver->loop = loop;
    STAILQ_INIT(&resolver->answered);
    (void)uv_timer_init(loop, &resolver->timer);
    resolver->timer.data = resolver;
    return resolver;
}

static void timer_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void resolver_free(struct resolver *resolver)
{
    if (resolver == NULL)
        return;
    channel_close(resolver); /* all questions are among the answered ones then */
    while (!STAILQ_EMPTY(&resolver->answered)) {
        struct resolver_question *question = STAILQ_FIRST(&resolver->answered);
        STAILQ_REMOVE_HEAD(&resolver->answered, link);
        free(question);
    }
    free(resolver->servers);
    ares_library_cleanup();
    uv_close((uv_handle_t *)&resolver->timer, timer_closed);
}
