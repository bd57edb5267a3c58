/*
 * Fragmentation before encryption: an inner packet becomes fragments that fit (RFC 791 3.2, RFC 8200 4.5). A
 * fragment is a header of its own and a part of the packet, which stays where it is. What is a fragment
 * itself becomes smaller fragments of the same packet.
 */
#ifndef MUSUBI_PATH_FRAGMENT_H
#define MUSUBI_PATH_FRAGMENT_H

#include "path/inner.h"

enum { FRAGMENT_HEAD_MAX = 128 /* octets: an IPv6 packet with longer headers cannot be fragmented */ };

struct fragmenter {
    struct octets packet; /* without what follows its own length */
    enum ip_family family;
    size_t most;                      /* octets of a fragment */
    uint8_t first[FRAGMENT_HEAD_MAX]; /* the headers of the first fragment, and those of the others */
    uint8_t later[FRAGMENT_HEAD_MAX];
    size_t first_size, later_size;
    size_t start;  /* where the parts begin in the packet */
    size_t at;     /* octets of the parts so far */
    size_t offset; /* of the packet, if it is a fragment itself; octets */
    bool more;     /* likewise: it is not the last one */
    bool is_done;
};

/*
 * Begins to split a packet, which has a family, into fragments of at most `most` octets. `id` is the
 * fragments' identification; a packet that may have been fragmented before, so has one already, keeps its
 * own. IPv4 fragments have no DF. False if it can't be done: headers that are cut off or too long, or less
 * than 8 octets of room.
 */
bool fragmenter_begin(struct fragmenter *f, struct octets packet, size_t most, uint32_t id);

/* The next fragment: writes its header to `head`, and says where its part of the packet is. False if there
 * are no more. */
bool fragmenter_next(struct fragmenter *f, uint8_t head[FRAGMENT_HEAD_MAX], size_t *head_size,
                     struct octets *part);

/* No packet of that length becomes more fragments than this. `most` is above FRAGMENT_HEAD_MAX + 8. */
size_t fragment_count_max(size_t length, size_t most);

#endif
