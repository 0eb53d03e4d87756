#include "app/export_data.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "app/report.h"
#include "engine/base/buffer.h"
#include "engine/base/text.h"

/* ---- NPY ------------------------------------------------------------------------- */

/* Little-endian, whatever this machine is. */
static void put_float(struct buffer *out, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint8_t bytes[4] = {(uint8_t)bits, (uint8_t)(bits >> 8), (uint8_t)(bits >> 16),
                        (uint8_t)(bits >> 24)};
    buffer_add(out, bytes, sizeof bytes);
}

char *export_npy(const struct figure_data *data, size_t *size)
{
    struct buffer out = {0}, header = {0};
    buffer_printf(&header, "{'descr': '<f4', 'fortran_order': False, 'shape': (%zu, %zu), }",
               data->grid.rows, data->grid.columns);
    /* Magic, version, length and header together are a multiple of 64. */
    while ((10 + header.size + 1) % 64 != 0)
        buffer_text(&header, " ");
    buffer_text(&header, "\n");
    uint8_t length[2] = {(uint8_t)header.size, (uint8_t)(header.size >> 8)};
    buffer_add(&out, "\x93NUMPY\1\0", 8);
    buffer_add(&out, length, sizeof length);
    buffer_add(&out, header.data, header.size);
    free(header.data);
    for (size_t i = 0; i < data->grid.rows * data->grid.columns; i++)
        put_float(&out, data->grid.value[i]);
    return buffer_take(&out, size);
}

/* ---- CSV ------------------------------------------------------------------------- */

static void put_field(struct buffer *out, const char *text)
{
    if (!strpbrk(text, ",\"\r\n")) {
        buffer_text(out, text);
        return;
    }
    buffer_text(out, "\"");
    for (; *text; text++) {
        if (*text == '"')
            buffer_text(out, "\"");
        buffer_add(out, text, 1);
    }
    buffer_text(out, "\"");
}

static void put_value(struct buffer *out, double value)
{
    if (isfinite(value))
        buffer_printf(out, "%.9g", value);
}

static const char *column_name(const struct figure_data *data, size_t row)
{
    if (data->row_label[row][0])
        return data->row_label[row];
    return data->kind == FIGURE_GATE ? "entropy" : data->kind == FIGURE_LOSS ? "loss" : "";
}

char *export_csv(const struct figure_data *data, size_t *size)
{
    struct buffer out = {0};
    bool columns = data->kind != FIGURE_MASS; /* whose values are the mass */
    buffer_text(&out, "token,index,text,mass");
    for (size_t r = 0; columns && r < data->rows; r++) {
        buffer_text(&out, ",");
        put_field(&out, column_name(data, r));
    }
    buffer_text(&out, "\r\n");
    for (size_t t = 0; t < data->tokens; t++) {
        buffer_printf(&out, "%zu,%zu,", data->token[t].number, data->token[t].place);
        put_field(&out, data->token[t].text);
        buffer_text(&out, ",");
        put_value(&out, (double)data->mass[t]);
        for (size_t r = 0; columns && r < data->rows; r++) {
            buffer_text(&out, ",");
            put_value(&out, heat_at(&data->grid, r, t));
        }
        buffer_text(&out, "\r\n");
    }
    return buffer_take(&out, size);
}

static char *sanitised(const char *text)
{
    size_t length = text ? strlen(text) : 0, size = length * TEXT_ESCAPE_MAX + 1;
    char *out = xmalloc(size);
    text_sanitize(out, size, text ? text : "", length);
    return out;
}

static const char *const state_name[] = {
    [ANSWER_EMPTY] = "empty",     [ANSWER_WAITING] = "waiting", [ANSWER_PREPARING] = "preparing",
    [ANSWER_RUNNING] = "running", [ANSWER_DONE] = "done",       [ANSWER_STOPPED] = "stopped",
    [ANSWER_FAILED] = "failed",
};

static const char *state_of(const struct snapshot_answer *a)
{
    return a->stale ? "stale" : state_name[a->state];
}

