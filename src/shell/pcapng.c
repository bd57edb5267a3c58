#include "shell/pcapng.h"

#include <string.h>

/* Types of blocks, codes of options. */
enum {
    BLOCK_SECTION = 0x0a0d0d0a,
    BLOCK_INTERFACE = 1,
    BLOCK_PACKET = 6,
    OPTION_END = 0,
    OPTION_INTERFACE_NAME = 2,
    OPTION_PACKET_FLAGS = 2,
    OPTION_TIME_RESOLUTION = 9,
};

enum {
    BYTE_ORDER_MAGIC = 0x1a2b3c4d,
    LINKTYPE_RAW = 101, /* IPv4 or IPv6 from the first octet on */
    NANOSECONDS = 9,    /* 10^-9 s */
    FLAG_INBOUND = 1,
    FLAG_OUTBOUND = 2,
    BLOCK_FRAME = 12, /* octets around a block's body: type and both lengths */
};

static void put_u16(FILE *file, uint16_t value)
{
    (void)fwrite(&value, sizeof(value), 1, file);
}

static void put_u32(FILE *file, uint32_t value)
{
    (void)fwrite(&value, sizeof(value), 1, file);
}

static uint32_t padded(size_t length)
{
    return (uint32_t)((length + 3) / 4 * 4);
}

static void put_padded(FILE *file, const void *octets, size_t length)
{
    static const uint8_t padding[4];
    if (length == 0)
        return;
    (void)fwrite(octets, 1, length, file);
    (void)fwrite(padding, 1, padded(length) - length, file);
}

static void put_option(FILE *file, uint16_t code, const void *value, size_t length)
{
    put_u16(file, code);
    put_u16(file, (uint16_t)length);
    put_padded(file, value, length);
}

void pcapng_put_header(FILE *file)
{
    enum { BODY = 16, MAJOR = 1, MINOR = 0 };
    put_u32(file, BLOCK_SECTION);
    put_u32(file, BLOCK_FRAME + BODY);
    put_u32(file, BYTE_ORDER_MAGIC);
    put_u16(file, MAJOR);
    put_u16(file, MINOR);
    put_u32(file, UINT32_MAX); /* the section's length is not known */
    put_u32(file, UINT32_MAX);
    put_u32(file, BLOCK_FRAME + BODY);
}

void pcapng_put_interface(FILE *file, const char *name)
{
    enum { BODY = 8, OPTION = 4 };
    static const uint8_t resolution = NANOSECONDS;
    size_t length = strlen(name);
    uint32_t total = BLOCK_FRAME + BODY + OPTION + padded(length) + OPTION + padded(1) + OPTION;
    put_u32(file, BLOCK_INTERFACE);
    put_u32(file, total);
    put_u16(file, LINKTYPE_RAW);
    put_u16(file, 0);
    put_u32(file, 0); /* packets are whole */
    put_option(file, OPTION_INTERFACE_NAME, name, length);
    put_option(file, OPTION_TIME_RESOLUTION, &resolution, sizeof(resolution));
    put_option(file, OPTION_END, NULL, 0);
    put_u32(file, total);
}

void pcapng_put_packet(FILE *file, const struct pcapng_packet *packet)
{
    enum { BODY = 20, OPTION = 4, FLAGS = 4 };
    const uint32_t flags = packet->outbound ? FLAG_OUTBOUND : FLAG_INBOUND;
    size_t length = packet->octets.length;
    uint32_t total = BLOCK_FRAME + BODY + padded(length) + OPTION + FLAGS + OPTION;
    put_u32(file, BLOCK_PACKET);
    put_u32(file, total);
    put_u32(file, packet->interface);
    put_u32(file, (uint32_t)(packet->time >> 32));
    put_u32(file, (uint32_t)packet->time);
    put_u32(file, (uint32_t)length);
    put_u32(file, (uint32_t)length);
    put_padded(file, packet->octets.at, length);
    put_option(file, OPTION_PACKET_FLAGS, &flags, sizeof(flags));
    put_option(file, OPTION_END, NULL, 0);
    put_u32(file, total);
}
