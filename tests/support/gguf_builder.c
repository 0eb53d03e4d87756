#include "tests/support/gguf_builder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/err.h"
#include "engine/base/mem.h"

enum {
    ALIGNMENT = 32,
    VOCAB = 260,
    HIDDEN = 32,
    HEADS = 4,
    KV_HEADS = 2,
    LAYERS = 2,
    FFN = 64
};

/* ---- bytes ---------------------------------------------------------------- */

void bytes_put(struct bytes *b, const void *data, size_t size)
{
    MEM_GROW(b->data, b->capacity, b->size + size);
    if (size > 0)
        memcpy(b->data + b->size, data, size);
    b->size += size;
}

void bytes_u8(struct bytes *b, uint8_t value)
{
    bytes_put(b, &value, sizeof value);
}

void bytes_u32(struct bytes *b, uint32_t value)
{
    bytes_put(b, &value, sizeof value);
}

void bytes_u64(struct bytes *b, uint64_t value)
{
    bytes_put(b, &value, sizeof value);
}

void bytes_f32(struct bytes *b, float value)
{
    bytes_put(b, &value, sizeof value);
}

void bytes_zeros(struct bytes *b, size_t count)
{
    MEM_GROW(b->data, b->capacity, b->size + count);
    memset(b->data + b->size, 0, count);
    b->size += count;
}

void bytes_pad(struct bytes *b, size_t alignment)
{
    bytes_zeros(b, (alignment - b->size % alignment) % alignment);
}

void bytes_free(struct bytes *b)
{
    free(b->data);
    *b = (struct bytes){0};
}

/* ---- pieces of a file ----------------------------------------------------- */

void gguf_put_header(struct bytes *b, uint32_t version, uint64_t tensors, uint64_t keys)
{
    bytes_put(b, "GGUF", 4);
    bytes_u32(b, version);
    bytes_u64(b, tensors);
    bytes_u64(b, keys);
}

void gguf_put_string(struct bytes *b, const char *text)
{
    bytes_u64(b, strlen(text));
    bytes_put(b, text, strlen(text));
}

void gguf_put_key(struct bytes *b, const char *name, uint32_t type)
{
    gguf_put_string(b, name);
    bytes_u32(b, type);
}

void gguf_put_key_u32(struct bytes *b, const char *name, uint32_t value)
{
    gguf_put_key(b, name, CODE_U32);
    bytes_u32(b, value);
}

void gguf_put_array(struct bytes *b, const char *name, uint32_t element, uint64_t count)
{
    gguf_put_key(b, name, CODE_ARRAY);
    bytes_u32(b, element);
    bytes_u64(b, count);
}

void gguf_put_tensor(struct bytes *b, const char *name, uint32_t n_dims,
                     const uint64_t *dims, uint32_t type, uint64_t offset)
{
    gguf_put_string(b, name);
    bytes_u32(b, n_dims);
    for (uint32_t i = 0; i < n_dims; i++)
        bytes_u64(b, dims[i]);
    bytes_u32(b, type);
    bytes_u64(b, offset);
}

/* ---- a model -------------------------------------------------------------- */

/* The value of the key, emptied; a new key when there is none of that name. */
static struct bytes *key_value(struct gguf_builder *m, const char *name, uint32_t type)
{
    size_t i = 0;
    while (i < m->n_keys && strcmp(m->keys[i].name, name) != 0)
        i++;
    if (i == m->n_keys) {
        MEM_GROW(m->keys, m->key_capacity, m->n_keys + 1);
        m->keys[m->n_keys++] = (struct built_key){0};
        snprintf(m->keys[i].name, sizeof m->keys[i].name, "%s", name);
    }
    m->keys[i].value.size = 0;
    bytes_u32(&m->keys[i].value, type);
    return &m->keys[i].value;
}

void gguf_builder_u32(struct gguf_builder *m, const char *name, uint32_t value)
{
    bytes_u32(key_value(m, name, CODE_U32), value);
}

void gguf_builder_f32(struct gguf_builder *m, const char *name, float value)
{
    bytes_f32(key_value(m, name, CODE_F32), value);
}

