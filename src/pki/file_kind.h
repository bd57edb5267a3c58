/*
 * What a file that is none of the wanted kind looks like, so that the operator learns which command takes it.
 */
#ifndef MUSUBI_PKI_FILE_KIND_H
#define MUSUBI_PKI_FILE_KIND_H

#include "base/bytes.h"

enum file_kind {
    FILE_UNKNOWN,
    FILE_PEM_CERTIFICATE,
    FILE_PEM_CRL,
    FILE_PEM_PRIVATE_KEY,
    FILE_PEM_OTHER,
    FILE_REQUEST,
    FILE_SSH_KEY,
    FILE_PUBLIC_KEY,
    FILE_DER_CERTIFICATE,
    FILE_DER_CRL,
    FILE_DER_PRIVATE_KEY,
    FILE_PKCS12,
};

/* What the file looks like: by its first block if it is PEM. */
enum file_kind file_kind_of(struct octets file);

/* The kind and the command that takes it, as ": it looks like a private key in PEM, for `pki private-key
 * import pem`", to be put behind the reason of a refusal; "" for FILE_UNKNOWN. */
const char *file_kind_hint(enum file_kind kind);

#endif
