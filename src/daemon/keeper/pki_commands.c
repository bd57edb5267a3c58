#include "daemon/keeper/pki_commands.h"

#include <string.h>
#include <strings.h>
#include <time.h>

#include "config/setting_lines.h"
#include "daemon/keeper/own_certificate.h"
#include "daemon/show/certificates.h"

/* An import under way: what its line says, and the file. */
struct import {
    const struct command_line *line;
    const char *name;
    const char *password; /* NULL: none */
    struct octets file;
    size_t left_out;
};

/* Imports the file into the store. False with the reason. */
typedef bool import_file(struct pki_store *store, struct import *import, struct pki_reason *reason);

static enum pki_form form_of(const struct command_line *line)
{
    return line_has(line, "der") ? PKI_DER : PKI_PEM;
}

static bool import_certificate(struct pki_store *store, struct import *import, struct pki_reason *reason)
{
    return pki_store_import_certificate(store, import->name, form_of(import->line), import->file,
                                        &import->left_out, reason);
}

static bool import_key(struct pki_store *store, struct import *import, struct pki_reason *reason)
{
    return pki_store_import_key(store, import->name, import->password, import->file, reason);
}

static bool import_pkcs12(struct pki_store *store, struct import *import, struct pki_reason *reason)
{
    return pki_store_import_pkcs12(store, import->name, import->password, import->file, &import->left_out,
                                   reason);
}

static bool import_crl(struct pki_store *store, struct import *import, struct pki_reason *reason)
{
    return pki_store_import_crl(store, import->name, form_of(import->line), import->file, reason);
}

static const struct {
    enum command_id id;
    import_file *import;
} imports[] = {
    {COMMAND_PKI_CERT_IMPORT, import_certificate},
    {COMMAND_PKI_PRIVATE_KEY_IMPORT, import_key},
    {COMMAND_PKI_PKCS12_IMPORT, import_pkcs12},
    {COMMAND_PKI_CRL_IMPORT, import_crl},
};

static import_file *import_of(enum command_id id)
{
    for (size_t i = 0; i < sizeof(imports) / sizeof(imports[0]); i++) {
        if (imports[i].id == id)
            return imports[i].import;
    }
    return NULL;
}

bool pki_commands_have(enum command_id id)
{
    return import_of(id) != NULL || id == COMMAND_PKI_CERT_ERASE || id == COMMAND_SHOW_PKI_CERT;
}

/* ---- Imports --------------------------------------------------------------------------------------- */

/* True if a certificate of the store has signed the CRL. */
static bool issuer_is_there(const struct pki_store *store, const struct crl *crl)
{
    for (size_t i = 0; i < pki_store_count(store); i++) {
        const struct pki_content *content = &pki_store_at(store, i)->content;
        for (size_t j = 0; j < content->chain_length; j++) {
            if (crl_is_signed_by(crl, content->chain[j]))
                return true;
        }
    }
    return false;
}

/* Tells what the operator may not expect of what was imported. */
static void warn_of_import(const struct pki_store *store, const struct import *import, struct text *out)
{
    const struct pki_content *content = &pki_store_find(store, import->name)->content;
    char remark[CERTIFICATE_REMARK_SIZE];
    int64_t now = time(NULL);
    if (import->left_out > 0)
        text_print(out,
                   "%% Warning: %zu certificate%s of the file %s not in the chain of the first one, and "
                   "%s left out\n",
                   import->left_out, import->left_out == 1 ? "" : "s", import->left_out == 1 ? "is" : "are",
                   import->left_out == 1 ? "was" : "were");
    for (size_t i = 0; i < content->chain_length; i++) {
        const struct certificate_facts *facts = certificate_facts(content->chain[i]);
        if (certificate_remark(facts->not_before, facts->not_after, now, true, remark))
            text_print(out, "%% Warning: the certificate of %s %s\n", facts->subject, remark);
    }
    if (content->crl == NULL)
        return;
    const struct crl_facts *facts = crl_facts(content->crl);
    if (certificate_remark(facts->this_update, facts->next_update, now, false, remark))
        text_print(out, "%% Warning: the CRL of %s %s\n", facts->issuer, remark);
    if (!issuer_is_there(store, content->crl))
        text_print(out, "%% Warning: the CRL is signed by no CA certificate that is stored here\n");
}

