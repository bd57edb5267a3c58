/*
 * Where fields stand in the headers of packets, in octets from the beginning of their header (RFC 791
 * 3.1, RFC 8200 3 and 4.5, RFC 9293 3.1, RFC 768), and what is in them.
 */
#ifndef MUSUBI_PATH_HEADER_FIELDS_H
#define MUSUBI_PATH_HEADER_FIELDS_H

enum {
    IPV4_LENGTH = 2,
    IPV4_ID = 4,
    IPV4_FLAGS = 6, /* and the fragment offset */
    IPV4_PROTOCOL = 9,
    IPV4_CHECKSUM = 10,
    IPV4_ADDRESSES = 12,
    IPV4_DF = 0x4000,
    IPV4_MF = 0x2000,
    IPV4_OFFSET_MASK = 0x1fff,
};

enum {
    IPV6_LENGTH = 4,
    IPV6_NEXT = 6,
    IPV6_ADDRESSES = 8,
    IPV6_FRAGMENT = 8, /* octets of the Fragment header */
    IPV6_MORE = 1,     /* a bit of the field that has the offset */
    IPV6_OFFSET_MASK = 0xfff8,
};

enum {
    TCP_HEADER = 20, /* octets, without options */
    TCP_SEQUENCE = 4,
    TCP_ACKNOWLEDGMENT = 8,
    TCP_OFFSET = 12, /* data offset, in the high half of the octet */
    TCP_FLAGS = 13,
    TCP_WINDOW = 14,
    TCP_CHECKSUM = 16,
    TCP_URGENT = 18,
    TCP_FIN = 0x01,
    TCP_SYN = 0x02,
    TCP_PSH = 0x08,
    TCP_ACK = 0x10,
    TCP_ECE = 0x40,
    TCP_CWR = 0x80,
};

enum {
    UDP_HEADER = 8, /* octets */
    UDP_LENGTH = 4,
    UDP_CHECKSUM = 6,
};

#endif
