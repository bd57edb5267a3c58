/*
 * The router's names of interfaces and the Linux links behind them (S16). If a name is mapped more than
 * once, the command line (`--port`) beats the config (`device`), so that one config serves on several
 * machines.
 */
#ifndef MUSUBI_HOST_PORT_H
#define MUSUBI_HOST_PORT_H

#include <stdbool.h>
#include <stddef.h>

#include "host/error.h"
#include "host/link.h"

enum { PORT_NAME_SIZE = 48 };

enum port_origin {
    PORT_FROM_CONFIG,       /* `device GigaEthernetN` or `GigaEthernetN.M` / `linux-interface NAME` */
    PORT_FROM_COMMAND_LINE, /* `--port` */
};

struct port_entry {
    char name[PORT_NAME_SIZE]; /* "GigaEthernet0.0": a device without sub-interface is completed by ".0" */
    char link[HOST_LINK_NAME_SIZE];
    enum port_origin origin;
};

struct port_table {
    struct port_entry *entries;
    size_t count, room;
};

/* Frees what the table holds and empties it. A zeroed table is an empty one. */
void port_table_clear(struct port_table *table);

/* Takes away what came from the config, before a new one is read. */
void port_table_forget_config(struct port_table *table);

/*
 * Says which link stands behind a port: "GigaEthernetN", "GigaEthernetN.M" or with ":P" after N. False with a
 * reason if the name or the link's name is not valid, if the link stands behind another port already, or if
 * the config says otherwise of the same port already (GigaEthernet0 is GigaEthernet0.0).
 */
bool port_table_set(struct port_table *table, enum port_origin origin, const char *name, const char *link,
                    struct host_error *err);

/* The same from the text of a `--port` option, "GigaEthernetN=NAME" or "GigaEthernetN.M=NAME". */
bool port_table_set_option(struct port_table *table, const char *option, struct host_error *err);

/*
 * The Linux link of an interface of the command language: as the table says; else geN for GigaEthernetN.0, lo
 * for LoopbackN.M, and the same name for TunnelN.M. Null0.0 and others have none. The link need not exist.
 * False with a reason if there is none.
 */
bool port_table_find(const struct port_table *table, const char *name, char link[HOST_LINK_NAME_SIZE],
                     struct host_error *err);

/* The interface of the command language behind a link; false if it is none of ours. */
bool port_table_find_link(const struct port_table *table, const char *link, char name[PORT_NAME_SIZE]);

#endif
