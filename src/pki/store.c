#include "pki/store.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/secret.h"
#include "pki/store_files.h"

struct pki_store {
    char *state_directory;
    struct pki_entry **entries; /* in the order of their names */
    size_t count;
    uint32_t generation;
};

/* ---- Entries in memory ----------------------------------------------------------------------------- */

static void entry_free(struct pki_entry *entry)
{
    if (entry == NULL)
        return;
    pki_content_free(&entry->content);
    free(entry);
}

/* Where the entry of that name is, or would be. */
static size_t place_of(const struct pki_store *store, const char *name)
{
    size_t low = 0;
    size_t high = store->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(store->entries[middle]->name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct pki_entry *entry_at(const struct pki_store *store, size_t place, const char *name)
{
    bool there = place < store->count && strcmp(store->entries[place]->name, name) == 0;
    return there ? store->entries[place] : NULL;
}

/* Puts an entry in, in place of one of the same name. False if memory ran out; then it is the caller's. */
static bool put_entry(struct pki_store *store, struct pki_entry *entry)
{
    size_t place = place_of(store, entry->name);
    struct pki_entry *old = entry_at(store, place, entry->name);
    if (old != NULL) {
        entry_free(old);
        store->entries[place] = entry;
        return true;
    }
    struct pki_entry **grown = reallocarray(store->entries, store->count + 1, sizeof(*store->entries));
    if (grown == NULL)
        return false;
    store->entries = grown;
    memmove(grown + place + 1, grown + place, (store->count - place) * sizeof(*grown));
    grown[place] = entry;
    store->count++;
    return true;
}

const struct pki_entry *pki_store_find(const struct pki_store *store, const char *name)
{
    return entry_at(store, place_of(store, name), name);
}

size_t pki_store_count(const struct pki_store *store)
{
    return store->count;
}

const struct pki_entry *pki_store_at(const struct pki_store *store, size_t index)
{
    return store->entries[index];
}

uint32_t pki_store_generation(const struct pki_store *store)
{
    return store->generation;
}

struct certificate *pki_entry_anchor(const struct pki_entry *entry)
{
    const struct pki_content *content = &entry->content;
    if (content->chain_length == 0)
        return NULL;
    struct certificate *top = content->chain[content->chain_length - 1];
    bool own = content->key != NULL && !certificate_facts(content->chain[0])->is_ca;
    return own && certificate_facts(top)->is_ca ? top : content->chain[0];
}

/* ---- Reading --------------------------------------------------------------------------------------- */

/* The reader of the storage: whom it tells. */
struct store_reader {
    struct pki_store *store;
    int directory;
    pki_complain *complain;
    void *context;
};

__attribute__((format(printf, 3, 4))) static void complain(const struct store_reader *reader,
                                                           const char *file, const char *format, ...)
{
    char what[PKI_REASON_SIZE];
    char text[PKI_REASON_SIZE + 512];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(what, sizeof(what), format, arguments);
    va_end(arguments);
    (void)snprintf(text, sizeof(text), "%.200s/pki/%s: %s", reader->store->state_directory, file, what);
    if (reader->complain != NULL)
        reader->complain(reader->context, text);
}

/* Reads a file as an entry. False with the reason. */
static bool read_entry(const struct store_reader *reader, const char *file, struct pki_entry *entry,
                       struct pki_reason *reason)
{
    struct octets text;
    bool was_open;
    if (!store_file_read(reader->directory, file, &text, &was_open, reason))
        return false;
    bool good = pki_content_read_stored(text, &entry->content, reason);
    secret_free((void *)text.at, text.length);
    if (was_open)
        complain(reader, file, "others than its owner had access to it; that is mended");
    if (good && entry->content.key != NULL && entry->content.chain_length > 0 &&
        !private_key_fits(entry->content.key, entry->content.chain[0]))
        return pki_refuse(reason, "its private key is not that of its certificate");
    return good;
}

static void take_file(const struct store_reader *reader, const char *file)
{
    struct pki_entry *entry = calloc(1, sizeof(*entry));
    struct pki_reason reason = {"out of memory"};
    if (entry != NULL && store_file_entry(file, entry->name, sizeof(entry->name)) &&
        reader->store->count < PKI_ENTRIES_MAX) {
        if (read_entry(reader, file, entry, &reason) && put_entry(reader->store, entry))
            return;
        complain(reader, file, "it is not used: %s", reason.text);
    } else if (store_file_is_left(file)) {
        (void)store_file_remove(reader->directory, file, NULL);
    } else if (file[0] != '.') {
        complain(reader, file, "it is not used: its name is none that an import gives");
    }
    entry_free(entry);
}

static void read_directory(const struct store_reader *reader)
{
    int copy = dup(reader->directory);
    DIR *listing = copy < 0 ? NULL : fdopendir(copy);
    const struct dirent *file;
    while (listing != NULL && (file = readdir(listing)) != NULL)
        take_file(reader, file->d_name);
    if (listing != NULL)
        (void)closedir(listing);
    else if (copy >= 0)
        (void)close(copy);
}

struct pki_store *pki_store_open(const char *state_directory, pki_complain *told, void *context)
{
    struct pki_store *store = calloc(1, sizeof(*store));
    struct store_reader reader = {store, -1, told, context};
    if (store == NULL)
        return NULL;
    store->state_directory = strdup(state_directory);
    if (store->state_directory == NULL) {
        free(store);
        return NULL;
    }
    reader.directory = store_directory_open(state_directory, false);
    if (reader.directory < 0 && errno != ENOENT)
        complain(&reader, "", "%s", strerror(errno));
    if (reader.directory < 0)
        return store;
    read_directory(&reader);
    (void)close(reader.directory);
    return store;
}

void pki_store_close(struct pki_store *store)
{
    if (store == NULL)
        return;
    for (size_t i = 0; i < store->count; i++)
        entry_free(store->entries[i]);
    free(store->entries);
    free(store->state_directory);
    free(store);
}

/* ---- Changes --------------------------------------------------------------------------------------- */

static bool refuse_taken(const char *name, const char *what, struct pki_reason *reason)
{
    return pki_refuse(
        reason, "there is %s `%s` already: take another name, or erase it first (`pki cert erase name %s`)",
        what, name, name);
}

/* False with the reason if nothing can be kept under that name. */
static bool check_name(const struct pki_store *store, const char *name, struct pki_reason *reason)
{
    char file[STORE_FILE_NAME_SIZE];
    if (strlen(name) >= PKI_NAME_SIZE || !store_file_name(name, file))
        return pki_refuse(reason, "the name is too long");
    if (store->count >= PKI_ENTRIES_MAX && pki_store_find(store, name) == NULL)
        return pki_refuse(reason, "there are %d entries, and no more are possible", PKI_ENTRIES_MAX);
    return true;
}

/* Writes the content to the file of that name, and takes it into memory; it is wiped and freed if that
 * fails. */
static bool keep(struct pki_store *store, const char *name, struct pki_content *content,
                 struct pki_reason *reason)
{
    char file[STORE_FILE_NAME_SIZE];
    struct pki_entry *entry = calloc(1, sizeof(*entry));
    size_t length = 0;
    char *text = pki_content_write(content, &length);
    int directory = store_directory_open(store->state_directory, true);
    bool done = false;
    if (entry == NULL || text == NULL || !store_file_name(name, file)) {
        (void)pki_refuse(reason, "out of memory");
    } else if (directory < 0) {
        (void)pki_refuse(reason, "can't use the state-dir %s: %s", store->state_directory, strerror(errno));
    } else if (store_file_write(directory, file, (struct octets){(const uint8_t *)text, length}, reason)) {
        (void)snprintf(entry->name, sizeof(entry->name), "%s", name);
        entry->content = *content;
        done = put_entry(store, entry) || pki_refuse(reason, "out of memory");
    }
    if (directory >= 0)
        (void)close(directory);
    secret_free(text, length);
    if (done) {
        store->generation++;
        return true;
    }
    pki_content_free(content);
    free(entry);
    return false;
}

/* The key and the certificates of an entry and of a file, as one. The entry keeps its own. */
static bool join(const struct pki_entry *entry, struct pki_content *content, struct pki_reason *reason)
{
    size_t length = 0;
    uint8_t *der = NULL;
    if (entry->content.key != NULL) {
        der = private_key_write(entry->content.key, &length);
        content->key = der == NULL ? NULL : private_key_parse_der((struct octets){der, length}, NULL);
        secret_free(der, length);
        if (content->key == NULL)
            return pki_refuse(reason, "out of memory");
    }
    for (size_t i = 0; i < entry->content.chain_length; i++)
        content->chain[content->chain_length++] = certificate_hold(entry->content.chain[i]);
    const struct certificate *own = content->chain[0];
    if (private_key_fits(content->key, own))
        return true;
    return pki_refuse(reason, "the private key (%s) is not that of the certificate (%s, %s)",
                      private_key_text(content->key), certificate_facts(own)->subject,
                      certificate_facts(own)->key_text);
}

/* Keeps what was read, or what it makes together with what is there under that name: `joins` tells that the
 * two are a certificate and a key. */
static bool keep_joined(struct pki_store *store, const char *name, bool joins, struct pki_content *content,
                        struct pki_reason *reason)
{
    const struct pki_entry *entry = pki_store_find(store, name);
    if (!joins || join(entry, content, reason))
        return keep(store, name, content, reason);
    pki_content_free(content);
    return false;
}

bool pki_store_import_certificate(struct pki_store *store, const char *name, enum pki_form form,
                                  struct octets file, size_t *left_out, struct pki_reason *reason)
{
    const struct pki_entry *entry = pki_store_find(store, name);
    struct pki_content content;
    if (!check_name(store, name, reason))
        return false;
    if (entry != NULL && entry->content.key == NULL)
        return refuse_taken(name, entry->content.crl != NULL ? "a CRL" : "a certificate", reason);
    if (entry != NULL && entry->content.chain_length > 0)
        return refuse_taken(name, "a certificate", reason);
    if (!pki_content_read_certificate(file, form, &content, reason))
        return false;
    *left_out = content.left_out;
    return keep_joined(store, name, entry != NULL, &content, reason);
}

bool pki_store_import_key(struct pki_store *store, const char *name, const char *password, struct octets file,
                          struct pki_reason *reason)
{
    const struct pki_entry *entry = pki_store_find(store, name);
    struct pki_content content = {.chain_length = 0};
    if (!check_name(store, name, reason))
        return false;
    if (entry != NULL && entry->content.crl != NULL)
        return refuse_taken(name, "a CRL", reason);
    if (entry != NULL && entry->content.key != NULL)
        return refuse_taken(name, "a private key", reason);
    if (file.length == 0)
        return pki_refuse(reason, "the file is empty");
    content.key = private_key_parse_pem(file, password, reason);
    return content.key != NULL && keep_joined(store, name, entry != NULL, &content, reason);
}

bool pki_store_import_pkcs12(struct pki_store *store, const char *name, const char *password,
                             struct octets file, size_t *left_out, struct pki_reason *reason)
{
    struct pki_content content;
    if (!check_name(store, name, reason))
        return false;
    if (pki_store_find(store, name) != NULL)
        return refuse_taken(name, "an entry", reason);
    if (!pki_content_read_pkcs12(file, password, &content, reason))
        return false;
    *left_out = content.left_out;
    return keep(store, name, &content, reason);
}

bool pki_store_import_crl(struct pki_store *store, const char *name, enum pki_form form, struct octets file,
                          struct pki_reason *reason)
{
    struct pki_content content;
    if (!check_name(store, name, reason))
        return false;
    if (pki_store_find(store, name) != NULL)
        return refuse_taken(name, "an entry", reason);
    return pki_content_read_crl(file, form, &content, reason) && keep(store, name, &content, reason);
}

bool pki_store_erase(struct pki_store *store, const char *name, struct pki_reason *reason)
{
    char file[STORE_FILE_NAME_SIZE];
    size_t place = place_of(store, name);
    struct pki_entry *entry = entry_at(store, place, name);
    if (entry == NULL)
        return pki_refuse(reason, "there is no certificate, key or CRL `%s`", name);
    int directory = store_directory_open(store->state_directory, false);
    if (directory < 0 && errno != ENOENT)
        return pki_refuse(reason, "can't use the state-dir %s: %s", store->state_directory, strerror(errno));
    bool done = directory < 0 || (store_file_name(name, file) && store_file_remove(directory, file, reason));
    if (directory >= 0)
        (void)close(directory);
    if (!done)
        return false;
    entry_free(entry);
    store->count--;
    memmove(store->entries + place, store->entries + place + 1,
            (store->count - place) * sizeof(*store->entries));
    store->generation++;
    return true;
}
