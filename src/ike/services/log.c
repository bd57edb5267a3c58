#include "ike/services/log.h"

#include "base/secret.h"

#include <stdio.h>

enum { LOG_LINE_SIZE = 2048 };

bool engine_logs(const struct ike_engine *engine, enum log_level level)
{
    return (int)level <= engine->options.log_level;
}

void engine_log_of_tunnel(struct ike_engine *engine, enum log_level level, enum log_function function,
                          const uint32_t *tunnel, const char *format, va_list arguments)
{
    if (!engine_logs(engine, level))
        return;
    char line[LOG_LINE_SIZE];
    int length = vsnprintf(line, sizeof line, format, arguments);
    if (length < 0)
        return;
    size_t kept = (size_t)length < sizeof line ? (size_t)length : sizeof line - 1;
    struct octets text = effects_copy(&engine->effects, (struct octets){(const uint8_t *)line, kept + 1});
    secret_wipe(line, kept); /* at level debug it may hold keys (R102) */
    if (text.at == NULL)
        return;
    struct ike_action action = {.kind = IKE_ACTION_LOG};
    action.log.level = level;
    action.log.function = function;
    action.log.has_tunnel = tunnel != NULL;
    action.log.tunnel = tunnel != NULL ? *tunnel : 0;
    action.log.text = (const char *)text.at;
    effects_add_action(&engine->effects, &action);
}

void engine_log(struct ike_engine *engine, enum log_level level, enum log_function function,
                const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    engine_log_of_tunnel(engine, level, function, NULL, format, arguments);
    va_end(arguments);
}
