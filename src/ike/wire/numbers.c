#include "ike/wire/numbers.h"

#include <stddef.h>

struct number_name {
    uint16_t number;
    const char *name;
};

static const struct number_name exchange_names[] = {
    {EXCHANGE_IKE_SA_INIT, "IKE_SA_INIT"},
    {EXCHANGE_IKE_AUTH, "IKE_AUTH"},
    {EXCHANGE_CREATE_CHILD_SA, "CREATE_CHILD_SA"},
    {EXCHANGE_INFORMATIONAL, "INFORMATIONAL"},
};

static const struct number_name payload_names[] = {
    {PAYLOAD_SA, "SA"},         {PAYLOAD_KE, "KE"},           {PAYLOAD_IDI, "IDi"},   {PAYLOAD_IDR, "IDr"},
    {PAYLOAD_CERT, "CERT"},     {PAYLOAD_CERTREQ, "CERTREQ"}, {PAYLOAD_AUTH, "AUTH"}, {PAYLOAD_NONCE, "N"},
    {PAYLOAD_NOTIFY, "Notify"}, {PAYLOAD_DELETE, "Delete"},   {PAYLOAD_VENDOR, "V"},  {PAYLOAD_TSI, "TSi"},
    {PAYLOAD_TSR, "TSr"},       {PAYLOAD_SK, "SK"},           {PAYLOAD_CP, "CP"},     {PAYLOAD_EAP, "EAP"},
    {PAYLOAD_SKF, "SKF"},
};

static const struct number_name notify_names[] = {
    {NOTIFY_UNSUPPORTED_CRITICAL_PAYLOAD, "UNSUPPORTED_CRITICAL_PAYLOAD"},
    {NOTIFY_INVALID_IKE_SPI, "INVALID_IKE_SPI"},
    {NOTIFY_INVALID_MAJOR_VERSION, "INVALID_MAJOR_VERSION"},
    {NOTIFY_INVALID_SYNTAX, "INVALID_SYNTAX"},
    {NOTIFY_INVALID_MESSAGE_ID, "INVALID_MESSAGE_ID"},
    {NOTIFY_INVALID_SPI, "INVALID_SPI"},
    {NOTIFY_NO_PROPOSAL_CHOSEN, "NO_PROPOSAL_CHOSEN"},
    {NOTIFY_INVALID_KE_PAYLOAD, "INVALID_KE_PAYLOAD"},
    {NOTIFY_AUTHENTICATION_FAILED, "AUTHENTICATION_FAILED"},
    {NOTIFY_SINGLE_PAIR_REQUIRED, "SINGLE_PAIR_REQUIRED"},
    {NOTIFY_NO_ADDITIONAL_SAS, "NO_ADDITIONAL_SAS"},
    {NOTIFY_INTERNAL_ADDRESS_FAILURE, "INTERNAL_ADDRESS_FAILURE"},
    {NOTIFY_FAILED_CP_REQUIRED, "FAILED_CP_REQUIRED"},
    {NOTIFY_TS_UNACCEPTABLE, "TS_UNACCEPTABLE"},
    {NOTIFY_INVALID_SELECTORS, "INVALID_SELECTORS"},
    {NOTIFY_TEMPORARY_FAILURE, "TEMPORARY_FAILURE"},
    {NOTIFY_CHILD_SA_NOT_FOUND, "CHILD_SA_NOT_FOUND"},
    {NOTIFY_INITIAL_CONTACT, "INITIAL_CONTACT"},
    {NOTIFY_SET_WINDOW_SIZE, "SET_WINDOW_SIZE"},
    {NOTIFY_ADDITIONAL_TS_POSSIBLE, "ADDITIONAL_TS_POSSIBLE"},
    {NOTIFY_IPCOMP_SUPPORTED, "IPCOMP_SUPPORTED"},
    {NOTIFY_NAT_DETECTION_SOURCE_IP, "NAT_DETECTION_SOURCE_IP"},
    {NOTIFY_NAT_DETECTION_DESTINATION_IP, "NAT_DETECTION_DESTINATION_IP"},
    {NOTIFY_COOKIE, "COOKIE"},
    {NOTIFY_USE_TRANSPORT_MODE, "USE_TRANSPORT_MODE"},
    {NOTIFY_HTTP_CERT_LOOKUP_SUPPORTED, "HTTP_CERT_LOOKUP_SUPPORTED"},
    {NOTIFY_REKEY_SA, "REKEY_SA"},
    {NOTIFY_ESP_TFC_PADDING_NOT_SUPPORTED, "ESP_TFC_PADDING_NOT_SUPPORTED"},
    {NOTIFY_NON_FIRST_FRAGMENTS_ALSO, "NON_FIRST_FRAGMENTS_ALSO"},
    {NOTIFY_IKEV2_FRAGMENTATION_SUPPORTED, "IKEV2_FRAGMENTATION_SUPPORTED"},
    {NOTIFY_SIGNATURE_HASH_ALGORITHMS, "SIGNATURE_HASH_ALGORITHMS"},
};

