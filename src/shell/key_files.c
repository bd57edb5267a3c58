#include "shell/key_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/secret.h"

static const char *const tables[] = {"ikev2_decryption_table", "esp_sa"};

static const char preferences[] = "esp.enable_encryption_decode: TRUE\n"
                                  "esp.enable_authentication_check: TRUE\n";

/* Appends to a file of the directory, which is made if it is missing. False with errno set. */
static bool append(const struct key_files *files, const char *name, const char *text, size_t length)
{
    int fd = openat(files->directory, name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return false;
    ssize_t written = write(fd, text, length);
    bool done = close(fd) == 0 && written == (ssize_t)length;
    if (written >= 0 && written != (ssize_t)length)
        errno = ENOSPC;
    return done;
}

bool key_files_create(struct key_files *files, const char *path)
{
    *files = (struct key_files){.directory = -1};
    if (mkdir(path, 0700) != 0)
        return false;
    files->directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (files->directory < 0)
        return false;
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        if (!append(files, tables[i], "", 0))
            return false;
    }
    return append(files, "preferences", preferences, sizeof(preferences) - 1);
}

static bool is_known(const struct key_files *files, const char *row, size_t length)
{
    for (size_t i = 0; i < files->count; i++) {
        if (strncmp(files->rows[i], row, length) == 0 && files->rows[i][length] == '\0')
            return true;
    }
    return false;
}

static bool remember(struct key_files *files, const char *row, size_t length)
{
    char **more = realloc(files->rows, (files->count + 1) * sizeof(*more));
    if (more == NULL)
        return false;
    files->rows = more;
    more[files->count] = strndup(row, length);
    if (more[files->count] == NULL)
        return false;
    files->count++;
    return true;
}

/* Adds a row "TABLE:VALUES" with its line end to the table's file; rows of other tables are left out. */
static bool add_row(struct key_files *files, const char *row, size_t length)
{
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        size_t name = strlen(tables[i]);
        if (length > name && strncmp(row, tables[i], name) == 0 && row[name] == ':')
            return append(files, tables[i], row + name + 1, length - name - 1) &&
                   remember(files, row, length);
    }
    return true;
}

bool key_files_add(struct key_files *files, const char *text)
{
    const char *end;
    for (const char *row = text; (end = strchr(row, '\n')) != NULL; row = end + 1) {
        size_t length = (size_t)(end - row) + 1;
        if (!is_known(files, row, length) && !add_row(files, row, length))
            return false;
    }
    return true;
}

void key_files_close(struct key_files *files)
{
    for (size_t i = 0; i < files->count; i++)
        secret_free(files->rows[i], strlen(files->rows[i]));
    free(files->rows);
    if (files->directory >= 0)
        close(files->directory);
    *files = (struct key_files){.directory = -1};
}
