#include "host/tun.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <linux/virtio_net.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#ifndef IFF_NO_CARRIER
#define IFF_NO_CARRIER 0x0040 /* Linux 6.2; older ones ignore it, and the carrier goes on for a moment */
#endif

#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20 /* Linux 6.2 */
#define TUN_F_USO6 0x40
#endif

/* True if this kernel's TUN devices can have the flag. */
static bool has_feature(int fd, unsigned flag)
{
    unsigned features = 0;
    return ioctl(fd, TUNGETFEATURES, &features) == 0 && (features & flag) != 0;
}

static bool switch_carrier(int fd, bool on, struct host_error *err)
{
    int carrier = on;
    return ioctl(fd, TUNSETCARRIER, &carrier) == 0 ||
           host_fail(err, errno, "cannot switch the carrier of a TUN device");
}

int tun_open(const char *name, bool create, const struct tun_options *options, int any_socket,
             struct host_error *err)
{
    int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        host_fail(err, errno, "cannot open /dev/net/tun");
        return -1;
    }
    struct ifreq request = {0};
    int flags = IFF_TUN | IFF_NO_PI | IFF_NO_CARRIER;
    if (create)
        flags |= IFF_TUN_EXCL;
    if (options->multi_queue)
        flags |= IFF_MULTI_QUEUE;
    if (options->vnet_header && has_feature(fd, IFF_VNET_HDR))
        flags |= IFF_VNET_HDR;
    (void)snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
    request.ifr_flags = (short)flags;
    if (ioctl(fd, TUNSETIFF, &request) < 0) {
        host_fail(err, errno, create ? "cannot create %s" : "cannot open %s", name);
        (void)close(fd);
        return -1;
    }
    /* No route leads through a device that was made just now: nothing has to settle. */
    if (create ? !switch_carrier(fd, false, err) : !tun_set_carrier(fd, name, false, any_socket, err)) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

struct tun_offload tun_set_offload(int fd)
{
    enum { TCP = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN, UDP = TUN_F_USO4 | TUN_F_USO6 };
    struct ifreq request = {0};
    int header_size = sizeof(struct virtio_net_hdr);
    struct tun_offload offload = {0};
    if (ioctl(fd, TUNGETIFF, &request) < 0 || ((unsigned short)request.ifr_flags & IFF_VNET_HDR) == 0 ||
        ioctl(fd, TUNSETVNETHDRSZ, &header_size) < 0) {
        (void)ioctl(fd, TUNSETOFFLOAD, 0UL);
        return offload;
    }
    offload.vnet_header = true;
    offload.udp = ioctl(fd, TUNSETOFFLOAD, (unsigned long)(TCP | UDP)) == 0;
    if (!offload.udp)
        (void)ioctl(fd, TUNSETOFFLOAD, (unsigned long)TCP); /* else each packet comes by itself */
    return offload;
}

bool tun_set_persistent(int fd, bool on, struct host_error *err)
{
    return ioctl(fd, TUNSETPERSIST, (unsigned long)on) == 0 ||
           host_fail(err, errno, "cannot make a TUN device persistent");
}

/* Linux notices a change of the carrier, and routes follow it, up to a second late; since 6.8 at once when
 * somebody asks for the state of the link. */
static void carrier_settle(const char *name, int any_socket)
{
    struct ethtool_value state = {.cmd = ETHTOOL_GLINK};
    struct ifreq request = {.ifr_data = (char *)&state};
    (void)snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
    (void)ioctl(any_socket, SIOCETHTOOL, &request);
}

bool tun_set_carrier(int fd, const char *name, bool on, int any_socket, struct host_error *err)
{
    if (!switch_carrier(fd, on, err))
        return false;
    carrier_settle(name, any_socket);
    return true;
}
