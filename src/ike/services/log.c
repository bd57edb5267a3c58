#include "ike/services/log.h"

#include "base/secret.h"

#include <stdio.h>

enum { LOG_LINE_SIZE = 2048 };

bool engine_logs(const struct ike_engine *engine, enum log_level level)
{
    return (int)level <= engine->options.log_level;
}

/* What a line is, but for its text. */
struct line_kind {
    enum ike_action_kind kind;
    enum log_level level;
    enum log_function function;
    enum ike_step failed;
    const uint32_t *tunnel; /* NULL: about none */
};

__attribute__((format(printf, 3, 0))) static void
add_line(struct ike_engine *engine, const struct line_kind *kind, const char *format, va_list arguments)
{
    char line[LOG_LINE_SIZE];
    int length = vsnprintf(line, sizeof line, format, arguments);
    if (length < 0)
        return;
    size_t kept = (size_t)length < sizeof line ? (size_t)length : sizeof line - 1;
    struct octets text = effects_copy(&engine->effects, (struct octets){(const uint8_t *)line, kept + 1});
    secret_wipe(line, kept); /* at level debug it may hold keys (R102) */
    if (text.at == NULL)
        return;
    struct ike_action action = {.kind = kind->kind};
    action.log.level = kind->level;
    action.log.function = kind->function;
    action.log.failed = kind->failed;
    action.log.has_tunnel = kind->tunnel != NULL;
    action.log.tunnel = kind->tunnel != NULL ? *kind->tunnel : 0;
    action.log.text = (const char *)text.at;
    effects_add_action(&engine->effects, &action);
}

void engine_log_of_tunnel(struct ike_engine *engine, enum log_level level, enum log_function function,
                          const uint32_t *tunnel, const char *format, va_list arguments)
{
    const struct line_kind kind = {IKE_ACTION_LOG, level, function, IKE_STEP_NONE, tunnel};
    if (engine_logs(engine, level))
        add_line(engine, &kind, format, arguments);
}

void engine_log_failure(struct ike_engine *engine, enum log_level level, enum ike_step step,
                        const uint32_t *tunnel, const char *format, ...)
{
    const struct line_kind kind = {IKE_ACTION_LOG, level, LOG_IKEV2, step, tunnel};
    va_list arguments;
    va_start(arguments, format);
    add_line(engine, &kind, format, arguments);
    va_end(arguments);
}

void engine_note_failure(struct ike_engine *engine, enum ike_step step, uint32_t tunnel, const char *format,
                         ...)
{
    const struct line_kind kind = {IKE_ACTION_FAILURE, LOG_LEVEL_INFO, LOG_IKEV2, step, &tunnel};
    va_list arguments;
    va_start(arguments, format);
    add_line(engine, &kind, format, arguments);
    va_end(arguments);
}

void engine_log(struct ike_engine *engine, enum log_level level, enum log_function function,
                const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    engine_log_of_tunnel(engine, level, function, NULL, format, arguments);
    va_end(arguments);
}