void gguf_builder_string(struct gguf_builder *m, const char *name, const char *value)
{
    gguf_put_string(key_value(m, name, CODE_STRING), value);
}

void gguf_builder_strings(struct gguf_builder *m, const char *name,
                          const char *const *values, size_t count)
{
    struct bytes *value = key_value(m, name, CODE_ARRAY);
    bytes_u32(value, CODE_STRING);
    bytes_u64(value, count);
    for (size_t i = 0; i < count; i++)
        gguf_put_string(value, values[i]);
}

void gguf_builder_zeros(struct gguf_builder *m, const char *name, enum gguf_code element,
                        size_t element_bytes, size_t count)
{
    struct bytes *value = key_value(m, name, CODE_ARRAY);
    bytes_u32(value, element);
    bytes_u64(value, count);
    bytes_zeros(value, element_bytes * count);
}

void gguf_builder_tensor(struct gguf_builder *m, const char *name, uint64_t columns,
                         uint64_t rows)
{
    MEM_GROW(m->tensors, m->tensor_capacity, m->n_tensors + 1);
    struct built_tensor *t = &m->tensors[m->n_tensors++];
    *t = (struct built_tensor){.n_dims = rows ? 2 : 1, .dims = {columns, rows}};
    snprintf(t->name, sizeof t->name, "%s", name);
    for (uint64_t i = 0; i < columns * (rows ? rows : 1); i++)
        bytes_f32(&t->data, (float)((i * 7 + m->n_tensors) % 31) / 31 - 0.5f);
}

struct built_tensor *gguf_builder_find(struct gguf_builder *m, const char *name)
{
    for (size_t i = 0; i < m->n_tensors; i++)
        if (strcmp(m->tensors[i].name, name) == 0)
            return &m->tensors[i];
    CHECK(false);
}

void gguf_builder_drop(struct gguf_builder *m, const char *name)
{
    for (size_t i = 0; i < m->n_keys; i++) {
        if (strcmp(m->keys[i].name, name) != 0)
            continue;
        bytes_free(&m->keys[i].value);
        memmove(&m->keys[i], &m->keys[i + 1], (--m->n_keys - i) * sizeof *m->keys);
        return;
    }
    struct built_tensor *t = gguf_builder_find(m, name);
    bytes_free(&t->data);
    size_t behind = m->n_tensors - (size_t)(t - m->tensors) - 1;
    memmove(t, t + 1, behind * sizeof *t);
    m->n_tensors--;
}

/* One token for each byte, written as GPT-2 does (U+0100 + n for the unprintable), then
 * one merge, and two control tokens. */
static void add_vocabulary(struct gguf_builder *m)
{
    static char texts[VOCAB][8];
    static const char *tokens[VOCAB];
    size_t next = 0x100;
    for (unsigned byte = 0; byte < 256; byte++) {
        bool plain = (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte != 0xad);
        unsigned c = plain ? byte : (unsigned)next++;
        if (c < 0x80)
            snprintf(texts[byte], sizeof texts[byte], "%c", (char)c);
        else
            snprintf(texts[byte], sizeof texts[byte], "%c%c", (char)(0xc0 | c >> 6),
                     (char)(0x80 | (c & 0x3f)));
    }
    snprintf(texts[256], sizeof texts[256], "th");
    snprintf(texts[257], sizeof texts[257], "the");
    snprintf(texts[258], sizeof texts[258], "<s>");
    snprintf(texts[259], sizeof texts[259], "</s>");
    for (size_t i = 0; i < VOCAB; i++)
        tokens[i] = texts[i];
    gguf_builder_string(m, "tokenizer.ggml.model", "gpt2");
    gguf_builder_string(m, "tokenizer.ggml.pre", "gpt-2");
    gguf_builder_strings(m, "tokenizer.ggml.tokens", tokens, VOCAB);
    gguf_builder_strings(m, "tokenizer.ggml.merges", (const char *const[]){"t h", "th e"},
                         2);
    struct bytes *types = key_value(m, "tokenizer.ggml.token_type", CODE_ARRAY);
    bytes_u32(types, CODE_I32);
    bytes_u64(types, VOCAB);
    for (size_t i = 0; i < VOCAB; i++)
        bytes_u32(types, i < 258 ? 1 : 3);
    gguf_builder_u32(m, "tokenizer.ggml.bos_token_id", 258);
    gguf_builder_u32(m, "tokenizer.ggml.eos_token_id", 259);
}

