#include "host/nft.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <nftables/libnftables.h>
#include <stdlib.h>
#include <string.h>

#include "host/netlink.h"

enum { EXCERPT_SIZE = 120 };

/* ---- Asking the kernel itself ---------------------------------------------------------------------- */

/* The errno with which the kernel answers the question for our table; 0 if the table is there. */
static int ask_for_table(struct mnl_socket *socket)
{
    _Alignas(struct nlmsghdr) char buffer[256];
    struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
    message->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETTABLE;
    message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
    struct nfgenmsg *header = mnl_nlmsg_put_extra_header(message, sizeof *header);
    *header = (struct nfgenmsg){.nfgen_family = NFPROTO_INET, .version = NFNETLINK_V0};
    mnl_attr_put_strz(message, NFTA_TABLE_NAME, NFT_TABLE);
    if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0)
        return errno;
    return netlink_ask_other(socket, message, NULL, NULL);
}

enum nft_presence nft_find_table(struct host_error *err)
{
    static const char cannot[] = "cannot ask Linux for its packet rules";
    struct mnl_socket *socket = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
    int failure = socket != NULL ? ask_for_table(socket) : errno;
    if (socket != NULL)
        (void)mnl_socket_close(socket);
    if (failure == 0)
        return NFT_TABLE_THERE;
    if (failure == ENOENT)
        return NFT_TABLE_MISSING;
    /* The first without nfnetlink, the second without nf_tables. */
    if (failure == EPROTONOSUPPORT || failure == EINVAL)
        (void)host_fail(err, 0, "this Linux kernel has no nf_tables");
    else
        (void)host_fail(err, failure, cannot);
    return NFT_UNKNOWN;
}

bool nft_report_is_ours(const struct nlmsghdr *message)
{
    if (message->nlmsg_type >> 8 != NFNL_SUBSYS_NFTABLES)
        return false;
    /* The name of the table is attribute 1 of tables, chains, rules, sets, their elements, and objects. */
    const struct nlattr *attribute[NFTA_TABLE_NAME + 1];
    netlink_attributes(message, sizeof(struct nfgenmsg), NFTA_TABLE_NAME, attribute);
    return strcmp(netlink_get_text(attribute[NFTA_TABLE_NAME]), NFT_TABLE) == 0;
}

/* ---- Orders ---------------------------------------------------------------------------------------- */

/* libnftables says what is wrong, then the line, then marks the place in it. */
static bool fail_with(struct host_error *err, const char *said)
{
    size_t length = strcspn(said, "\n");
    const char *what = memmem(said, length, "Error: ", strlen("Error: "));
    const char *line = said[length] != '\0' ? said + length + 1 : "";
    what = what != NULL ? what + strlen("Error: ") : said;
    length -= (size_t)(what - said);
    line += strspn(line, " \t");
    size_t excerpt = strcspn(line, "\n");
    if (excerpt > EXCERPT_SIZE)
        excerpt = EXCERPT_SIZE;
    return host_fail(err, 0, "nftables: %.*s%s%.*s", (int)length, what, excerpt > 0 ? ": " : "", (int)excerpt,
                     line);
}

/* A context for one command: its socket would be inherited by programs that are started meanwhile. */
static struct nft_ctx *open_context(struct host_error *err)
{
    /* libnftables ends the process if there is no such socket, so that is found out before. */
    if (nft_find_table(err) == NFT_UNKNOWN)
        return NULL;
    struct nft_ctx *context = nft_ctx_new(NFT_CTX_DEFAULT);
    if (context == NULL || nft_ctx_buffer_output(context) != 0 || nft_ctx_buffer_error(context) != 0) {
        if (context != NULL)
            nft_ctx_free(context);
        (void)host_fail(err, ENOMEM, "nftables");
        return NULL;
    }
    return context;
}

bool nft_run(const char *commands, struct host_error *err)
{
    struct nft_ctx *context = open_context(err);
    if (context == NULL)
        return false;
    bool done = nft_run_cmd_from_buffer(context, commands) == 0;
    if (!done)
        (void)fail_with(err, nft_ctx_get_error_buffer(context));
    nft_ctx_free(context);
    return done;
}

char *nft_list(const char *command, bool state, struct host_error *err)
{
    struct nft_ctx *context = open_context(err);
    if (context == NULL)
        return NULL;
    char *listed = NULL;
    nft_ctx_output_set_flags(context, NFT_CTX_OUTPUT_NUMERIC_ALL | (state ? 0U : NFT_CTX_OUTPUT_STATELESS));
    if (nft_run_cmd_from_buffer(context, command) != 0)
        (void)fail_with(err, nft_ctx_get_error_buffer(context));
    else if ((listed = strdup(nft_ctx_get_output_buffer(context))) == NULL)
        (void)host_fail(err, ENOMEM, "nftables");
    nft_ctx_free(context);
    return listed;
}
