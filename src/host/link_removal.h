/*
 * All links of ours: whether there are any, and removing many at once.
 */
#ifndef MUSUBI_HOST_LINK_REMOVAL_H
#define MUSUBI_HOST_LINK_REMOVAL_H

#include "host/kernel.h"

/* True if the link is to stay. */
typedef bool host_link_keep(const void *context, const struct host_link *link);

/* Removes the links that carry our mark, except those that `keep` is true of: by one request, since each
 * takes long (host_link_remove). */
bool host_links_remove(struct host_kernel *kernel, host_link_keep *keep, const void *context,
                       struct host_error *err);

/* True if there is a link that carries our mark. */
bool host_links_any(const struct host_kernel *kernel);

#endif
