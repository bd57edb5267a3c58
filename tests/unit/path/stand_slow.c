/* The stand's slow network: a token bucket on lo, asked for by netlink. */
#include <errno.h>
#include <linux/netlink.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "stand.h"

enum { LO = 1, QUEUE = 4 << 20 /* octets, more than any test sends */, BURST = 4096 };

struct request {
    struct nlmsghdr header;
    struct tcmsg message;
    uint8_t attributes[256];
};

static void request_put(struct request *request, uint16_t type, const void *content, size_t length)
{
    uint8_t *at = (uint8_t *)request + request->header.nlmsg_len;
    struct nlattr attribute = {.nla_len = (uint16_t)(sizeof attribute + length), .nla_type = type};
    memcpy(at, &attribute, sizeof attribute);
    memcpy(at + sizeof attribute, content, length);
    /* Attributes are aligned to four octets. */
    request->header.nlmsg_len += (uint32_t)(sizeof attribute + length + 3) & ~UINT32_C(3);
}

/* 0 or an errno value. */
static int request_send(const struct request *request)
{
    struct {
        struct nlmsghdr header;
        struct nlmsgerr error;
        uint8_t rest[512];
    } answer;
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    assert_true(fd >= 0);
    assert_true(send(fd, request, request->header.nlmsg_len, 0) > 0);
    assert_true(recv(fd, &answer, sizeof answer, 0) > 0);
    (void)close(fd);
    assert_int_equal(answer.header.nlmsg_type, NLMSG_ERROR);
    return -answer.error.error;
}

bool stand_slow_down(uint32_t octets_per_second)
{
    struct request request = {
        .header =
            {
                .nlmsg_len = NLMSG_LENGTH(sizeof request.message),
                .nlmsg_type = RTM_NEWQDISC,
                .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE,
            },
        .message = {.tcm_family = AF_UNSPEC, .tcm_ifindex = LO, .tcm_parent = TC_H_ROOT},
    };
    const struct tc_tbf_qopt parameters = {
        .rate = {.rate = octets_per_second, .linklayer = TC_LINKLAYER_ETHERNET},
        .limit = QUEUE,
    };
    const uint32_t burst = BURST;
    request_put(&request, TCA_KIND, "tbf", sizeof "tbf");
    size_t options = request.header.nlmsg_len;
    request_put(&request, TCA_OPTIONS, "", 0);
    request_put(&request, TCA_TBF_PARMS, &parameters, sizeof parameters);
    request_put(&request, TCA_TBF_BURST, &burst, sizeof burst);
    uint16_t length = (uint16_t)(request.header.nlmsg_len - options);
    memcpy((uint8_t *)&request + options, &length, sizeof length);

    int error = request_send(&request);
    if (error != 0)
        (void)printf("1..0 # SKIP no token bucket: %s\n", strerror(error));
    return error == 0;
}

void stand_drain(void)
{
    enum { HOST = 99 };
    const uint8_t last = 1;
    uint8_t taken[1];
    struct sockaddr_storage own;
    struct ip_endpoint endpoint = middle_endpoint(HOST);
    socklen_t size = ip_endpoint_to_sockaddr(&endpoint, &own);
    int fd = middle_open(HOST);
    assert_int_equal(sendto(fd, &last, sizeof last, 0, (const struct sockaddr *)&own, size), sizeof last);
    assert_int_equal(middle_take(fd, taken, sizeof taken, STAND_PATIENCE), sizeof last);
    (void)close(fd);
}
