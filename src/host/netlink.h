/*
 * A socket for questions and orders to the kernel by rtnetlink, one at a time, each with its answer. What the
 * kernel reports unasked comes by another socket, see host/watch.h.
 */
#ifndef MUSUBI_HOST_NETLINK_H
#define MUSUBI_HOST_NETLINK_H

#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"
#include "base/bytes.h"
#include "host/error.h"

struct netlink;

/* Called for each message of an answer, which is gone after the call. Must not use the same socket. False
 * stops: then the query fails with ENOMEM. */
typedef bool netlink_reply(void *context, const struct nlmsghdr *reply);

/* Opens a socket in the network namespace of the calling thread; NULL with a reason on failure. */
struct netlink *netlink_open(struct host_error *err);

/* `nl` may be NULL. */
void netlink_close(struct netlink *nl);

/* The socket's own address, which notifications of what it ordered carry as their nlmsg_pid. */
uint32_t netlink_port_id(const struct netlink *nl);

/* The socket's descriptor, which serves requests by ioctl too. */
int netlink_fd(const struct netlink *nl);

/* Begins a message of `type` with NLM_F_REQUEST and `flags`, followed by `size` zeroed octets of the type's
 * own header, which `*header` points to. The message stands in `nl` until the next one is begun; attributes
 * are appended by libmnl's mnl_attr_put functions (NETLINK_MESSAGE_SIZE octets in all). */
struct nlmsghdr *netlink_begin(struct netlink *nl, uint16_t type, uint16_t flags, size_t size, void *header);

enum { NETLINK_MESSAGE_SIZE = 4096 };

/* Sends the message and waits for the kernel's yes or no. `err->number` is the kernel's errno, and the text
 * holds its own explanation where it gives one. */
bool netlink_order(struct netlink *nl, struct nlmsghdr *message, struct host_error *err);

/* Sends the message and hands each part of the answer to `reply`. With NLM_F_DUMP among its flags the answer
 * is a list; a list that changed while it was read is read anew once more, so a caller may see an entry
 * twice. */
bool netlink_query(struct netlink *nl, struct nlmsghdr *message, netlink_reply *reply, void *context,
                   struct host_error *err);

/*
 * The same for a socket of another netlink bus that is bound (NETLINK_NETFILTER, NETLINK_XFRM): sends the
 * message, which gets its sequence number here, and hands each part of the answer to `take`, as mnl_cb_run
 * does; NULL: there is only a yes or no. Returns 0 or an errno, which may be the kernel's answer.
 */
int netlink_ask_other(struct mnl_socket *socket, struct nlmsghdr *message, mnl_cb_t take, void *context);

/* Appends an address of either family as an attribute of its 4 or 16 octets. */
void netlink_put_address(struct nlmsghdr *message, uint16_t type, const struct ip_address *address);

/* The attribute after `before` in a run of attributes, the first one if that is NULL; NULL at the end. */
const struct nlattr *netlink_next(struct octets run, const struct nlattr *before);

/* The run of attributes within one; empty for NULL. */
struct octets netlink_nested(const struct nlattr *attribute);

/* The attributes of a message by type: `table[t]` is the last one of type t, or NULL. `header` is the size of
 * the type's own header, `max` the highest type wanted; `table` has max + 1 places. */
void netlink_attributes(const struct nlmsghdr *message, size_t header, uint16_t max,
                        const struct nlattr *table[]);

/* The values of attributes; 0, "" or an address of IP_NONE if `attribute` is NULL or too short. */
uint8_t netlink_get_u8(const struct nlattr *attribute);
uint32_t netlink_get_u32(const struct nlattr *attribute);
const char *netlink_get_text(const struct nlattr *attribute);
struct ip_address netlink_get_address(const struct nlattr *attribute, enum ip_family family);

/* AF_INET and AF_INET6 as IP_V4 and IP_V6, all others as IP_NONE. */
enum ip_family netlink_family(int af);

#endif
