#include "pki/store_files.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/secret.h"

#define SUFFIX ".pem"
#define NEW    ".new"

/* ---- Names ----------------------------------------------------------------------------------------- */

static bool is_usual(char c)
{
    return isalnum((unsigned char)c) != 0 || strchr("-_.", c) != NULL;
}

bool store_file_name(const char *entry, char out[STORE_FILE_NAME_SIZE])
{
    size_t length = 0;
    for (const char *c = entry; *c != '\0'; c++) {
        bool usual = is_usual(*c) && (c != entry || *c != '.');
        if (length + 3 + sizeof(SUFFIX) > STORE_FILE_NAME_SIZE)
            return false;
        if (usual)
            out[length++] = *c;
        else
            length += (size_t)sprintf(out + length, "%%%02X", (unsigned)(unsigned char)*c);
    }
    memcpy(out + length, SUFFIX, sizeof(SUFFIX));
    return length > 0;
}

static int hex_digit(char c)
{
    return isdigit((unsigned char)c) != 0 ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool store_file_entry(const char *file, char *out, size_t size)
{
    size_t length = strlen(file);
    size_t written = 0;
    if (length < sizeof(SUFFIX) || file[0] == '.' ||
        strcmp(file + length - (sizeof(SUFFIX) - 1), SUFFIX) != 0)
        return false;
    for (size_t i = 0; i < length - (sizeof(SUFFIX) - 1); i++) {
        char c = file[i];
        if (c == '%') {
            int high = hex_digit(file[i + 1]);
            int low = high < 0 ? -1 : hex_digit(file[i + 2]);
            if (low < 0)
                return false;
            c = (char)(high * 16 + low);
            i += 2;
        }
        if (c == '\0' || written + 1 >= size)
            return false;
        out[written++] = c;
    }
    out[written] = '\0';
    /* So that no two files are one entry. */
    char again[STORE_FILE_NAME_SIZE];
    return store_file_name(out, again) && strcmp(again, file) == 0;
}

bool store_file_is_left(const char *file)
{
    return strncmp(file, NEW, sizeof(NEW) - 1) == 0;
}

/* ---- Directories ----------------------------------------------------------------------------------- */

int store_directory_open(const char *state_directory, bool make)
{
    if (make && mkdir(state_directory, S_IRWXU) != 0 && errno != EEXIST)
        return -1;
    int state = open(state_directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (state < 0)
        return -1;
    int directory = -1;
    if (!make || mkdirat(state, "pki", S_IRWXU) == 0 || errno == EEXIST)
        directory = openat(state, "pki", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    int why = errno;
    if (make && directory >= 0)
        (void)fsync(state);
    (void)close(state);
    errno = why;
    return directory;
}

/* ---- Files ----------------------------------------------------------------------------------------- */

static bool read_all(int fd, size_t size, struct octets *out)
{
    uint8_t *at = malloc(size + 1);
    size_t length = 0;
    while (at != NULL && length < size) {
        ssize_t got = read(fd, at + length, size - length);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            secret_free(at, size + 1);
            return false;
        }
        if (got == 0)
            break;
        length += (size_t)got;
    }
    *out = (struct octets){at, length};
    return at != NULL;
}

bool store_file_read(int directory, const char *file, struct octets *out, bool *was_open,
                     struct pki_reason *reason)
{
    struct stat status;
    int fd = openat(directory, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return pki_refuse(reason, "%s", strerror(errno));
    bool good = fstat(fd, &status) == 0;
    if (good && !S_ISREG(status.st_mode))
        good = pki_refuse(reason, "it is no file");
    else if (good && status.st_size > STORE_FILE_MAX)
        good = pki_refuse(reason, "it is too large");
    else if (!good || !read_all(fd, (size_t)status.st_size, out))
        good = pki_refuse(reason, "%s", strerror(errno));
    *was_open = good && (status.st_mode & (S_IRWXG | S_IRWXO)) != 0;
    if (*was_open)
        (void)fchmod(fd, S_IRUSR | S_IWUSR);
    (void)close(fd);
    return good;
}

static bool write_all(int fd, struct octets content)
{
    while (content.length > 0) {
        ssize_t written = write(fd, content.at, content.length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return false;
        content.at += written;
        content.length -= (size_t)written;
    }
    return fsync(fd) == 0;
}

bool store_file_write(int directory, const char *file, struct octets content, struct pki_reason *reason)
{
    (void)unlinkat(directory, NEW, 0);
    int fd = openat(directory, NEW, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
    bool done = fd >= 0 && fchmod(fd, S_IRUSR | S_IWUSR) == 0 && write_all(fd, content);
    int why = errno;
    if (fd >= 0 && close(fd) != 0 && done) {
        done = false;
        why = errno;
    }
    if (done && renameat(directory, NEW, directory, file) != 0) {
        done = false;
        why = errno;
    }
    if (!done) {
        if (fd >= 0)
            (void)unlinkat(directory, NEW, 0);
        return pki_refuse(reason, "can't write to the state-dir: %s", strerror(why));
    }
    (void)fsync(directory);
    return true;
}

bool store_file_remove(int directory, const char *file, struct pki_reason *reason)
{
    if (unlinkat(directory, file, 0) != 0 && errno != ENOENT)
        return pki_refuse(reason, "can't remove it from the state-dir: %s", strerror(errno));
    (void)fsync(directory);
    return true;
}
