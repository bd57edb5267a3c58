#include "shell/file_url.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/secret.h"
#include "config/prompt.h"
#include "daemon/ipc/control_protocol.h"

/* The path of a file: URL: file:FILE, file:/FILE or file:///FILE. NULL if it is another URL. */
static const char *path_of(const char *url)
{
    static const char scheme[] = "file:";
    if (strncasecmp(url, scheme, sizeof(scheme) - 1) != 0)
        return NULL;
    const char *path = url + sizeof(scheme) - 1;
    return strncmp(path, "///", 3) == 0 ? path + 2 : path;
}

/* Reads up to `size` octets; what is behind them is noticed. */
static bool read_all(int fd, uint8_t *out, size_t size, size_t *length)
{
    *length = 0;
    while (*length < size) {
        ssize_t got = read(fd, out + *length, size - *length);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return false;
        if (got == 0)
            return true;
        *length += (size_t)got;
    }
    errno = EFBIG;
    return false;
}

/* Reads a whole file. False with errno set. */
static bool read_file(const char *path, struct url_file *out)
{
    enum { SIZE = CONTROL_FILE_MAX + 1 };
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    uint8_t *content = malloc(SIZE);
    bool directory = fstat(fd, &status) == 0 && S_ISDIR(status.st_mode);
    errno = directory ? EISDIR : ENOMEM;
    bool done = content != NULL && !directory && read_all(fd, content, SIZE, &out->length);
    int why = errno;
    (void)close(fd);
    if (done) {
        out->content = content;
        return true;
    }
    secret_free(content, SIZE);
    *out = (struct url_file){0};
    errno = why;
    return false;
}

bool file_url_read(const char *line, size_t length, struct url_file *out, FILE *errors)
{
    char copy[CONTROL_LINE_MAX + 1];
    char ignored[EXEC_ERROR_SIZE];
    struct exec_command command;
    *out = (struct url_file){0};
    if (length > CONTROL_LINE_MAX)
        return true;
    memcpy(copy, line, length);
    copy[length] = '\0';
    bool parsed = exec_parse(copy, &command, ignored);
    secret_wipe(copy, length);
    if (!parsed)
        return true;
    const char *url = command.id == COMMAND_COUNT ? NULL : line_argument(&command.line, "url");
    const char *path = url == NULL ? NULL : path_of(url);
    bool done = path == NULL || read_file(path, out);
    if (!done && errno == EFBIG)
        (void)fprintf(errors, "%% %s is too large: it has more than %d octets\n", path, CONTROL_FILE_MAX);
    else if (!done)
        (void)fprintf(errors, "%% Can't read %s: %s\n", path, strerror(errno));
    exec_free(&command);
    return done;
}

void file_url_free(struct url_file *file)
{
    secret_free(file->content, file->length);
    *file = (struct url_file){0};
}
