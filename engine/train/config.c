#include "engine/train/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/mem.h"

enum kind { KIND_COUNT, KIND_NUMBER, KIND_TEXT };
enum { CONFIG_FILE_MAX = 1 << 16 };

struct key {
    const char *name, *help;
    enum kind kind;
    size_t offset;
};

#define KEY(k, key, standard, help) {#key, help, KIND_##k, offsetof(struct train_config, key)},
static const struct key keys[] = {TRAIN_CONFIG(KEY)};
#undef KEY
enum { KEY_COUNT = sizeof keys / sizeof *keys };

#define DEFAULT_COUNT(key, standard) config->key = standard;
#define DEFAULT_NUMBER(key, standard) config->key = standard;
#define DEFAULT_TEXT(key, standard) memcpy(config->key, standard, sizeof standard);
#define DEFAULT(kind, key, standard, help) DEFAULT_##kind(key, standard)
void train_config_defaults(struct train_config *config)
{
    memset(config, 0, sizeof *config);
    TRAIN_CONFIG(DEFAULT)
}
#undef DEFAULT

static const struct key *find_key(const char *name)
{
    for (size_t i = 0; i < KEY_COUNT; i++)
        if (strcmp(keys[i].name, name) == 0)
            return &keys[i];
    return NULL;
}

static bool parse_number(const char *text, double *out)
{
    char *end;
    *out = strtod(text, &end);
    return end != text && *end == '\0' && isfinite(*out);
}

bool train_config_set(struct train_config *config, const char *name, const char *value,
                      struct err *err)
{
    const struct key *key = find_key(name);
    if (!key)
        return err_set(err, ERR_USAGE, "unknown training setting \"%s\" (train --print-config "
                                       "lists them)", name);
    char *at = (char *)config + key->offset;
    double number;
    if (key->kind == KIND_TEXT) {
        size_t n = strlen(value);
        if (n >= CONFIG_TEXT_MAX)
            return err_set(err, ERR_USAGE, "%s: value longer than %d characters", name,
                           CONFIG_TEXT_MAX - 1);
        memcpy(at, value, n + 1);
        return true;
    }
    bool count = key->kind == KIND_COUNT;
    if (!parse_number(value, &number) ||
        (count && (number < 0 || number > 1e15 || floor(number) < number)))
        return err_set(err, ERR_USAGE, "%s: \"%s\" is not a %s", name, value,
                       count ? "whole number" : "number");
    if (count)
        *(size_t *)(void *)at = (size_t)number;
    else
        *(double *)(void *)at = number;
    return true;
}

/* One line of a configuration file, without its comment. */
static bool apply_line(struct train_config *config, char *line, const char *path, size_t number,
                       struct err *err)
{
    static const char blank[] = " \t\r";
    line[strcspn(line, "#")] = '\0';
    char *key = line + strspn(line, blank);
    if (!*key)
        return true;
    char *equals = strchr(key, '=');
    if (!equals)
        return err_set(err, ERR_INPUT, "%s:%zu: expected key = value", path, number);
    char *value = equals + 1 + strspn(equals + 1, blank);
    char *end = equals;
    while (end > key && strchr(blank, end[-1]))
        end--;
    *end = '\0';
    end = value + strlen(value);
    while (end > value && strchr(blank, end[-1]))
        end--;
    *end = '\0';
    return train_config_set(config, key, value, err) || err_prefix(err, "%s:%zu", path, number);
}

bool train_config_read(struct train_config *config, const char *path, struct err *err)
{
    char *text;
    size_t size, number = 0;
    if (!file_read(path, CONFIG_FILE_MAX, &text, &size, err))
        return false;
    bool ok = true;
    char *rest = text;
    for (char *line = strsep(&rest, "\n"); ok && line; line = strsep(&rest, "\n"))
        ok = apply_line(config, line, path, ++number, err);
    free(text);
    return ok;
}

static int print_value(const struct train_config *config, const struct key *key, char *out,
                       size_t size)
{
    const char *at = (const char *)config + key->offset;
    if (key->kind == KIND_TEXT)
        return snprintf(out, size, "%s", at);
    if (key->kind == KIND_COUNT)
        return snprintf(out, size, "%zu", *(const size_t *)(const void *)at);
    return snprintf(out, size, "%.17g", *(const double *)(const void *)at);
}

/* The shortest digits that read back as the same number. */
static void shorten(const struct train_config *config, const struct key *key, char *out,
                    size_t size)
{
    if (key->kind != KIND_NUMBER)
        return;
    double value = *(const double *)(const void *)((const char *)config + key->offset), again;
    for (int digits = 1; digits < 17; digits++) {
        snprintf(out, size, "%.*g", digits, value);
        if (parse_number(out, &again) && !(again < value) && !(again > value))
            return;
    }
}

bool train_config_row(const struct train_config *config, size_t i, struct train_config_row *row)
{
    if (i >= KEY_COUNT)
        return false;
    *row = (struct train_config_row){.key = keys[i].name, .help = keys[i].help};
    print_value(config, &keys[i], row->value, sizeof row->value);
    shorten(config, &keys[i], row->value, sizeof row->value);
    return true;
}