static const struct number_name auth_method_names[] = {
    {AUTH_METHOD_RSA, "RSA digital signature"},
    {AUTH_METHOD_PSK, "pre-shared key"},
    {3, "DSS digital signature"},
    {9, "ECDSA with P-256"},
    {10, "ECDSA with P-384"},
    {11, "ECDSA with P-521"},
    {12, "secure password"},
    {13, "NULL authentication"},
    {AUTH_METHOD_SIGNATURE, "digital signature"},
};

static const struct number_name encryption_names[] = {
    {2, "DES"},         {3, "3DES"},           {6, "CAST"},          {7, "Blowfish"},
    {11, "NULL"},       {12, "AES-CBC"},       {13, "AES-CTR"},      {14, "AES-CCM-8"},
    {15, "AES-CCM-12"}, {16, "AES-CCM-16"},    {18, "AES-GCM-8"},    {19, "AES-GCM-12"},
    {20, "AES-GCM-16"}, {21, "NULL-AES-GMAC"}, {23, "Camellia-CBC"}, {28, "ChaCha20-Poly1305"},
};

static const struct number_name prf_names[] = {
    {1, "HMAC-MD5"},      {2, "HMAC-SHA1"},     {4, "AES128-XCBC"}, {5, "HMAC-SHA2-256"},
    {6, "HMAC-SHA2-384"}, {7, "HMAC-SHA2-512"}, {8, "AES128-CMAC"},
};

static const struct number_name integrity_names[] = {
    {1, "HMAC-MD5-96"},        {2, "HMAC-SHA1-96"},       {5, "AES-XCBC-96"},   {8, "AES-CMAC-96"},
    {9, "AES-128-GMAC"},       {10, "AES-192-GMAC"},      {11, "AES-256-GMAC"}, {12, "HMAC-SHA2-256-128"},
    {13, "HMAC-SHA2-384-192"}, {14, "HMAC-SHA2-512-256"},
};

static const struct number_name group_names[] = {
    {0, "none"},
    {1, "MODP-768"},
    {2, "MODP-1024"},
    {5, "MODP-1536"},
    {14, "MODP-2048"},
    {15, "MODP-3072"},
    {16, "MODP-4096"},
    {17, "MODP-6144"},
    {18, "MODP-8192"},
    {19, "ECP-256"},
    {20, "ECP-384"},
    {21, "ECP-521"},
    {22, "MODP-1024-160"},
    {23, "MODP-2048-224"},
    {24, "MODP-2048-256"},
    {25, "ECP-192"},
    {26, "ECP-224"},
    {27, "brainpoolP224r1"},
    {28, "brainpoolP256r1"},
    {29, "brainpoolP384r1"},
    {30, "brainpoolP512r1"},
    {31, "Curve25519"},
    {32, "Curve448"},
    {35, "ML-KEM-512"},
    {36, "ML-KEM-768"},
    {37, "ML-KEM-1024"},
};

static const struct number_name encoding_names[] = {
    {CERT_PKCS7, "PKCS#7 wrapped certificate"},
    {CERT_X509_SIGNATURE, "X.509 certificate"},
    {CERT_CRL, "certificate revocation list"},
    {CERT_RAW_RSA_KEY, "raw RSA key"},
    {CERT_HASH_AND_URL, "Hash and URL of a certificate"},
    {CERT_HASH_AND_URL_BUNDLE, "Hash and URL of certificates"},
    {CERT_RAW_PUBLIC_KEY, "raw public key"},
};

static const struct number_name esn_names[] = {{1, "extended sequence numbers"}};

static const char *name_of(const struct number_name *names, size_t count, uint16_t number)
{
    for (size_t i = 0; i < count; i++) {
        if (names[i].number == number)
            return names[i].name;
    }
    return NULL;
}

#define NAME_OF(names, number) name_of(names, sizeof(names) / sizeof *(names), number)

const char *exchange_type_name(uint8_t type)
{
    return NAME_OF(exchange_names, type);
}

const char *payload_type_name(uint8_t type)
{
    return NAME_OF(payload_names, type);
}

const char *notify_type_name(uint16_t type)
{
    return NAME_OF(notify_names, type);
}

const char *auth_method_name(uint8_t method)
{
    return NAME_OF(auth_method_names, method);
}

const char *certificate_encoding_name(uint8_t encoding)
{
    return NAME_OF(encoding_names, encoding);
}

const char *transform_name(uint8_t type, uint16_t id)
{
    if (type >= TRANSFORM_ADDITIONAL_DH_FIRST && type <= TRANSFORM_ADDITIONAL_DH_LAST)
        type = TRANSFORM_KE;
    switch (type) {
    case TRANSFORM_ENCR:
        return NAME_OF(encryption_names, id);
    case TRANSFORM_PRF:
        return NAME_OF(prf_names, id);
    case TRANSFORM_INTEG:
        return NAME_OF(integrity_names, id);
    case TRANSFORM_KE:
        return NAME_OF(group_names, id);
    case TRANSFORM_ESN:
        return NAME_OF(esn_names, id);
    default:
        return NULL;
    }
}
