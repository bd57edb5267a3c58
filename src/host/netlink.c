#include "host/netlink.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    RECEIVE_SIZE = 32768,  /* what the kernel fills at most with one part of a list */
    INTERRUPTED_TRIES = 8, /* of reading a list that changes while it is read */
};

struct netlink {
    struct mnl_socket *socket;
    uint32_t sequence;
    _Alignas(8) char message[NETLINK_MESSAGE_SIZE];
    _Alignas(8) char answer[RECEIVE_SIZE];
};

struct netlink *netlink_open(struct host_error *err)
{
    struct netlink *nl = calloc(1, sizeof *nl);
    if (nl == NULL) {
        host_fail(err, ENOMEM, "cannot open a netlink socket");
        return NULL;
    }
    nl->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
    if (nl->socket == NULL || mnl_socket_bind(nl->socket, 0, MNL_SOCKET_AUTOPID) < 0) {
        host_fail(err, errno, "cannot open a netlink socket");
        netlink_close(nl);
        return NULL;
    }
    /* Better explanations, and lists filtered by the kernel. All are there since Linux 4.20. */
    int on = 1;
    (void)mnl_socket_setsockopt(nl->socket, NETLINK_CAP_ACK, &on, sizeof on);
    (void)mnl_socket_setsockopt(nl->socket, NETLINK_EXT_ACK, &on, sizeof on);
    (void)mnl_socket_setsockopt(nl->socket, NETLINK_GET_STRICT_CHK, &on, sizeof on);
    return nl;
}

void netlink_close(struct netlink *nl)
{
    if (nl == NULL)
        return;
    if (nl->socket != NULL)
        (void)mnl_socket_close(nl->socket);
    free(nl);
}

uint32_t netlink_port_id(const struct netlink *nl)
{
    return mnl_socket_get_portid(nl->socket);
}

int netlink_fd(const struct netlink *nl)
{
    return mnl_socket_get_fd(nl->socket);
}

struct nlmsghdr *netlink_begin(struct netlink *nl, uint16_t type, uint16_t flags, size_t size, void *header)
{
    memset(nl->message, 0, sizeof nl->message);
    struct nlmsghdr *message = mnl_nlmsg_put_header(nl->message);
    message->nlmsg_type = type;
    message->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
    void *own = mnl_nlmsg_put_extra_header(message, size);
    memcpy(header, &own, sizeof own);
    return message;
}

/* Everything in a message begins at a multiple of four octets. */
static size_t netlink_align(size_t length)
{
    return (length + 3) & ~(size_t)3;
}

/* What follows the type's own header of `header` octets. */
static struct octets attributes_of(const struct nlmsghdr *message, size_t header)
{
    size_t length = mnl_nlmsg_get_payload_len(message), skipped = netlink_align(header);
    if (skipped >= length)
        return (struct octets){0};
    return (struct octets){(const uint8_t *)mnl_nlmsg_get_payload(message) + skipped, length - skipped};
}

const struct nlattr *netlink_next(struct octets run, const struct nlattr *before)
{
    size_t at = 0;
    if (before != NULL)
        at = (size_t)((const uint8_t *)before - run.at) + netlink_align(before->nla_len);
    if (at >= run.length)
        return NULL;
    const struct nlattr *next = (const void *)(run.at + at);
    return mnl_attr_ok(next, (int)(run.length - at)) ? next : NULL;
}

struct octets netlink_nested(const struct nlattr *attribute)
{
    if (attribute == NULL)
        return (struct octets){0};
    return (struct octets){mnl_attr_get_payload(attribute), mnl_attr_get_payload_len(attribute)};
}

/* The kernel's own explanation in an error message; NULL if it gave none. */
static const char *explanation_of(const struct nlmsghdr *message)
{
    const struct nlmsgerr *error = mnl_nlmsg_get_payload(message);
    size_t skipped = sizeof *error;
    if (!(message->nlmsg_flags & NLM_F_ACK_TLVS))
        return NULL;
    if (!(message->nlmsg_flags & NLM_F_CAPPED))
        skipped += error->msg.nlmsg_len - sizeof error->msg;

    struct octets run = attributes_of(message, skipped);
    for (const struct nlattr *a = netlink_next(run, NULL); a != NULL; a = netlink_next(run, a)) {
        if (mnl_attr_get_type(a) == NLMSGERR_ATTR_MSG)
            return netlink_get_text(a);
    }
    return NULL;
}

/* What an NLMSG_ERROR says: true for an acknowledgement. */
static bool read_verdict(const struct nlmsghdr *message, struct host_error *err)
{
    if (mnl_nlmsg_get_payload_len(message) < sizeof(struct nlmsgerr))
        return host_fail(err, EBADMSG, "netlink");
    const struct nlmsgerr *error = mnl_nlmsg_get_payload(message);
    if (error->error == 0)
        return true;
    const char *explanation = explanation_of(message);
    if (explanation == NULL || explanation[0] == '\0') {
        host_fail(err, 0, "%s", strerror(-error->error));
    } else {
        host_fail(err, 0, "%s (%s)", strerror(-error->error), explanation);
    }
    if (err != NULL)
        err->number = -error->error;
    return false;
}

enum progress { PROGRESS_MORE, PROGRESS_DONE, PROGRESS_FAILED };

struct exchange {
    netlink_reply *reply;
    void *context;
    bool interrupted; /* the list changed while it was read */
    bool refused; /* by `reply`; the rest is read all the same, or the next query would be refused as busy */
};