char *train_config_print(const struct train_config *config)
{
    size_t capacity = KEY_COUNT * (CONFIG_TEXT_MAX + 160), used = 0;
    char *out = xmalloc(capacity);
    struct train_config_row row;
    for (size_t i = 0; train_config_row(config, i, &row); i++)
        used += (size_t)snprintf(out + used, capacity - used, "%-18s = %-24s # %s\n", row.key,
                                 row.value, row.help);
    return out;
}

bool schedule_value_at(const char *schedule, size_t step, double *value)
{
    bool found = false;
    for (const char *p = schedule; *p;) {
        char *end;
        double from = strtod(p, &end);
        if (end == p || *end != ':')
            return false;
        p = end + 1;
        double here = strtod(p, &end);
        if (end == p || (*end && *end != ','))
            return false;
        p = *end ? end + 1 : end;
        if (!found || from <= (double)step)
            *value = here;
        found = true;
    }
    return found;
}

size_t train_config_shapes(const char *text, struct block_shape shapes[STREAM_SHAPES_MAX])
{
    size_t n = 0;
    for (const char *p = text; *p && n < STREAM_SHAPES_MAX;) {
        char *end;
        unsigned long context = strtoul(p, &end, 10);
        if (end == p || *end != '+')
            return 0;
        p = end + 1;
        unsigned long predict = strtoul(p, &end, 10);
        if (end == p || (*end && *end != ',') || !context || !predict || context > 1u << 20 ||
            predict > 1u << 20)
            return 0;
        shapes[n++] = (struct block_shape){context, predict};
        p = *end ? end + 1 : end;
    }
    return n;
}

/* Is value one of the words of "a|b|c"? */
static bool one_of(const char *value, const char *key, const char *words, struct err *err)
{
    char list[128] = "";
    size_t used = 0;
    for (const char *at = words; *at;) {
        size_t length = strcspn(at, "|");
        if (strlen(value) == length && memcmp(value, at, length) == 0)
            return true;
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%.*s", used ? ", " : "",
                                 (int)length, at);
        at += length + (at[length] == '|');
    }
    return err_set(err, ERR_USAGE, "%s: \"%s\" is none of %s", key, value, list);
}

#define ONE_OF(key, words) one_of(c->key, #key, words, err) &&
static bool check_words(const struct train_config *c, struct err *err)
{
    return TRAIN_WORDS(ONE_OF) true;
}
#undef ONE_OF

static bool check_device(const struct train_config *c, struct err *err)
{
    bool cuda = strcmp(c->device, "cuda") == 0, tf32 = strcmp(c->frozen_precision, "tf32") == 0;
    if (cuda != tf32 && strcmp(c->frozen_precision, "f32") != 0)
        return err_set(err, ERR_USAGE, "frozen_precision %s is not for device %s: %s",
                       c->frozen_precision, c->device,
                       cuda ? "f32 and tf32 are" : "f32, q16, mixed, q8 and bf16 are");
    return true;
}

bool train_config_check(const struct train_config *c, struct err *err)
{
    struct block_shape shapes[STREAM_SHAPES_MAX];
    double value;
    if (!check_words(c, err) || !check_device(c, err))
        return false;
    if (!train_config_shapes(c->blocks, shapes))
        return err_set(err, ERR_USAGE, "blocks: \"%s\" is not like 128+64,512+128", c->blocks);
    if (!schedule_value_at(c->ratio_schedule, 0, &value))
        return err_set(err, ERR_USAGE, "ratio_schedule: \"%s\" is not like 0:1.5,400:4",
                       c->ratio_schedule);
    if (!schedule_value_at(c->eps_schedule, 0, &value))
        return err_set(err, ERR_USAGE, "eps_schedule: \"%s\" is not like 0:0.1", c->eps_schedule);
    if (!c->steps || !c->batch || !c->micro_batch || c->batch % c->micro_batch)
        return err_set(err, ERR_USAGE,
                       "steps, batch and micro_batch must be at least 1, and batch (%zu) a "
                       "multiple of micro_batch (%zu)",
                       c->batch, c->micro_batch);
    if (strcmp(c->phase, "prompt") == 0 && (c->mix_ntp > 0 || c->mix_reconstruct > 0))
        return err_set(err, ERR_USAGE,
                       "prompt: mix_ntp %g and mix_reconstruct %g must be 0, a soft prompt stands "
                       "in front of questions only",
                       c->mix_ntp, c->mix_reconstruct);
    if (!(c->warm_spread >= 0 && c->warm_spread < 1))
        return err_set(err, ERR_USAGE, "warm_spread: %g is not a share from 0 to below 1",
                       c->warm_spread);
    if (!(c->average >= 0 && c->average < 1))
        return err_set(err, ERR_USAGE, "average: %g is not a share from 0 to below 1", c->average);
    for (size_t step = 0; step < c->steps; step++) {
        struct compress_settings settings;
        train_config_settings(c, step, &settings);
        if (!compress_settings_check(&settings, err)) {
            err->code = ERR_USAGE; /* no file said so */
            return false;
        }
    }
    return true;
}

void train_config_settings(const struct train_config *c, size_t step,
                           struct compress_settings *settings)
{
    *settings = compress_settings_default;
    settings->window = c->window;
    settings->iters = (unsigned)c->iters;
    settings->align = strcmp(c->align, "head") == 0 ? ALIGN_HEAD : ALIGN_TAIL;
    schedule_value_at(c->ratio_schedule, step, &settings->ratio);
    schedule_value_at(c->eps_schedule, step, &settings->eps);
}
