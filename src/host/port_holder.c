#include "host/port_holder.h"

#include <dirent.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The decimal number in the field `index` (0 ...) of a line; 0 if there is none. */
static uint64_t number_of_field(const char *line, int index)
{
    line += strspn(line, " ");
    for (; index > 0; index--) {
        line += strcspn(line, " ");
        line += strspn(line, " ");
    }
    return strtoull(line, NULL, 10);
}

/* The inode of a socket bound to the port, 0 if there is none. A line of /proc/net/udp reads
 * "  12: 00000000:01F4 00000000:0000 07 00000000:00000000 00:00000000 00000000  UID 0 INODE ...". */
static uint64_t socket_inode(enum ip_family family, uint16_t port)
{
    FILE *file = fopen(family == IP_V4 ? "/proc/thread-self/net/udp" : "/proc/thread-self/net/udp6", "re");
    if (file == NULL)
        return 0;
    char line[512];
    uint64_t found = 0;
    while (found == 0 && fgets(line, sizeof line, file) != NULL) {
        const char *colon = strchr(line, ':'); /* after the number of the line */
        colon = colon != NULL ? strchr(colon + 1, ':') : NULL;
        if (colon != NULL && strtoul(colon + 1, NULL, 16) == port)
            found = number_of_field(line, 9);
    }
    (void)fclose(file);
    return found;
}

/* True if the process has a descriptor of that name. */
static bool has_descriptor(const char *process, const char *socket_name)
{
    char path[PATH_MAX], target[64];
    (void)snprintf(path, sizeof path, "/proc/%s/fd", process);
    DIR *directory = opendir(path);
    if (directory == NULL)
        return false;
    bool found = false;
    const struct dirent *entry;
    while (!found && (entry = readdir(directory)) != NULL) {
        ssize_t length = readlinkat(dirfd(directory), entry->d_name, target, sizeof target - 1);
        if (length < 0)
            continue;
        target[length] = '\0';
        found = strcmp(target, socket_name) == 0;
    }
    (void)closedir(directory);
    return found;
}

static void describe(const char *process, char out[PORT_HOLDER_SIZE])
{
    char path[PATH_MAX], name[32] = "";
    (void)snprintf(path, sizeof path, "/proc/%s/comm", process);
    FILE *file = fopen(path, "re");
    if (file != NULL) {
        if (fgets(name, sizeof name, file) != NULL)
            name[strcspn(name, "\n")] = '\0';
        (void)fclose(file);
    }
    (void)snprintf(out, PORT_HOLDER_SIZE, "%s (process %.12s)", name, process);
}

bool port_holder(enum ip_family family, uint16_t port, char out[PORT_HOLDER_SIZE])
{
    char socket_name[64];
    (void)snprintf(out, PORT_HOLDER_SIZE, "another program");
    uint64_t inode = socket_inode(family, port);
    DIR *processes = inode != 0 ? opendir("/proc") : NULL;
    if (processes == NULL)
        return false;
    bool found = false;
    (void)snprintf(socket_name, sizeof socket_name, "socket:[%" PRIu64 "]", inode);
    const struct dirent *entry;
    while (!found && (entry = readdir(processes)) != NULL) {
        found = strspn(entry->d_name, "0123456789") == strlen(entry->d_name) &&
                has_descriptor(entry->d_name, socket_name);
        if (found)
            describe(entry->d_name, out);
    }
    (void)closedir(processes);
    return found;
}