char *export_answers_csv(const struct snapshot *s, size_t *size)
{
    struct buffer out = {0};
    buffer_text(&out, "mode,context,kv_bytes,f1,exact,state,answer\r\n");
    for (int mode = 0; mode < ANSWER_MODES; mode++) {
        const struct snapshot_answer *a = s->answer[mode];
        if (!a)
            continue;
        buffer_printf(&out, "%s,%zu,%zu,", answer_mode_name[mode], a->context_positions,
                      a->kv_bytes);
        put_value(&out, a->f1 >= 0 ? a->f1 : (double)NAN);
        buffer_text(&out, ",");
        put_value(&out, a->exact >= 0 ? a->exact : (double)NAN);
        buffer_printf(&out, ",%s,", state_of(a));
        char *text = sanitised(a->state == ANSWER_FAILED ? a->error : a->text);
        put_field(&out, text);
        free(text);
        buffer_text(&out, "\r\n");
    }
    return buffer_take(&out, size);
}

/* ---- JSON ------------------------------------------------------------------------ */

static char *dump(json_t *record, size_t *size)
{
    char *text = json_dumps(record, JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(9));
    json_decref(record);
    struct buffer out = {0};
    buffer_text(&out, text);
    buffer_text(&out, "\n");
    free(text);
    return buffer_take(&out, size);
}

static json_t *tokens_to_json(const struct figure_data *data)
{
    json_t *list = json_array();
    for (size_t t = 0; t < data->tokens; t++)
        json_array_append_new(
            list, json_pack("{s:I, s:s}", "token", (json_int_t)data->token[t].number, "text",
                            data->token[t].text));
    return list;
}

static json_t *rows_to_json(const struct figure_data *data)
{
    json_t *list = json_array();
    for (size_t r = 0; r < data->rows; r++)
        json_array_append_new(list, json_string(column_name(data, r)));
    return list;
}

static json_t *values_to_json(const struct figure_data *data)
{
    json_t *rows = json_array();
    for (size_t r = 0; r < data->rows; r++)
        json_array_append_new(rows, report_floats(data->grid.value + r * data->tokens,
                                                  data->tokens));
    return rows;
}

char *export_json(json_t *record, const struct figure_data *data, size_t *size)
{
    json_object_set_new(record, "quantity", json_string(data->quantity));
    json_object_set_new(record, "tokens", tokens_to_json(data));
    json_object_set_new(record, "mass", report_floats(data->mass, data->tokens));
    json_object_set_new(record, "rows", rows_to_json(data));
    json_object_set_new(record, "values", values_to_json(data));
    return dump(record, size);
}

static json_t *known(double value)
{
    return report_number(value >= 0 ? value : (double)NAN);
}

static json_t *answer_to_json(enum answer_mode mode, const struct snapshot_answer *a)
{
    json_t *json = json_pack("{s:s, s:I, s:I}", "mode", answer_mode_name[mode],
                             "context_positions", (json_int_t)a->context_positions, "kv_bytes",
                             (json_int_t)a->kv_bytes);
    json_object_set_new(json, "f1", known(a->f1));
    json_object_set_new(json, "exact", known(a->exact));
    json_object_set_new(json, "state", json_string(state_of(a)));
    json_object_set_new(json, "text", report_text(a->text ? a->text : "",
                                                  a->text ? strlen(a->text) : 0));
    if (a->state == ANSWER_FAILED)
        json_object_set_new(json, "error", report_text(a->error, strlen(a->error)));
    return json;
}

char *export_answers_json(json_t *record, const struct snapshot *s, size_t *size)
{
    json_t *list = json_array();
    for (int mode = 0; mode < ANSWER_MODES; mode++)
        if (s->answer[mode])
            json_array_append_new(list, answer_to_json((enum answer_mode)mode, s->answer[mode]));
    if (s->gold)
        json_object_set_new(record, "gold", report_text(s->gold, strlen(s->gold)));
    json_object_set_new(record, "answers", list);
    return dump(record, size);
}
