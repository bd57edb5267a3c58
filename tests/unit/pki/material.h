/*
 * The certificates that make_certificates.py has made, in the directory of the environment's CERTIFICATES.
 */
#ifndef MUSUBI_TESTS_UNIT_PKI_MATERIAL_H
#define MUSUBI_TESTS_UNIT_PKI_MATERIAL_H

#include "base/bytes.h"
#include "pki/certificate.h"
#include "pki/crl.h"
#include "pki/private_key.h"

/* A day on which most of them are valid: 2026-06-01 00:00:00 UTC. */
#define MATERIAL_NOW INT64_C(1780272000)

/* The content of a file of the directory, from malloc. The test fails if it can't be read. */
struct octets material_read(const char *name);

/* Writes a text with the serial number of a certificate, which is another one each time, in place of "#", and
 * returns `out`. */
const char *material_text(const char *text, const struct certificate *certificate, char out[PKI_REASON_SIZE]);

/* NAME.der as a certificate, as a CRL; NAME.key as a private key. The test fails if it can't be read. */
struct certificate *material_certificate(const char *name);
struct crl *material_crl(const char *name);
struct private_key *material_key(const char *name);

#endif
