/*
 * Orders to nftables, in the language of its program nft, by libnftables.
 */
#ifndef MUSUBI_HOST_NFT_H
#define MUSUBI_HOST_NFT_H

#include <libmnl/libmnl.h>
#include <stdbool.h>

#include "host/error.h"

/* The one table that is ours, in the family inet. Whatever stands in it is ours to remove. */
#define NFT_TABLE "musubi"

enum nft_presence { NFT_TABLE_THERE, NFT_TABLE_MISSING, NFT_UNKNOWN };

/* Asks the kernel whether our table is there. NFT_UNKNOWN with a reason if it has no nf_tables or can't be
 * asked. */
enum nft_presence nft_find_table(struct host_error *err);

/* Carries out commands as one transaction: all of them or none. */
bool nft_run(const char *commands, struct host_error *err);

/* The answer to a command that lists something, to be freed; NULL with a reason. With `state` the values of
 * counters are in it. */
char *nft_list(const char *command, bool state, struct host_error *err);

/* True if a report of the kernel (of its group NFNLGRP_NFTABLES) is about our table or what is in it. */
bool nft_report_is_ours(const struct nlmsghdr *message);

#endif
