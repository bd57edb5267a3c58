#include "path/icmp.h"

#include <errno.h>
#include <sys/socket.h>

#include "path/outbound_sa.h"

enum {
    MESSAGE_SIZE = 1500, /* more than any router quotes that matters */
    BATCH = 64,
    /* A router quotes what it got a moment ago: so many packets are sent in the meantime at the very most. */
    SEQUENCE_AGE = 1 << 20,
};

void icmp_send_too_big(struct worker *worker, struct octets packet, uint32_t mtu)
{
    uint8_t message[ICMP_ERROR_MAX];
    struct sockaddr_storage to;
    int fd = inner_family(packet) == IP_V4 ? worker->icmp_v4.fd : worker->icmp_v6.fd;
    const struct ip_endpoint host = {inner_source(packet), 0};
    size_t length = fd >= 0 ? icmp_error_make(packet, mtu, message) : 0;
    if (length == 0 || !icmp_error_may_send(&worker->icmp_limit, packet, worker->now))
        return;
    socklen_t size = ip_endpoint_to_sockaddr(&host, &to);
    (void)sendto(fd, message, length, MSG_DONTWAIT, (const struct sockaddr *)&to, size);
}

/* RFC 4301 8.2.1 and S39: believed only if it quotes an SA of ours, and a packet that was just sent by it. */
static void take_quote(struct worker *worker, const struct icmp_quote *quote)
{
    struct outbound_sa *sa = map_find(&worker->outbound_by_spi, quote->spi);
    if (sa == NULL || !ip_endpoint_equal(&quote->remote, &sa->destination.remote) ||
        !esp_sa_has_sent(sa->sa, quote->sequence, SEQUENCE_AGE))
        return;
    path_mtu_learn(worker, sa, quote->mtu);
}

static bool take_errors(struct worker *worker, const struct source *source, enum ip_family family)
{
    for (int i = 0; i < BATCH; i++) {
        uint8_t message[MESSAGE_SIZE];
        struct icmp_quote quote;
        ssize_t length = recv(source->fd, message, sizeof message, MSG_DONTWAIT);
        if (length < 0)
            return errno == EINTR;
        if (icmp_quote_read((struct octets){message, (size_t)length}, family, &quote))
            take_quote(worker, &quote);
    }
    return true;
}

bool icmp_run_v4(struct worker *worker, struct source *source)
{
    return take_errors(worker, source, IP_V4);
}

bool icmp_run_v6(struct worker *worker, struct source *source)
{
    return take_errors(worker, source, IP_V6);
}