static void add_layer(struct gguf_builder *m, int layer)
{
    static const struct {
        const char *name;
        uint64_t columns, rows;
    } tensors[] = {
        {"attn_norm", HIDDEN, 0},
        {"ffn_norm", HIDDEN, 0},
        {"attn_q", HIDDEN, HIDDEN},
        {"attn_k", HIDDEN, HIDDEN / HEADS * KV_HEADS},
        {"attn_v", HIDDEN, HIDDEN / HEADS * KV_HEADS},
        {"attn_output", HIDDEN, HIDDEN},
        {"ffn_gate", HIDDEN, FFN},
        {"ffn_up", HIDDEN, FFN},
        {"ffn_down", FFN, HIDDEN},
    };
    for (size_t i = 0; i < sizeof tensors / sizeof *tensors; i++) {
        char name[64];
        snprintf(name, sizeof name, "blk.%d.%s.weight", layer, tensors[i].name);
        gguf_builder_tensor(m, name, tensors[i].columns, tensors[i].rows);
    }
}

struct gguf_builder gguf_builder_llama(void)
{
    struct gguf_builder m = {0};
    gguf_builder_string(&m, "general.architecture", "llama");
    gguf_builder_string(&m, "general.name", "tiny");
    gguf_builder_u32(&m, "llama.context_length", 64);
    gguf_builder_u32(&m, "llama.embedding_length", HIDDEN);
    gguf_builder_u32(&m, "llama.block_count", LAYERS);
    gguf_builder_u32(&m, "llama.feed_forward_length", FFN);
    gguf_builder_u32(&m, "llama.attention.head_count", HEADS);
    gguf_builder_u32(&m, "llama.attention.head_count_kv", KV_HEADS);
    gguf_builder_u32(&m, "llama.rope.dimension_count", HIDDEN / HEADS);
    gguf_builder_f32(&m, "llama.rope.freq_base", 10000);
    gguf_builder_f32(&m, "llama.attention.layer_norm_rms_epsilon", 1e-5f);
    add_vocabulary(&m);
    gguf_builder_tensor(&m, "token_embd.weight", HIDDEN, VOCAB);
    gguf_builder_tensor(&m, "output_norm.weight", HIDDEN, 0);
    gguf_builder_tensor(&m, "output.weight", HIDDEN, VOCAB);
    for (int layer = 0; layer < LAYERS; layer++)
        add_layer(&m, layer);
    return m;
}

void gguf_builder_write(const struct gguf_builder *m, struct bytes *out)
{
    uint64_t offset = 0;
    gguf_put_header(out, 3, m->n_tensors, m->n_keys);
    for (size_t i = 0; i < m->n_keys; i++) {
        gguf_put_string(out, m->keys[i].name);
        bytes_put(out, m->keys[i].value.data, m->keys[i].value.size);
    }
    for (size_t i = 0; i < m->n_tensors; i++) {
        const struct built_tensor *t = &m->tensors[i];
        gguf_put_tensor(out, t->name, t->n_dims, t->dims, t->type, offset);
        offset += (t->data.size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }
    for (size_t i = 0; i < m->n_tensors; i++) {
        bytes_pad(out, ALIGNMENT);
        bytes_put(out, m->tensors[i].data.data, m->tensors[i].data.size);
    }
}

void gguf_builder_free(struct gguf_builder *m)
{
    for (size_t i = 0; i < m->n_keys; i++)
        bytes_free(&m->keys[i].value);
    for (size_t i = 0; i < m->n_tensors; i++)
        bytes_free(&m->tensors[i].data);
    free(m->keys);
    free(m->tensors);
    *m = (struct gguf_builder){0};
}
