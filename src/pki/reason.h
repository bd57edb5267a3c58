/*
 * Why something of pki/ is refused, in words for the operator: no "%" before it, no end of line, no secret in
 * it.
 */
#ifndef MUSUBI_PKI_REASON_H
#define MUSUBI_PKI_REASON_H

#include <stdbool.h>

enum { PKI_REASON_SIZE = 1024 };

struct pki_reason {
    char text[PKI_REASON_SIZE];
};

/* Sets the text as printf does, cut if it is too long; `reason` may be NULL. Returns false, so that a failing
 * function can end with it. */
__attribute__((format(printf, 2, 3))) bool pki_refuse(struct pki_reason *reason, const char *format, ...);

#endif
