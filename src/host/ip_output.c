#include "host/ip_output.h"

#include <netinet/in.h> /* before those of Linux, which then leave out what it defines */

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/xfrm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host/rule.h"

enum { TTL_DEFAULT = 64 };

struct ip_output {
    int plain_socket;                     /* tells the TTL */
    struct mnl_socket *tables, *policies; /* NULL: this kernel has none */
    bool found;                           /* something, by the question that is being asked */
};

static struct mnl_socket *open_bus(int bus, bool *failed)
{
    struct mnl_socket *socket = mnl_socket_open2(bus, SOCK_CLOEXEC);
    if (socket == NULL) {
        *failed = *failed || errno != EPROTONOSUPPORT;
        return NULL;
    }
    if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) == 0)
        return socket;
    *failed = true;
    (void)mnl_socket_close(socket);
    return NULL;
}

struct ip_output *ip_output_open(struct host_error *err)
{
    struct ip_output *output = calloc(1, sizeof *output);
    bool failed = output == NULL;
    if (output != NULL) {
        output->plain_socket = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        output->tables = open_bus(NETLINK_NETFILTER, &failed);
        output->policies = open_bus(NETLINK_XFRM, &failed);
    }
    if (!failed && output->plain_socket >= 0)
        return output;
    (void)host_fail(err, errno, "cannot ask Linux what it does to packets");
    ip_output_close(output);
    return NULL;
}

void ip_output_close(struct ip_output *output)
{
    if (output == NULL)
        return;
    if (output->plain_socket >= 0)
        (void)close(output->plain_socket);
    if (output->tables != NULL)
        (void)mnl_socket_close(output->tables);
    if (output->policies != NULL)
        (void)mnl_socket_close(output->policies);
    free(output);
}

/* ---- nftables and iptables ------------------------------------------------------------------------- */

static int take_chain(const struct nlmsghdr *message, void *context)
{
    struct ip_output *output = context;
    const struct nfgenmsg *header = mnl_nlmsg_get_payload(message);
    const struct nlattr *attribute[NFTA_CHAIN_HOOK + 1];
    netlink_attributes(message, sizeof *header, NFTA_CHAIN_HOOK, attribute);
    if (attribute[NFTA_CHAIN_HOOK] != NULL &&
        (header->nfgen_family == NFPROTO_IPV4 || header->nfgen_family == NFPROTO_INET))
        output->found = true;
    return MNL_CB_OK;
}

static bool has_chains(struct ip_output *output)
{
    _Alignas(struct nlmsghdr) char buffer[256];
    if (output->tables == NULL)
        return false;
    struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
    message->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETCHAIN;
    message->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    struct nfgenmsg *header = mnl_nlmsg_put_extra_header(message, sizeof *header);
    *header = (struct nfgenmsg){.nfgen_family = NFPROTO_UNSPEC, .version = NFNETLINK_V0};
    output->found = false;
    int failure = netlink_ask_other(output->tables, message, take_chain, output);
    /* A list that changes while it is read (EINTR) is read again when the change is told. EINVAL: no
     * nf_tables. */
    return output->found || (failure != 0 && failure != EINTR && failure != EINVAL);
}

/* The names of the tables that iptables has made stand in a file. */
static bool has_iptables(void)
{
    FILE *file = fopen("/proc/net/ip_tables_names", "re");
    if (file == NULL)
        return errno != ENOENT;
    bool any = fgetc(file) != EOF;
    (void)fclose(file);
    return any;
}

/* ---- IPsec policies -------------------------------------------------------------------------------- */

static int take_policies(const struct nlmsghdr *message, void *context)
{
    struct ip_output *output = context;
    const struct nlattr *attribute[XFRMA_SPD_INFO + 1];
    netlink_attributes(message, sizeof(uint32_t), XFRMA_SPD_INFO, attribute);
    struct xfrmu_spdinfo counts = {0};
    const struct nlattr *info = attribute[XFRMA_SPD_INFO];
    if (info != NULL && mnl_attr_get_payload_len(info) >= sizeof counts)
        memcpy(&counts, mnl_attr_get_payload(info), sizeof counts);
    output->found = counts.outcnt != 0;
    return MNL_CB_STOP; /* it is one message */
}

static bool has_policies(struct ip_output *output)
{
    _Alignas(struct nlmsghdr) char buffer[256];
    if (output->policies == NULL)
        return false;
    struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
    message->nlmsg_type = XFRM_MSG_GETSPDINFO;
    message->nlmsg_flags = NLM_F_REQUEST;
    (void)mnl_nlmsg_put_extra_header(message, sizeof(uint32_t));
    output->found = false;
    return netlink_ask_other(output->policies, message, take_policies, output) != 0 || output->found;
}

/* ---- Rules ----------------------------------------------------------------------------------------- */

static bool take_rule(void *context, const struct nlmsghdr *reply)
{
    bool *found = context;
    struct host_rule rule;
    *found = *found || (host_rule_read(reply, &rule) && rule.family == IP_V4 && rule.by_protocol);
    return true;
}

static bool has_rules_by_protocol(struct netlink *nl)
{
    struct host_error reason;
    bool found = false;
    return !host_rule_list(nl, take_rule, &found, &reason) || found;
}

bool ip_output_is_plain(struct ip_output *output, struct netlink *nl)
{
    return !has_chains(output) && !has_iptables() && !has_policies(output) && !has_rules_by_protocol(nl);
}

uint8_t ip_output_ttl(const struct ip_output *output)
{
    int ttl = TTL_DEFAULT;
    socklen_t size = sizeof ttl;
    (void)getsockopt(output->plain_socket, IPPROTO_IP, IP_TTL, &ttl, &size);
    return (uint8_t)ttl;
}
