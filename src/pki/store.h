/*
 * The device's own storage of certificates, private keys and CRLs (R91): entries with names, each a file in
 * STATE-DIR/pki/ that its owner alone may read. A change is on the disk when its function returns; a crash
 * leaves either the old file or the new.
 *
 * The file of an entry is NAME.pem; in its name octets other than letters, digits, "-", "_" and "." are
 * written as %XX.
 */
#ifndef MUSUBI_PKI_STORE_H
#define MUSUBI_PKI_STORE_H

#include "pki/content.h"

enum {
    PKI_NAME_SIZE = 128, /* of an entry, with its NUL */
    PKI_ENTRIES_MAX = 4096,
    PKI_WARNING_DAYS = 30, /* before its end a certificate is warned of */
};

/* What is kept under a name: a certificate with its chain and perhaps its key, a key alone, or a CRL. */
struct pki_entry {
    char name[PKI_NAME_SIZE];
    struct pki_content content;
};

struct pki_store;

/* Is told of a file that can't be used, and why; or of what was mended. */
typedef void pki_complain(void *context, const char *text);

/*
 * Reads the storage under a state-dir. None there: it is empty, and made by the first import. Files that
 * can't be used are told and left alone. NULL if memory ran out.
 */
struct pki_store *pki_store_open(const char *state_directory, pki_complain *complain, void *context);

/* Wipes and frees all; the files stay. `store` may be NULL. */
void pki_store_close(struct pki_store *store);

/* The entry of that name; NULL if there is none. Valid until the next import or erasure. */
const struct pki_entry *pki_store_find(const struct pki_store *store, const char *name);

/* All entries, in the order of their names. */
size_t pki_store_count(const struct pki_store *store);
const struct pki_entry *pki_store_at(const struct pki_store *store, size_t index);

/* A number that changes with each import and erasure. */
uint32_t pki_store_generation(const struct pki_store *store);

/*
 * The CA certificate for which an entry stands in `cert cacert`: its certificate; but where that is the
 * device's own one, which has its key here, and not itself of a CA, the topmost CA of its chain. NULL if it
 * has no certificate.
 */
struct certificate *pki_entry_anchor(const struct pki_entry *entry);

/* ---- Changes --------------------------------------------------------------------------------------- */

/*
 * Import the content of a file under a name. A name that is taken has to be erased first; but a certificate
 * and its private key are imported one after the other, in any order, if they fit each other. `*left_out` is
 * the number of certificates in the file that are not in the chain of the first one. False with the reason:
 * then nothing has changed.
 */
bool pki_store_import_certificate(struct pki_store *store, const char *name, enum pki_form form,
                                  struct octets file, size_t *left_out, struct pki_reason *reason);
bool pki_store_import_key(struct pki_store *store, const char *name, const char *password, struct octets file,
                          struct pki_reason *reason);
bool pki_store_import_pkcs12(struct pki_store *store, const char *name, const char *password,
                             struct octets file, size_t *left_out, struct pki_reason *reason);
bool pki_store_import_crl(struct pki_store *store, const char *name, enum pki_form form, struct octets file,
                          struct pki_reason *reason);

/* Removes all that is kept under a name. False with the reason. */
bool pki_store_erase(struct pki_store *store, const char *name, struct pki_reason *reason);

#endif
