#include "path/drops.h"

enum esp_counter path_drop_counter(enum path_drop drop)
{
    static const enum esp_counter counters[DROP_COUNT] = {
        [DROP_TOO_BIG] = ESP_OUT_MISC_ERROR,
        [DROP_UNFRAGMENTABLE] = ESP_OUT_MISC_ERROR,
        [DROP_OUT_SELECTORS] = ESP_OUT_TS_UNACCEPTABLE,
        [DROP_NO_SA] = ESP_OUT_MISC_ERROR,
        [DROP_QUEUE_FULL] = ESP_OUT_MISC_ERROR,
        [DROP_OF_LINK] = ESP_COUNTER_COUNT,
        [DROP_RECURSIVE] = ESP_OUT_MISC_ERROR,
        [DROP_OUT_MALFORMED] = ESP_OUT_MISC_ERROR,
        [DROP_EXHAUSTED] = ESP_OUT_MISC_ERROR,
        [DROP_OUT_CIPHER] = ESP_OUT_CIPHER_FAILURE,
        [DROP_OUT_NO_MEMORY] = ESP_OUT_NO_MEMORY,
        [DROP_REFUSED] = ESP_OUT_MISC_ERROR,
        [DROP_INVALID_SA] = ESP_IN_INVALID_SA,
        [DROP_REPLAY] = ESP_IN_REPLAY,
        [DROP_AUTHENTICATION] = ESP_IN_INTEGRITY_FAILURE,
        [DROP_IN_CIPHER] = ESP_IN_CIPHER_FAILURE,
        [DROP_TRUNCATED] = ESP_IN_TRUNCATED,
        [DROP_PADDING] = ESP_IN_INVALID_PADDING,
        [DROP_NEXT_HEADER] = ESP_IN_UNKNOWN_PROTOCOL,
        [DROP_IN_SELECTORS] = ESP_IN_TS_UNACCEPTABLE,
        [DROP_IN_MALFORMED] = ESP_IN_MISC_ERROR,
        [DROP_CONGESTED] = ESP_IN_MISC_ERROR,
        [DROP_IN_NO_MEMORY] = ESP_IN_NO_MEMORY,
        [DROP_UNDELIVERED] = ESP_IN_MISC_ERROR,
    };
    return counters[drop];
}

enum path_drop path_drop_of_seal(enum esp_seal_result result)
{
    static const enum path_drop drops[ESP_SEAL_RESULT_COUNT] = {
        [ESP_SEALED] = DROP_COUNT,
        [ESP_SEAL_CIPHER_FAILURE] = DROP_OUT_CIPHER,
        [ESP_SEAL_NO_ROOM] = DROP_OUT_NO_MEMORY,
        [ESP_SEAL_NOT_IP] = DROP_OUT_MALFORMED,
        [ESP_SEAL_EXHAUSTED] = DROP_EXHAUSTED,
    };
    return drops[result];
}

enum path_drop path_drop_of_open(enum esp_open_result result)
{
    static const enum path_drop drops[ESP_OPEN_RESULT_COUNT] = {
        [ESP_OPENED] = DROP_COUNT,
        [ESP_OPEN_DUMMY] = DROP_COUNT,
        [ESP_OPEN_TRUNCATED] = DROP_TRUNCATED,
        [ESP_OPEN_INVALID_SA] = DROP_INVALID_SA,
        [ESP_OPEN_REPLAY] = DROP_REPLAY,
        [ESP_OPEN_INTEGRITY_FAILURE] = DROP_AUTHENTICATION,
        [ESP_OPEN_CIPHER_FAILURE] = DROP_IN_CIPHER,
        [ESP_OPEN_INVALID_PADDING] = DROP_PADDING,
        [ESP_OPEN_UNKNOWN_PROTOCOL] = DROP_NEXT_HEADER,
        [ESP_OPEN_TS_UNACCEPTABLE] = DROP_IN_SELECTORS,
        [ESP_OPEN_NOT_IP] = DROP_IN_MALFORMED,
        [ESP_OPEN_CONGESTED] = DROP_CONGESTED,
    };
    return drops[result];
}