/* The tunnels that would be refused with what is now there under that name. */
static void warn_of_uses(const struct tunnel_policies *policies, const struct pki_entry *entry,
                         struct text *out)
{
    for (size_t i = 0; i < policies->count && entry->content.key != NULL; i++) {
        const struct tunnel_policy *policy = &policies->items[i];
        struct setting_lines lines = {0};
        struct pki_reason trouble;
        char text[SETTING_LINES_TEXT_SIZE];
        if (policy->local_auth != AUTH_KIND_RSA || strcmp(policy->mycert, entry->name) != 0 ||
            !own_certificate_trouble(entry, &policy->local_id, time(NULL), &trouble))
            continue;
        setting_lines_add(&lines, policy,
                          SETTING_BIT(SETTING_CERT_MYCERT) | SETTING_BIT(SETTING_LOCAL_AUTHENTICATION));
        text_print(out, "%% Warning: peers will refuse `%s` as the certificate of %s: %s; %s\n", entry->name,
                   policy->name, trouble.text, setting_lines_format(&lines, text));
    }
}

/* S35: the shell reads file: URLs, and sends the file with the command. */
static bool has_file(const struct command_line *line, const struct octets *file, struct text *out)
{
    const char *url = line_argument(line, "url");
    if (strncasecmp(url, "file:", 5) != 0)
        text_print(out, "%% Only file: URLs can be imported, as in `url file:caCert.pem`\n");
    else if (file == NULL)
        text_print(out, "%% The file did not come with the command\n");
    else
        return true;
    return false;
}

static enum control_status run_import(const struct pki_commands *commands, import_file *import_it,
                                      const struct command_line *line, const struct octets *file,
                                      struct text *out)
{
    struct pki_reason reason;
    if (!has_file(line, file, out))
        return CONTROL_FAILED;
    struct import import = {
        .line = line,
        .name = line_argument(line, "certificate"),
        .password = line_argument(line, "password"),
        .file = *file,
    };
    if (!import_it(commands->store, &import, &reason)) {
        text_print(out, "%% Can't import `%s`: %s\n", import.name, reason.text);
        return CONTROL_FAILED;
    }
    event_log_print(commands->log, EVENT_SYSTEM, LOG_LEVEL_NOTICE, NULL, "`%s` was imported", import.name);
    warn_of_import(commands->store, &import, out);
    warn_of_uses(&commands->running->configuration.policies, pki_store_find(commands->store, import.name),
                 out);
    running_config_certificates_changed(commands->running);
    return CONTROL_OK;
}

/* ---- Others ---------------------------------------------------------------------------------------- */

static enum control_status run_erase(const struct pki_commands *commands, const struct command_line *line,
                                     struct text *out)
{
    const char *name = line_argument(line, "certificate");
    struct pki_reason reason;
    struct text uses = {0};
    if (!pki_store_erase(commands->store, name, &reason)) {
        text_print(out, "%% Can't erase `%s`: %s\n", name, reason.text);
        return CONTROL_FAILED;
    }
    auth_jobs_forget_keys(commands->auth_jobs, commands->store);
    if (show_certificate_uses(&commands->running->configuration.policies, name, &uses)) {
        event_log_print(
            commands->log, EVENT_SYSTEM, LOG_LEVEL_WARN, NULL,
            "`%s` was erased, and is used by %s: no packet passes there until one of that name is "
            "imported",
            name, text_get(&uses));
        text_print(out,
                   "%% Warning: `%s` is used by %s: no packet passes there until one of that name is "
                   "imported\n",
                   name, text_get(&uses));
    } else {
        event_log_print(commands->log, EVENT_SYSTEM, LOG_LEVEL_NOTICE, NULL, "`%s` was erased", name);
    }
    text_free(&uses);
    running_config_certificates_changed(commands->running);
    return CONTROL_OK;
}

static enum control_status run_show(const struct pki_commands *commands, const struct command_line *line,
                                    struct text *out)
{
    const char *name = line_argument(line, "certificate");
    const struct pki_entry *entry = name == NULL ? NULL : pki_store_find(commands->store, name);
    if (name != NULL && entry == NULL) {
        text_print(out, "%% There is no certificate, key or CRL `%s`\n", name);
        return CONTROL_FAILED;
    }
    show_certificates(commands->store, entry, &commands->running->configuration.policies, time(NULL), out);
    return CONTROL_OK;
}

enum control_status pki_commands_run(const struct pki_commands *commands, const struct exec_command *command,
                                     const struct octets *file, struct text *out)
{
    import_file *import = import_of(command->id);
    if (import != NULL)
        return run_import(commands, import, &command->line, file, out);
    return command->id == COMMAND_PKI_CERT_ERASE ? run_erase(commands, &command->line, out)
                                                 : run_show(commands, &command->line, out);
}
