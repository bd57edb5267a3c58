#include "ike/numbers.h"

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