/* One message of the answer. */
static enum progress read_reply(struct exchange *x, const struct nlmsghdr *message, struct host_error *err)
{
    if (message->nlmsg_flags & NLM_F_DUMP_INTR)
        x->interrupted = true;
    if (message->nlmsg_type == NLMSG_ERROR)
        return read_verdict(message, err) ? PROGRESS_DONE : PROGRESS_FAILED;
    if (message->nlmsg_type == NLMSG_DONE) {
        const int *result = mnl_nlmsg_get_payload(message);
        if (mnl_nlmsg_get_payload_len(message) < sizeof *result || *result >= 0)
            return PROGRESS_DONE;
        host_fail(err, -*result, "netlink");
        return PROGRESS_FAILED;
    }
    if (message->nlmsg_type >= NLMSG_MIN_TYPE && x->reply != NULL && !x->refused)
        x->refused = !x->reply(x->context, message);
    return PROGRESS_MORE;
}

/* Sends the message and reads its answer to the end. */
static bool exchange(struct netlink *nl, struct nlmsghdr *message, struct exchange *x, struct host_error *err)
{
    message->nlmsg_flags |= NLM_F_ACK;
    message->nlmsg_seq = ++nl->sequence;
    if (mnl_socket_sendto(nl->socket, message, message->nlmsg_len) < 0)
        return host_fail(err, errno, "netlink");

    enum progress progress = PROGRESS_MORE;
    while (progress == PROGRESS_MORE) {
        ssize_t received = mnl_socket_recvfrom(nl->socket, nl->answer, sizeof nl->answer);
        if (received < 0 && errno == EINTR)
            continue;
        if (received < 0)
            return host_fail(err, errno, "netlink");
        int left = (int)received;
        for (const struct nlmsghdr *at = (const struct nlmsghdr *)nl->answer;
             progress == PROGRESS_MORE && mnl_nlmsg_ok(at, left); at = mnl_nlmsg_next(at, &left)) {
            if (at->nlmsg_seq == nl->sequence) /* else the rest of an answer that was given up */
                progress = read_reply(x, at, err);
        }
    }
    if (x->refused)
        return host_fail(err, ENOMEM, "netlink");
    return progress == PROGRESS_DONE;
}

bool netlink_order(struct netlink *nl, struct nlmsghdr *message, struct host_error *err)
{
    struct exchange x = {0};
    return exchange(nl, message, &x, err);
}

bool netlink_query(struct netlink *nl, struct nlmsghdr *message, netlink_reply *reply, void *context,
                   struct host_error *err)
{
    for (int tries = 0; tries < INTERRUPTED_TRIES; tries++) {
        struct exchange x = {.reply = reply, .context = context};
        if (!exchange(nl, message, &x, err))
            return false;
        if (!x.interrupted)
            break;
    }
    return true; /* a list that never stands still is as good as it gets */
}

int netlink_ask_other(struct mnl_socket *socket, struct nlmsghdr *message, mnl_cb_t take, void *context)
{
    enum { ANSWER_SIZE = 32768 };
    _Alignas(struct nlmsghdr) char answer[ANSWER_SIZE];
    message->nlmsg_seq = (uint32_t)time(NULL);
    if (mnl_socket_sendto(socket, message, message->nlmsg_len) < 0)
        return errno;
    for (;;) {
        ssize_t received = mnl_socket_recvfrom(socket, answer, sizeof answer);
        if (received < 0 && errno == EINTR)
            continue;
        if (received < 0)
            return errno;
        int more = mnl_cb_run(answer, (size_t)received, message->nlmsg_seq, mnl_socket_get_portid(socket),
                              take, context);
        if (more <= MNL_CB_STOP)
            return more < 0 ? errno : 0;
    }
}

void netlink_put_address(struct nlmsghdr *message, uint16_t type, const struct ip_address *address)
{
    mnl_attr_put(message, type, ip_address_size(address->family), address->octets);
}

void netlink_attributes(const struct nlmsghdr *message, size_t header, uint16_t max,
                        const struct nlattr *table[])
{
    memset(table, 0, (max + 1U) * sizeof(const struct nlattr *));
    struct octets run = attributes_of(message, header);
    for (const struct nlattr *a = netlink_next(run, NULL); a != NULL; a = netlink_next(run, a)) {
        if (mnl_attr_get_type(a) <= max)
            table[mnl_attr_get_type(a)] = a;
    }
}

uint8_t netlink_get_u8(const struct nlattr *attribute)
{
    if (attribute == NULL || mnl_attr_get_payload_len(attribute) < sizeof(uint8_t))
        return 0;
    return mnl_attr_get_u8(attribute);
}

uint32_t netlink_get_u32(const struct nlattr *attribute)
{
    if (attribute == NULL || mnl_attr_get_payload_len(attribute) < sizeof(uint32_t))
        return 0;
    return mnl_attr_get_u32(attribute);
}

const char *netlink_get_text(const struct nlattr *attribute)
{
    if (attribute == NULL || mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) < 0)
        return "";
    return mnl_attr_get_str(attribute);
}

struct ip_address netlink_get_address(const struct nlattr *attribute, enum ip_family family)
{
    if (attribute == NULL || mnl_attr_get_payload_len(attribute) < ip_address_size(family))
        return (struct ip_address){.family = IP_NONE};
    return ip_address_of(family, mnl_attr_get_payload(attribute));
}

enum ip_family netlink_family(int af)
{
    switch (af) {
    case AF_INET:
        return IP_V4;
    case AF_INET6:
        return IP_V6;
    default:
        return IP_NONE;
    }
}
