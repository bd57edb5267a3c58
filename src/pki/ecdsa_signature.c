#include "pki/ecdsa_signature.h"

#include <openssl/bn.h>
#include <openssl/ecdsa.h>

#include "pki/openssl.h"

/* Octets of one number. */
static int number_size(uint32_t bits)
{
    return (int)((bits + 7) / 8);
}

size_t ecdsa_signature_to_numbers(uint8_t *at, size_t length, uint32_t bits)
{
    const unsigned char *from = at;
    int size = number_size(bits);
    ECDSA_SIG *signature = length > 0 ? d2i_ECDSA_SIG(NULL, &from, (long)length) : NULL;
    bool done = signature != NULL && BN_bn2binpad(ECDSA_SIG_get0_r(signature), at, size) == size &&
                BN_bn2binpad(ECDSA_SIG_get0_s(signature), at + size, size) == size;
    ECDSA_SIG_free(signature);
    openssl_forget_errors();
    return done ? 2 * (size_t)size : 0;
}

size_t ecdsa_signature_of_numbers(struct octets numbers, uint32_t bits, uint8_t out[ECDSA_SIGNATURE_MAX])
{
    int size = number_size(bits);
    if (numbers.length != 2 * (size_t)size)
        return 0;
    ECDSA_SIG *signature = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(numbers.at, size, NULL);
    BIGNUM *s = BN_bin2bn(numbers.at + size, size, NULL);
    int length = 0;
    if (signature != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(signature, r, s) == 1) {
        unsigned char *to = out;
        r = s = NULL; /* the signature has them */
        length = i2d_ECDSA_SIG(signature, NULL) <= ECDSA_SIGNATURE_MAX ? i2d_ECDSA_SIG(signature, &to) : 0;
    }
    ECDSA_SIG_free(signature);
    BN_free(r);
    BN_free(s);
    openssl_forget_errors();
    return length > 0 ? (size_t)length : 0;
}
