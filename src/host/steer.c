#include "host/steer.h"

#include <errno.h>
#include <linux/filter.h>
#include <sys/socket.h>

#include "esp/owner.h"

enum { ACCEPT_ALL = 0xffffffff };

static bool attach(int fd, int option, struct sock_filter *code, size_t length, struct host_error *err)
{
    const struct sock_fprog program = {.len = (unsigned short)length, .filter = code};
    return setsockopt(fd, SOL_SOCKET, option, &program, sizeof program) == 0 ||
           host_fail(err, errno, "cannot attach a socket filter");
}

#define ATTACH(fd, option, code, err) attach(fd, option, code, sizeof(code) / sizeof(code)[0], err)

/* esp_owner_of_spi of the SPI in the accumulator. */
#define OWNER_OF_SPI(workers)                                                                                \
    BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, ESP_OWNERS_MAX), BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, workers)

bool steer_udp_by_spi(int fd, uint32_t workers, struct host_error *err)
{
    struct sock_filter code[] = {
        /* offset 0 is the first octet after the UDP header; the result is the index of the socket */
        BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 4, 0, 6), /* too short: engine */
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 4, 0), /* zero marker: engine */
        OWNER_OF_SPI(workers),
        BPF_STMT(BPF_ALU | BPF_ADD | BPF_K, 1),
        BPF_STMT(BPF_RET | BPF_A, 0),
        BPF_STMT(BPF_RET | BPF_K, 0),
    };
    return ATTACH(fd, SO_ATTACH_REUSEPORT_CBPF, code, err);
}

bool steer_udp_to_first(int fd, struct host_error *err)
{
    struct sock_filter code[] = {BPF_STMT(BPF_RET | BPF_K, 0)};
    return ATTACH(fd, SO_ATTACH_REUSEPORT_CBPF, code, err);
}

bool steer_esp_by_spi(int fd, enum ip_family family, uint32_t worker, uint32_t workers,
                      struct host_error *err)
{
    const uint32_t without_spi = worker == 0 ? ACCEPT_ALL : 0; /* what is too short is counted once */
    struct sock_filter v4[] = {
        /* an IPv4 raw socket sees the IP header first: X = its length */
        BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0),
        BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
        BPF_STMT(BPF_ALU | BPF_SUB | BPF_X, 0),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 4, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, without_spi),
        BPF_STMT(BPF_LD | BPF_W | BPF_IND, 0),
        OWNER_OF_SPI(workers),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, worker, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, ACCEPT_ALL),
        BPF_STMT(BPF_RET | BPF_K, 0),
    };
    struct sock_filter v6[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 4, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, without_spi),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
        OWNER_OF_SPI(workers),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, worker, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, ACCEPT_ALL),
        BPF_STMT(BPF_RET | BPF_K, 0),
    };
    return family == IP_V4 ? ATTACH(fd, SO_ATTACH_FILTER, v4, err) : ATTACH(fd, SO_ATTACH_FILTER, v6, err);
}

bool steer_nothing(int fd, struct host_error *err)
{
    struct sock_filter code[] = {BPF_STMT(BPF_RET | BPF_K, 0)};
    return ATTACH(fd, SO_ATTACH_FILTER, code, err);
}
