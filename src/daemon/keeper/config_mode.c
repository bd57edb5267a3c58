#include "daemon/keeper/config_mode.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/secret.h"

/* Prints the errors and warnings of a line, each on a line that begins with %. */
static void print_diagnostics(const struct diagnostics *diagnostics, struct text *out)
{
    for (size_t i = 0; i < diagnostics->count; i++) {
        const struct diagnostic *d = &diagnostics->items[i];
        if (d->excerpt != NULL)
            text_print(out, "%s", d->excerpt);
        text_print(out, "%% %s", d->severity == SEVERITY_WARNING ? "Warning: " : "");
        if (d->line != 0)
            text_print(out, "line %u: ", d->line);
        text_print(out, "%s\n", d->message);
    }
}

static enum control_status apply(struct running_config *running, struct text *out)
{
    struct host_error reason;
    if (running_config_apply(running, &reason))
        return CONTROL_OK;
    text_print(out, "%% The line is in the config, but not all of it is in effect: %s\n", reason.text);
    return CONTROL_FAILED;
}

enum control_status config_mode_run(struct running_config *running, struct config_mode *mode,
                                    const char *line, struct text *out, bool *operation)
{
    struct diagnostics diagnostics = {0};
    enum prompt_outcome outcome =
        configuration_apply_line(&running->configuration, &mode->cursor, line, &running->ports, &diagnostics);
    enum control_status status = CONTROL_OK;
    *operation = outcome == PROMPT_OPERATION;
    bool changed = outcome == PROMPT_APPLIED;
    if (changed)
        status = apply(running, out);
    mode->changed |= changed;
    if (outcome == PROMPT_LEAVE && mode->changed)
        configuration_survey(&running->configuration, &running->ports, &diagnostics);
    if (outcome == PROMPT_LEAVE)
        *mode = (struct config_mode){0};
    print_diagnostics(&diagnostics, out);
    diagnostics_free(&diagnostics);
    return outcome == PROMPT_REFUSED ? CONTROL_FAILED : status;
}

/* ---- The startup-config ---------------------------------------------------------------------------- */

static bool write_all(int fd, const char *text, size_t length)
{
    while (length > 0) {
        ssize_t written = write(fd, text, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return false;
        text += written;
        length -= (size_t)written;
    }
    return fsync(fd) == 0;
}

/* Writes the directory to the disk, with the new name of the file. */
static void sync_directory_of(const char *path)
{
    char *directory = strdup(path);
    char *slash = directory != NULL ? strrchr(directory, '/') : NULL;
    if (slash != NULL) {
        slash[slash == directory] = '\0';
        int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd >= 0) {
            (void)fsync(fd);
            (void)close(fd);
        }
    }
    free(directory);
}

/* Writes a new file beside the old one, with its owner and mode, and puts it in its place. */
static bool replace_file(const char *path, const char *text, size_t length)
{
    char *beside = NULL;
    if (asprintf(&beside, "%s.XXXXXX", path) < 0)
        return false;
    struct stat old;
    int fd = mkostemp(beside, O_CLOEXEC);
    bool done = fd >= 0 && stat(path, &old) == 0 && fchmod(fd, old.st_mode & 07777) == 0 &&
                fchown(fd, old.st_uid, old.st_gid) == 0 && write_all(fd, text, length) &&
                rename(beside, path) == 0;
    int why = errno;
    if (fd >= 0)
        (void)close(fd);
    if (fd >= 0 && !done)
        (void)unlink(beside);
    if (done)
        sync_directory_of(path);
    free(beside);
    errno = why;
    return done;
}

enum control_status config_mode_write(struct running_config *running, struct text *out)
{
    size_t length = 0;
    struct host_error ignored; /* what Linux refuses has been told of the line that wants it */
    char *text = configuration_print(&running->configuration, &length);
    bool done = text != NULL && replace_file(running->path, text, length);
    if (!done)
        text_print(out, "%% Can't write %s: %s\n", running->path, strerror(text != NULL ? errno : ENOMEM));
    /* From now on warnings name the lines of this file (S34). */
    if (done && configuration_reread(&running->configuration, text, length, &running->ports))
        (void)running_config_apply(running, &ignored);
    secret_free(text, length);
    return done ? CONTROL_OK : CONTROL_FAILED;
}
