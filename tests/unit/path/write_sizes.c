/* Writes docs/sizes.md to standard output. */
#include <stdio.h>

#include "path/size.h"

static const char introduction[] =
    "# How large packets may be\n"
    "\n"
    "This page is made from `src/path/size.c`; `make docs` writes it.\n"
    "\n"
    "A packet becomes larger by encryption: by the outer IP header, the UDP header with NAT traversal, the "
    "ESP\n"
    "header, the IV, padding, and the ICV. The tables show, for each pair of encryption and integrity "
    "algorithm:\n"
    "\n"
    "- **overhead**: octets that are added, the least and the most; how many depends on the padding;\n"
    "- **largest inner packet** that fits an outer MTU of 1500 octets (Ethernet), 1492 (PPPoE), 1454 (PPPoE "
    "of\n"
    "  FLET'S) and 1280 (the least of IPv6), with its header: one octet more does not fit;\n"
    "- **MSS** that `ip tcp adjust-mss auto` sets for IPv4 and IPv6 inside, with an outer MTU of 1500 "
    "octets.\n";

static const size_t mtus[] = {1500, 1492, 1454, 1280};

enum { MTU_COUNT = sizeof mtus / sizeof mtus[0], ALIGNMENT_MAX = 16 };

static void write_row(const struct encryption_algorithm *encryption,
                      const struct integrity_algorithm *integrity, enum ip_family outer, bool encapsulated)
{
    const struct size_form form = {esp_framing_of(encryption, integrity), outer, encapsulated};
    size_t least = SIZE_MAX;
    size_t most = 0;
    for (size_t inner = 100; inner < 100 + ALIGNMENT_MAX; inner++) {
        size_t overhead = size_outer(&form, inner) - inner;
        least = overhead < least ? overhead : least;
        most = overhead > most ? overhead : most;
    }
    (void)printf("| %s | %s | %zu to %zu", encryption->word, integrity != NULL ? integrity->word : "", least,
                 most);
    for (size_t i = 0; i < MTU_COUNT; i++)
        (void)printf(" | %zu", size_largest_inner(&form, mtus[i]));
    size_t largest = size_largest_inner(&form, mtus[0]);
    (void)printf(" | %u | %u |\n", size_mss(IP_V4, largest), size_mss(IP_V6, largest));
}

static void write_table(enum ip_family outer, bool encapsulated)
{
    (void)printf(
        "\n## IPv%d outside%s\n\n"
        "| encryption | integrity | overhead | MTU 1500 | 1492 | 1454 | 1280 | MSS IPv4 | MSS IPv6 |\n"
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |\n",
        (int)outer, encapsulated ? ", NAT traversal" : "");
    for (size_t i = 0; i < ENCRYPTION_COUNT; i++) {
        const struct encryption_algorithm *encryption = &encryption_algorithms[i];
        if (encryption_is_aead(encryption))
            write_row(encryption, NULL, outer, encapsulated);
        for (size_t j = 0; j < INTEGRITY_COUNT && !encryption_is_aead(encryption); j++)
            write_row(encryption, &integrity_algorithms[j], outer, encapsulated);
    }
}

int main(void)
{
    (void)fputs(introduction, stdout);
    write_table(IP_V4, false);
    write_table(IP_V4, true);
    write_table(IP_V6, false);
    write_table(IP_V6, true);
    return 0;
}
