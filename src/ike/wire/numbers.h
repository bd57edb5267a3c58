/*
 * The numbers of IKEv2 (IANA "IKEv2 Parameters") that Musubi uses or names. Transform IDs are in
 * crypto/algorithm.h, ID types in config/policy.h.
 */
#ifndef MUSUBI_IKE_WIRE_NUMBERS_H
#define MUSUBI_IKE_WIRE_NUMBERS_H

#include <stdint.h>

/* RFC 7296 3.1. */
enum exchange_type {
    EXCHANGE_IKE_SA_INIT = 34,
    EXCHANGE_IKE_AUTH = 35,
    EXCHANGE_CREATE_CHILD_SA = 36,
    EXCHANGE_INFORMATIONAL = 37,
};

enum ike_header_flag {
    IKE_FLAG_INITIATOR = 0x08,
    IKE_FLAG_VERSION = 0x10,
    IKE_FLAG_RESPONSE = 0x20,
};

enum {
    IKE_VERSION = 0x20, /* major 2, minor 0 */
    IKE_HEADER_SIZE = 28,
    IKE_PAYLOAD_HEADER_SIZE = 4,
};

/* RFC 7296 3.2. */
enum payload_type {
    PAYLOAD_NONE = 0,
    PAYLOAD_SA = 33,
    PAYLOAD_KE = 34,
    PAYLOAD_IDI = 35,
    PAYLOAD_IDR = 36,
    PAYLOAD_CERT = 37,
    PAYLOAD_CERTREQ = 38,
    PAYLOAD_AUTH = 39,
    PAYLOAD_NONCE = 40,
    PAYLOAD_NOTIFY = 41,
    PAYLOAD_DELETE = 42,
    PAYLOAD_VENDOR = 43,
    PAYLOAD_TSI = 44,
    PAYLOAD_TSR = 45,
    PAYLOAD_SK = 46,
    PAYLOAD_CP = 47,
    PAYLOAD_EAP = 48,
    PAYLOAD_SKF = 53,
};

/* RFC 7296 3.3.1. */
enum protocol_id {
    PROTOCOL_NONE = 0,
    PROTOCOL_IKE = 1,
    PROTOCOL_AH = 2,
    PROTOCOL_ESP = 3,
};

enum {
    IKE_SPI_SIZE = 8,
    ESP_SPI_SIZE = 4,
    ESP_SPI_MIN = 256, /* RFC 4303 2.1: 0 to 255 are reserved */
};

/* RFC 7296 3.3.2. */
enum transform_type {
    TRANSFORM_ENCR = 1,
    TRANSFORM_PRF = 2,
    TRANSFORM_INTEG = 3,
    TRANSFORM_KE = 4,
    TRANSFORM_ESN = 5,
    TRANSFORM_ADDITIONAL_DH_FIRST = 6, /* RFC 9370, not supported here: named in the log alone */
    TRANSFORM_ADDITIONAL_DH_LAST = 12,
};

enum {
    ESN_NONE = 0,
    ATTRIBUTE_KEY_LENGTH = 14,
    ATTRIBUTE_FORMAT_TV = 0x8000,
};

/* RFC 7296 3.8. */
enum auth_method {
    AUTH_METHOD_RSA = 1,
    AUTH_METHOD_PSK = 2,
    AUTH_METHOD_SIGNATURE = 14,
};

/* RFC 7296 3.6. */
enum certificate_encoding {
    CERT_PKCS7 = 1,
    CERT_X509_SIGNATURE = 4,
    CERT_CRL = 7,
    CERT_RAW_RSA_KEY = 11,
    CERT_HASH_AND_URL = 12,
    CERT_HASH_AND_URL_BUNDLE = 13,
    CERT_RAW_PUBLIC_KEY = 15,
};

/* RFC 7296 3.13.1. */
enum ts_type {
    TS_IPV4_ADDR_RANGE = 7,
    TS_IPV6_ADDR_RANGE = 8,
};

/* RFC 7296 3.10.1 and the registry: below 16384 errors, from there on status. */
enum notify_type {
    NOTIFY_UNSUPPORTED_CRITICAL_PAYLOAD = 1,
    NOTIFY_INVALID_IKE_SPI = 4,
    NOTIFY_INVALID_MAJOR_VERSION = 5,
    NOTIFY_INVALID_SYNTAX = 7,
    NOTIFY_INVALID_MESSAGE_ID = 9,
    NOTIFY_INVALID_SPI = 11,
    NOTIFY_NO_PROPOSAL_CHOSEN = 14,
    NOTIFY_INVALID_KE_PAYLOAD = 17,
    NOTIFY_AUTHENTICATION_FAILED = 24,
    NOTIFY_SINGLE_PAIR_REQUIRED = 34,
    NOTIFY_NO_ADDITIONAL_SAS = 35,
    NOTIFY_INTERNAL_ADDRESS_FAILURE = 36,
    NOTIFY_FAILED_CP_REQUIRED = 37,
    NOTIFY_TS_UNACCEPTABLE = 38,
    NOTIFY_INVALID_SELECTORS = 39,
    NOTIFY_TEMPORARY_FAILURE = 43,
    NOTIFY_CHILD_SA_NOT_FOUND = 44,
    NOTIFY_FIRST_STATUS = 16384,
    NOTIFY_INITIAL_CONTACT = 16384,
    NOTIFY_SET_WINDOW_SIZE = 16385,
    NOTIFY_ADDITIONAL_TS_POSSIBLE = 16386,
    NOTIFY_IPCOMP_SUPPORTED = 16387,
    NOTIFY_NAT_DETECTION_SOURCE_IP = 16388,
    NOTIFY_NAT_DETECTION_DESTINATION_IP = 16389,
    NOTIFY_COOKIE = 16390,
    NOTIFY_USE_TRANSPORT_MODE = 16391,
    NOTIFY_HTTP_CERT_LOOKUP_SUPPORTED = 16392,
    NOTIFY_REKEY_SA = 16393,
    NOTIFY_ESP_TFC_PADDING_NOT_SUPPORTED = 16394,
    NOTIFY_NON_FIRST_FRAGMENTS_ALSO = 16395,
    NOTIFY_IKEV2_FRAGMENTATION_SUPPORTED = 16430,
    NOTIFY_SIGNATURE_HASH_ALGORITHMS = 16431,
};

/* The RFC's name of a number, "IKE_SA_INIT", "NO_PROPOSAL_CHOSEN", …; NULL for one that Musubi does not know.
 */
const char *exchange_type_name(uint8_t type);
const char *payload_type_name(uint8_t type);
const char *notify_type_name(uint16_t type);

/* What an AUTH method is (RFC 7296 3.8 and the registry): "RSA digital signature"; NULL if it is unknown. */
const char *auth_method_name(uint8_t method);

/* What a certificate encoding is (RFC 7296 3.6 and the registry): "Hash and URL of a certificate"; NULL if it
 * is unknown. */
const char *certificate_encoding_name(uint8_t encoding);

/*
 * The name of a transform (enum transform_type), also of common ones that Musubi does not support:
 * "ChaCha20-Poly1305", "ECP-256"; NULL for one that it does not know.
 */
const char *transform_name(uint8_t type, uint16_t id);

#endif
