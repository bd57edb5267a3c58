#include "daemon/show/tunnel_packets.h"

#include <inttypes.h>

/* ---- Sizes ------------------------------------------------------------------------------------------- */

enum { IPV6_LEAST_MTU = 1280 };

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void show_mss(const struct path_mss *wanted, uint64_t octets, const char *family, struct text *out)
{
    if (octets == 0)
        text_print(out, "as it is (%s)", family);
    else
        text_print(out, "%" PRIu64 " (%s%s)", octets, family, wanted->automatic ? ", auto" : "");
}

void show_tunnel_sizes(const struct path_sizes *sizes, const struct path_tunnel *settings, msec_t now,
                       struct text *out)
{
    const uint64_t *n = sizes->octets;
    if (n[PATH_SIZE_LINK] != 0) {
        uint64_t v6 = n[PATH_SIZE_INNER] > IPV6_LEAST_MTU ? n[PATH_SIZE_INNER] : IPV6_LEAST_MTU;
        text_print(out, "  MTU : %" PRIu64 " (IPv4), %" PRIu64 " (IPv6)\n",
                   smaller(n[PATH_SIZE_INNER], settings->mtu), smaller(v6, settings->mtu));
        text_print(out, "  MTU of the path to the peer : %" PRIu64,
                   n[PATH_SIZE_LEARNT] != 0 ? smaller(n[PATH_SIZE_LEARNT], n[PATH_SIZE_LINK])
                                            : n[PATH_SIZE_LINK]);
        if (n[PATH_SIZE_LEARNT] != 0)
            text_print(out, ", learnt %" PRIu64 " seconds ago (%" PRIu64 " by link or route)",
                       (now - n[PATH_SIZE_LEARNT_AT]) / 1000, n[PATH_SIZE_LINK]);
        text_print(out, "\n");
    }
    text_print(out, "  MSS of TCP : ");
    show_mss(&settings->mss_v4, n[PATH_SIZE_MSS_V4], "IPv4", out);
    text_print(out, ", ");
    show_mss(&settings->mss_v6, n[PATH_SIZE_MSS_V6], "IPv6", out);
    text_print(out, "\n");
}

/* ---- Drops ------------------------------------------------------------------------------------------- */

static const char *const words[DROP_COUNT] = {
    [DROP_TOO_BIG] = "too big",
    [DROP_UNFRAGMENTABLE] = "not fragmentable",
    [DROP_OUT_SELECTORS] = "outside of selectors",
    [DROP_NO_SA] = "no sa",
    [DROP_QUEUE_FULL] = "queue full",
    [DROP_OF_LINK] = "of the link itself",
    [DROP_RECURSIVE] = "recursive route",
    [DROP_OUT_MALFORMED] = "malformed",
    [DROP_EXHAUSTED] = "sequence numbers used up",
    [DROP_OUT_CIPHER] = "cipher failure",
    [DROP_OUT_NO_MEMORY] = "out of memory",
    [DROP_REFUSED] = "not sent by linux",
    [DROP_INVALID_SA] = "invalid sa",
    [DROP_REPLAY] = "replay detected",
    [DROP_AUTHENTICATION] = "integrity failure",
    [DROP_IN_CIPHER] = "cipher failure",
    [DROP_TRUNCATED] = "packet truncated",
    [DROP_PADDING] = "invalid padding",
    [DROP_NEXT_HEADER] = "unknown protocol",
    [DROP_IN_SELECTORS] = "outside of selectors",
    [DROP_IN_MALFORMED] = "malformed",
    [DROP_CONGESTED] = "congestion experienced",
    [DROP_IN_NO_MEMORY] = "out of memory",
    [DROP_UNDELIVERED] = "not taken by linux",
};

const char *show_drop_words(enum path_drop drop)
{
    return words[drop];
}

static void show_range(const struct path_totals *totals, const char *heading, size_t from, size_t to,
                       struct text *out)
{
    enum { IN_LINE = 4 };
    text_print(out, "  %s\n", heading);
    for (size_t i = from; i < to; i++) {
        bool ends_line = i + 1 == to || (i - from) % IN_LINE == IN_LINE - 1;
        text_print(out, "%s%" PRIu64 " %s%s", (i - from) % IN_LINE == 0 ? "    " : " ", totals->drops[i],
                   words[i],
                   i + 1 == to ? "\n"
                   : ends_line ? ",\n"
                               : ",");
    }
}

void show_drops(const struct path_totals *totals, struct text *out)
{
    show_range(totals, "Dropped outbound", 0, DROP_INVALID_SA, out);
    show_range(totals, "Dropped inbound", DROP_INVALID_SA, DROP_COUNT, out);
}

void show_drops_of_no_tunnel(const struct path_worker_counters *counters, struct text *out)
{
    text_print(out, "ESP of no Tunnel\n  Dropped inbound\n");
    text_print(out, "    %" PRIu64 " unknown spi, %" PRIu64 " packet truncated\n",
               counters->counters[PATH_UNKNOWN_SPI], counters->counters[PATH_TRUNCATED]);
}
