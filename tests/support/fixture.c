#include "tests/support/fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"

void fixture_open(struct fixture *f, const char *path)
{
    struct err err = {0};
    *f = (struct fixture){.path = path};
    if (!file_read(path, (size_t)1 << 28, &f->data, &f->size, &err))
        fail_msg("%s", err.text);
}

void fixture_close(struct fixture *f)
{
    json_decref(f->json);
    free(f->data);
    *f = (struct fixture){0};
}

bool fixture_next(struct fixture *f)
{
    struct err err = {0};
    json_decref(f->json);
    f->json = NULL;
    if (f->at >= f->size) {
        fixture_close(f);
        return false;
    }
    const char *line = f->data + f->at;
    const char *end = memchr(line, '\n', f->size - f->at);
    size_t length = end ? (size_t)(end - line) : f->size - f->at;
    f->at += length + 1;
    f->number++;
    f->json = json_parse(line, length, f->path, &err);
    const json_t *text = json_object_get(f->json, "text");
    if (!json_is_string(text))
        fail_msg("%s line %zu: %s", f->path, f->number, err.text);
    f->text = json_string_value(text);
    f->length = json_string_length(text);
    return true;
}

void fixture_check_ids(const struct fixture *f, const char *key,
                       const struct token_list *got)
{
    const json_t *want = json_object_get(f->json, key);
    size_t count = json_array_size(want), i = 0;
    assert_true(json_is_array(want));
    while (i < count && i < got->count &&
           json_integer_value(json_array_get(want, i)) == got->ids[i])
        i++;
    if (i == count && i == got->count)
        return;
    char shown[256];
    text_sanitize(shown, sizeof shown, f->text, f->length);
    fail_msg(
        "%s line %zu, %s: token %zu is %d, expected %lld (%zu tokens, expected %zu): %s",
        f->path, f->number, key, i, i < got->count ? got->ids[i] : -1,
        i < count ? json_integer_value(json_array_get(want, i)) : -1, got->count, count,
        shown);
}

void fixture_check_ranges(const struct tokenizer *t, const struct token_list *list,
                          size_t length)
{
    uint32_t end = 0;
    for (size_t i = 0; i < list->count; i++) {
        assert_in_range(list->ids[i], 0, tokenizer_vocab(t) - 1);
        assert_true(list->start[i] >= end);
        assert_true(list->end[i] >= list->start[i]);
        end = list->end[i];
    }
    assert_true(end <= length);
}

struct tokenizer *fixture_open_tokenizer(const char *path)
{
    struct err err = {0};
    char *json;
    size_t length;
    if (!file_read(path, 1 << 24, &json, &length, &err))
        fail_msg("%s", err.text);
    struct tokenizer *t = tokenizer_from_json(json, length, path, 4096, &err);
    if (!t)
        fail_msg("%s", err.text);
    free(json);
    return t;
}

char *fixture_default_model(void)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    char path[1024];
    snprintf(path, sizeof path, "%s%s/comprexit/models/SmolLM2-135M-Instruct.Q4_1.gguf",
             cache  ? cache
             : home ? home
                    : "",
             cache ? "" : "/.cache");
    if (!file_exists(path)) {
        print_message("no default model in %s\n", path);
        skip();
    }
    return xstrdup(path);
}
