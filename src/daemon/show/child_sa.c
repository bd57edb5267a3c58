#include "daemon/show/child_sa.h"

#include <inttypes.h>

#include "crypto/algorithm.h"
#include "daemon/show/ike_sa.h"

static void show_direction(const char *name, const struct child_direction *direction,
                           const struct encryption_algorithm *encryption,
                           const struct integrity_algorithm *integrity, struct text *out)
{
    text_print(out, "      Direction is %s\n", name);
    text_print(out, "        SPI : 0x%08" PRIx32 "\n", direction->spi);
    text_print(out, "        Serial : %" PRIu32 "\n", direction->serial);
    if (integrity != NULL) {
        text_print(out, "        Authkey : 0x");
        text_append_hex(out, direction->integrity_key, integrity->key_size);
        text_print(out, "\n");
    }
    if (encryption != NULL) {
        text_print(out, "        Enckey  : 0x");
        text_append_hex(out, direction->encryption_key, encryption->key_size + encryption->salt_size);
        text_print(out, "\n");
    }
}

static void show_selector(const struct traffic_selector *ts, struct text *out)
{
    char first[IP_TEXT_SIZE];
    char last[IP_TEXT_SIZE];
    text_print(out, "      TS type : %s\n",
               ts->first.family == IP_V6 ? "IPV6-ADDR-RANGE" : "IPV4-ADDR-RANGE");
    text_print(out, "        Protocol %u\n", (unsigned)ts->protocol);
    text_print(out, "        Address Range %s to %s\n", ip_address_format(&ts->first, first),
               ip_address_format(&ts->last, last));
    text_print(out, "        Port Range %u to %u\n", (unsigned)ts->first_port, (unsigned)ts->last_port);
}

static void show_selectors(const char *heading, const struct selector_list *list, struct text *out)
{
    text_print(out, "      %s:\n", heading);
    for (size_t i = 0; i < list->count; i++)
        show_selector(&list->ts[i], out);
}

static void show_child_sa(const struct ike_record *sa, const struct ike_child_record *child,
                          const struct tunnel_policy *policy, msec_t now, struct text *out)
{
    const struct encryption_algorithm *encryption = child->suite.encryption;
    const struct integrity_algorithm *integrity = child->suite.integrity;
    char address[IP_TEXT_SIZE];
    text_print(out, "    Child SA\n      Protocol : ESP\n");
    text_print(out, "      Local Addr : %s\n", ip_address_format(&sa->local.address, address));
    text_print(out, "      Peer Addr  : %s\n", ip_address_format(&sa->remote.address, address));
    text_print(out, "      Enc alg  : %s\n", encryption != NULL ? encryption->name : "-");
    text_print(out, "      Hash alg : %s\n", integrity != NULL ? integrity->name : "none");
    text_print(out, "      Remain lifetime[sec] : %" PRIu64 "\n", show_seconds_left(child->expires, now));
    text_print(out, "      Anti-replay : %s\n", policy->anti_replay ? "on" : "off");
    show_direction("outbound", &child->outbound, encryption, integrity, out);
    show_direction("inbound", &child->inbound, encryption, integrity, out);
    show_selectors("Local TS", &child->local_ts, out);
    show_selectors("Peer TS", &child->remote_ts, out);
}

void show_child_sas(const struct ike_record *sa, const struct tunnel_policy *policy, msec_t now,
                    struct text *out)
{
    bool has_heading = false;
    for (size_t i = 0; i < sa->child_count; i++) { /* newest first (S33) */
        if (!show_child_is_live(&sa->children[i]))
            continue;
        if (!has_heading) {
            text_print(out, "  IKE Peer ID : ");
            show_identity(&sa->remote_id, out);
            text_print(out, "\n    IKE SPI (I)0x%016" PRIx64 "  (R)0x%016" PRIx64 "\n", sa->spi_i, sa->spi_r);
            text_print(out, "    IKE SA serial : %" PRIu32 "\n", sa->serial);
            has_heading = true;
        }
        show_child_sa(sa, &sa->children[i], policy, now, out);
    }
}

void show_child_statistics(const struct path_totals *totals, const struct history *history, struct text *out)
{
    const uint64_t *n = totals->counters;
    text_print(out, "    Statistics\n      Outbound\n");
    text_print(out, "        %" PRIu64 " packets, %" PRIu64 " octets\n", n[ESP_OUT_PACKETS],
               n[ESP_OUT_OCTETS]);
    text_print(
        out, "        %" PRIu64 " cipher failure,  %" PRIu64 " out of memory, %" PRIu64 " ts unacceptable\n",
        n[ESP_OUT_CIPHER_FAILURE], n[ESP_OUT_NO_MEMORY], n[ESP_OUT_TS_UNACCEPTABLE]);
    text_print(out, "        %" PRIu64 " misc error\n", n[ESP_OUT_MISC_ERROR]);
    text_print(out, "      Inbound\n");
    text_print(out, "        %" PRIu64 " packets, %" PRIu64 " octets\n", n[ESP_IN_PACKETS], n[ESP_IN_OCTETS]);
    text_print(out,
               "        %" PRIu64 " invalid sa, %" PRIu64 " replay detected, %" PRIu64 " integrity failure\n",
               n[ESP_IN_INVALID_SA], n[ESP_IN_REPLAY], n[ESP_IN_INTEGRITY_FAILURE]);
    text_print(out,
               "        %" PRIu64 " cipher failure, %" PRIu64 " packet truncated, %" PRIu64
               " invalid padding,\n",
               n[ESP_IN_CIPHER_FAILURE], n[ESP_IN_TRUNCATED], n[ESP_IN_INVALID_PADDING]);
    text_print(
        out, "        %" PRIu64 " unknown protocol, %" PRIu64 " out of memory, %" PRIu64 " ts unacceptable\n",
        n[ESP_IN_UNKNOWN_PROTOCOL], n[ESP_IN_NO_MEMORY], n[ESP_IN_TS_UNACCEPTABLE]);
    text_print(out, "        %" PRIu64 " misc error\n", n[ESP_IN_MISC_ERROR]);
    text_print(out, "    History\n      Time                Event\n");
    history_print(history, "      ", out);
}
