#include "host/packets.h"

#include <stdlib.h>
#include <string.h>

#include "host/nft.h"
#include "host/packet_carry.h"

static const char list_command[] = "list table inet " NFT_TABLE;
/* What is left of the table stays: its counters are read when it is made anew. */
static const char stop_commands[] =
    "add table inet " NFT_TABLE "\n"
    "add chain inet " NFT_TABLE " stopped { type filter hook forward priority -400; policy drop; }\n";
static const char delete_command[] = "delete table inet " NFT_TABLE;

bool host_packets_plan(struct host_packets *packets, const struct host_plan *plan, struct host_error *err)
{
    char *wanted = NULL;
    if (!packet_rules_are_empty(&plan->packets)) {
        wanted = packet_rules_text(&plan->packets, err);
        if (wanted == NULL)
            return false;
    }
    bool same = wanted != NULL && packets->wanted != NULL && strcmp(wanted, packets->wanted) == 0;
    free(packets->wanted);
    packets->wanted = wanted;
    packets->blocking = packet_rules_block(&plan->packets);
    if (!same) {
        free(packets->standing);
        packets->standing = NULL;
        packets->harmed = false;
        packets->in_doubt = true;
    }
    return true;
}

bool host_packets_stand(const struct host_packets *packets)
{
    return !packets->blocking || packets->standing != NULL;
}

void host_packets_doubt(struct host_packets *packets)
{
    packets->in_doubt = true;
}

/* What an earlier musubid left, or an earlier plan. */
static bool remove_table(struct host_packets *packets, struct host_error *err)
{
    struct host_error reason;
    enum nft_presence presence = nft_find_table(&reason);
    packets->looked = true;
    return presence != NFT_TABLE_THERE || nft_run(delete_command, err);
}

/* True if the table is as it was made. */
static bool is_unchanged(const struct host_packets *packets)
{
    if (packets->standing == NULL)
        return false;
    char *listed = nft_list(list_command, false, NULL);
    bool same = listed != NULL && strcmp(listed, packets->standing) == 0;
    free(listed);
    return same;
}

void host_packets_guard(struct host_packets *packets)
{
    bool closed = packets->harmed;
    if (!packets->in_doubt || !packets->blocking || (packets->standing == NULL && !packets->harmed))
        return;
    if (packets->standing != NULL) {
        packets->in_doubt = !is_unchanged(packets);
        if (!packets->in_doubt)
            return;
        free(packets->standing);
        packets->standing = NULL;
        packets->harmed = true;
    }
    /* Where this fails, forwarding itself is switched off: the rules do not stand. */
    if (!closed || nft_find_table(NULL) == NFT_TABLE_MISSING)
        (void)nft_run(stop_commands, NULL);
}

/* Makes the table, whose counters go on from those of the rules before, if they are still there. */
static bool make_counting(struct host_packets *packets, struct host_error *err)
{
    struct packet_counts counts = {0};
    bool are_known = packets->made != NULL && packet_counts_read(&counts, NULL);
    char *commands = are_known ? packet_carry(packets->wanted, packets->made, &counts) : NULL;
    bool done = nft_run(commands != NULL ? commands : packets->wanted, err);
    free(commands);
    packet_counts_free(&counts);
    if (!done)
        return false;
    free(packets->made);
    packets->made = strdup(packets->wanted);
    return true;
}

static bool make_table(struct host_packets *packets, struct host_kernel *kernel, struct host_error *err)
{
    if (!watch_tables(kernel->watch, err) || !make_counting(packets, err))
        return false;
    packets->standing = nft_list(list_command, false, err);
    return packets->standing != NULL;
}

static bool set(struct host_packets *packets, struct host_kernel *kernel, struct host_error *err)
{
    if (packets->wanted == NULL)
        return (packets->looked && packets->standing == NULL && !packets->in_doubt) ||
               remove_table(packets, err);
    if (!packets->in_doubt || is_unchanged(packets))
        return true;
    bool was_there = packets->standing != NULL || packets->harmed;
    free(packets->standing);
    packets->standing = NULL;
    if (!make_table(packets, kernel, err))
        return host_fail_because(err, err, "packet rules (filters, NAPT, MSS of ports)");
    packets->harmed = false;
    if (was_there)
        host_note_put_back(kernel, "the table of packet rules (nftables, inet " NFT_TABLE ")");
    return true;
}

bool host_packets_reconcile(struct host_packets *packets, struct host_kernel *kernel, struct host_error *err)
{
    struct host_error reason;
    if (packets->losses != kernel->losses)
        packets->in_doubt = true;
    packets->losses = kernel->losses;
    host_packets_guard(packets);
    if (set(packets, kernel, &reason)) {
        packets->failure = 0;
        packets->in_doubt = false;
        return true;
    }
    host_note_failure(kernel, &packets->failure, &reason);
    if (err != NULL)
        *err = reason;
    return false;
}

void host_packets_remove(struct host_packets *packets, struct host_kernel *kernel)
{
    struct host_error reason;
    if (packets->wanted == NULL && packets->looked)
        return;
    if (!remove_table(packets, &reason))
        host_note(kernel, HOST_NOTE_WARNING, "%s", reason.text);
}

void host_packets_free(struct host_packets *packets)
{
    free(packets->wanted);
    free(packets->standing);
    free(packets->made);
    *packets = (struct host_packets){0};
}
