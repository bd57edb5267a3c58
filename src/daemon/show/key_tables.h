/*
 * `debug keys`: the keys of SAs as rows of Wireshark's tables ikev2_decryption_table and esp_sa, with which
 * it decrypts a capture. musubi reads the rows too.
 */
#ifndef MUSUBI_DAEMON_SHOW_KEY_TABLES_H
#define MUSUBI_DAEMON_SHOW_KEY_TABLES_H

#include "daemon/ipc/text.h"
#include "ike/sa/record.h"

/* Appends the row of an IKE SA, with the name of its table; nothing if it has no keys yet. */
void show_ike_key_row(const struct ike_record *sa, struct text *out);

/* Appends the rows of all its Child SAs, two for each. */
void show_esp_key_rows(const struct ike_record *sa, struct text *out);

#endif
