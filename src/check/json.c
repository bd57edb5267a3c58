#include "check/json.h"

#include <inttypes.h>
#include <string.h>

/* The length of the well-formed character of UTF-8 at `at`; 0 if there is none. */
static size_t character_length(const uint8_t *at)
{
    static const struct {
        uint8_t mask, lead;
        size_t length;
        uint32_t least;
    } forms[] = {{0xe0, 0xc0, 2, 0x80}, {0xf0, 0xe0, 3, 0x800}, {0xf8, 0xf0, 4, 0x10000}};
    if (at[0] < 0x80)
        return 1;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if ((at[0] & forms[i].mask) != forms[i].lead)
            continue;
        uint32_t value = at[0] & (uint8_t)~forms[i].mask;
        for (size_t j = 1; j < forms[i].length; j++) {
            if ((at[j] & 0xc0) != 0x80)
                return 0;
            value = value << 6 | (at[j] & 0x3fU);
        }
        bool is_valid = value >= forms[i].least && value <= 0x10ffff && (value < 0xd800 || value > 0xdfff);
        return is_valid ? forms[i].length : 0;
    }
    return 0;
}

static void put_text(FILE *out, const char *text)
{
    (void)fputc('"', out);
    for (const uint8_t *at = (const uint8_t *)text; *at != '\0';) {
        size_t length = character_length(at);
        if (length == 0)
            (void)fputs("\\ufffd", out);
        else if (*at < 0x20 || *at == 0x7f)
            (void)fprintf(out, "\\u%04x", *at);
        else if (*at == '"' || *at == '\\')
            (void)fprintf(out, "\\%c", *at);
        else
            (void)fwrite(at, 1, length, out);
        at += length > 0 ? length : 1;
    }
    (void)fputc('"', out);
}

static void begin_value(struct json *json, const char *name)
{
    if (json->depth > 0) {
        (void)fprintf(json->out, "%s\n%*s", json->has_values[json->depth] ? "," : "", (int)json->depth * 2,
                      "");
        json->has_values[json->depth] = true;
    }
    if (name == NULL)
        return;
    put_text(json->out, name);
    (void)fputs(": ", json->out);
}

static void begin(struct json *json, const char *name, char bracket)
{
    begin_value(json, name);
    (void)fputc(bracket, json->out);
    json->depth++;
    json->has_values[json->depth] = false;
}

static void end(struct json *json, char bracket)
{
    bool has_values = json->has_values[json->depth];
    json->depth--;
    if (has_values)
        (void)fprintf(json->out, "\n%*s", (int)json->depth * 2, "");
    (void)fputc(bracket, json->out);
    if (json->depth == 0)
        (void)fputc('\n', json->out);
}

void json_begin_object(struct json *json, const char *name)
{
    begin(json, name, '{');
}

void json_end_object(struct json *json)
{
    end(json, '}');
}

void json_begin_array(struct json *json, const char *name)
{
    begin(json, name, '[');
}

void json_end_array(struct json *json)
{
    end(json, ']');
}

void json_text(struct json *json, const char *name, const char *text)
{
    begin_value(json, name);
    if (text != NULL)
        put_text(json->out, text);
    else
        (void)fputs("null", json->out);
}

void json_number(struct json *json, const char *name, uint64_t number)
{
    begin_value(json, name);
    (void)fprintf(json->out, "%" PRIu64, number);
}

void json_bool(struct json *json, const char *name, bool value)
{
    begin_value(json, name);
    (void)fputs(value ? "true" : "false", json->out);
}
