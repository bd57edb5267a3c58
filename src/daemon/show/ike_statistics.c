#include "daemon/show/ike_statistics.h"

#include <inttypes.h>

#include "daemon/show/tunnel_packets.h"

/* In the order in which they are printed. */
static const struct {
    const char *heading; /* of this row and those behind it; NULL: that of the row before */
    enum ike_counter counter;
    const char *text;
} rows[] = {
    {"IKE messages", IKE_COUNT_RECEIVED, "received"},
    {NULL, IKE_COUNT_SENT, "sent"},
    {NULL, IKE_COUNT_RETRANSMITTED, "requests sent again, since no answer came"},
    {NULL, IKE_COUNT_REPLAYED, "requests of peers that came again, and got the same answer"},
    {NULL, IKE_COUNT_FRAGMENTS, "fragments received"},
    {NULL, IKE_COUNT_COOKIES, "IKE_SA_INIT answered with COOKIE"},
    {"IKE messages of no use", IKE_COUNT_IKEV1, "IKEv1"},
    {NULL, IKE_COUNT_WRONG_VERSION, "of another major version"},
    {NULL, IKE_COUNT_NO_TUNNEL, "IKE_SA_INIT that no tunnel may answer"},
    {NULL, IKE_COUNT_TOO_EARLY, "IKE_SA_INIT before all tunnels were there"},
    {NULL, IKE_COUNT_HALF_OPEN_LIMIT, "beyond the limits of half-open IKE SAs"},
    {NULL, IKE_COUNT_UNKNOWN_SPI, "unknown SPI"},
    {NULL, IKE_COUNT_IN_CLEAR, "notifications in the clear, which prove nothing"},
    {NULL, IKE_COUNT_OUT_OF_WINDOW, "message ID outside of the window"},
    {NULL, IKE_COUNT_INTEGRITY, "integrity failure"},
    {NULL, IKE_COUNT_MALFORMED, "malformed"},
    {NULL, IKE_COUNT_FRAGMENTS_UNUSED, "fragments that fit no message"},
};
/* Those of the packet path that no Tunnel has; show_drops_of_no_tunnel prints the others. */
static const struct {
    enum path_counter counter;
    const char *text;
} path_rows[] = {
    {PATH_KEEPALIVES, "NAT keepalives received"},
    {PATH_PASSED_ON, "ESP packets passed on to another worker"},
    {PATH_IKE_DATAGRAMS, "IKE datagrams lost on their way to the engine"},
    {PATH_MISDIRECTED, "ESP packets lost on their way to another worker"},
    {PATH_EVENTS_LOST, "reports to the engine that found no room"},
    {PATH_READ_ERRORS, "errors of reading sockets and Tunnels"},
};
enum { PATH_COUNTERS_PRINTED_AS_DROPS = 2 };
_Static_assert(sizeof(path_rows) / sizeof(path_rows[0]) + PATH_COUNTERS_PRINTED_AS_DROPS ==
                   PATH_COUNTER_COUNT,
               "each counter of the packet path is printed");

_Static_assert(sizeof(rows) / sizeof(rows[0]) == IKE_COUNTER_COUNT, "each counter has a row");

void show_ike_statistics(const uint64_t counters[IKE_COUNTER_COUNT], const struct path_worker_counters *path,
                         struct text *out)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].heading != NULL)
            text_print(out, "%s\n", rows[i].heading);
        text_print(out, "  %" PRIu64 " %s\n", counters[rows[i].counter], rows[i].text);
    }
    show_drops_of_no_tunnel(path, out);
    text_print(out, "Packet path\n");
    for (size_t i = 0; i < sizeof(path_rows) / sizeof(path_rows[0]); i++)
        text_print(out, "  %" PRIu64 " %s\n", path->counters[path_rows[i].counter], path_rows[i].text);
}
