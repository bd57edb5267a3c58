#include "check/check.h"

#include <errno.h>
#include <string.h>

#include "base/secret.h"
#include "check/lint.h"
#include "check/swanctl_file.h"
#include "daemon/keeper/configuration.h"

/* The warnings that only `musubi check` gives. `path` is the file that the config is from, or NULL. */
static void lint(const struct configuration *configuration, const char *path, struct diagnostics *diagnostics)
{
    lint_config(configuration, diagnostics);
    if (path != NULL)
        configuration_check_file(configuration, path, diagnostics);
}

bool check_is_of_strongswan(const char *text, size_t length, const char *path,
                            struct diagnostics *diagnostics)
{
    enum swanctl_form form = swanctl_form_of(text, length);
    if (form == SWANCTL_CONF)
        diagnostics_add(
            diagnostics, SEVERITY_ERROR, 0, 0, NULL,
            "this is a swanctl.conf of strongSwan: `musubi check --pair CONFIG %s` tells whether a "
            "config of Musubi would connect to it",
            path != NULL ? path : "FILE");
    if (form == SWANCTL_IPSEC_CONF)
        diagnostics_add(diagnostics, SEVERITY_ERROR, 0, 0, NULL, "%s", swanctl_ipsec_conf_text);
    return form != SWANCTL_NONE;
}

/* As check_text. */
static bool check(const char *text, size_t length, const char *path, struct diagnostics *diagnostics)
{
    struct configuration configuration;
    struct port_table ports = {0};
    if (check_is_of_strongswan(text, length, path, diagnostics))
        return false;
    bool good = configuration_read(&configuration, text, length, &ports, NULL, diagnostics);
    /* Who mends the errors shall not have to come again for the warnings. */
    if (good || configuration_read_rest(&configuration, text, length, &ports, diagnostics)) {
        lint(&configuration, path, diagnostics);
        configuration_free(&configuration);
    }
    if (!good && diagnostics->errors == 0)
        diagnostics_add(diagnostics, SEVERITY_ERROR, 0, 0, NULL, "out of memory");
    port_table_clear(&ports);
    diagnostics_sort(diagnostics);
    return good;
}

bool check_text(const char *text, size_t length, struct diagnostics *diagnostics)
{
    return check(text, length, NULL, diagnostics);
}

char *check_read(const char *path, size_t *length, FILE *errors)
{
    char *text = configuration_read_file(path, length);
    if (text == NULL)
        (void)fprintf(errors, "musubi check: %s: %s\n", path, strerror(errno));
    return text;
}

enum check_result check_file(const char *path, FILE *out, FILE *errors)
{
    size_t length;
    char *text = check_read(path, &length, errors);
    if (text == NULL)
        return CHECK_UNREADABLE;
    struct diagnostics diagnostics = {0};
    bool good = check(text, length, path, &diagnostics);
    secret_free(text, length);
    diagnostics_print(&diagnostics, path, out);
    diagnostics_free(&diagnostics);
    return good ? CHECK_GOOD : CHECK_WRONG;
}
