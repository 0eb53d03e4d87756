/* Makes GGUF files in memory, well-formed or not.
 *
 * Bytes are appended one value at a time, for files that no writer would make:
 *     struct bytes b = {0};
 *     gguf_put_header(&b, 3, 1, 0);
 *     gguf_put_tensor(&b, "t", 1, (uint64_t[]){8}, 0, 0);
 * A whole small model is a list of keys and tensors that a test changes first:
 *     struct gguf_builder m = gguf_builder_llama();
 *     gguf_builder_u32(&m, "llama.block_count", 0);
 *     gguf_builder_drop(&m, "blk.0.attn_k.weight");
 *     gguf_builder_write(&m, &b);
 *     gguf_builder_free(&m); */
#ifndef TESTS_SUPPORT_GGUF_BUILDER_H
#define TESTS_SUPPORT_GGUF_BUILDER_H

#include <stddef.h>
#include <stdint.h>

struct bytes {
    uint8_t *data;
    size_t size, capacity;
};
void bytes_put(struct bytes *b, const void *data, size_t size);
void bytes_u8(struct bytes *b, uint8_t value);
void bytes_u32(struct bytes *b, uint32_t value);
void bytes_u64(struct bytes *b, uint64_t value);
void bytes_f32(struct bytes *b, float value);
void bytes_zeros(struct bytes *b, size_t count);
void bytes_pad(struct bytes *b, size_t alignment);
void bytes_free(struct bytes *b);

/* Codes of the file format. */
enum gguf_code {
    CODE_U8,
    CODE_I8,
    CODE_U16,
    CODE_I16,
    CODE_U32,
    CODE_I32,
    CODE_F32,
    CODE_BOOL,
    CODE_STRING,
    CODE_ARRAY,
    CODE_U64,
    CODE_I64,
    CODE_F64
};

void gguf_put_header(struct bytes *b, uint32_t version, uint64_t tensors, uint64_t keys);
void gguf_put_string(struct bytes *b, const char *text); /* length and text */
void gguf_put_key(struct bytes *b, const char *name, uint32_t type);
void gguf_put_key_u32(struct bytes *b, const char *name, uint32_t value);
void gguf_put_array(struct bytes *b, const char *name, uint32_t element, uint64_t count);
void gguf_put_tensor(struct bytes *b, const char *name, uint32_t n_dims,
                     const uint64_t *dims, uint32_t type, uint64_t offset);

struct gguf_builder {
    struct built_key {
        char name[64];
        struct bytes value; /* type and value as in the file */
    } * keys;
    size_t n_keys, key_capacity;
    struct built_tensor {
        char name[64];
        uint32_t n_dims, type;
        uint64_t dims[4]; /* innermost first, as in the file */
        struct bytes data;
    } * tensors;
    size_t n_tensors, tensor_capacity;
};

/* The smallest complete model of its kind: hidden size 32, 4 heads, 2 key/value
 * heads, 2 blocks, feed-forward 64, a byte-level vocabulary, F32 weights. */
struct gguf_builder gguf_builder_llama(void);
void gguf_builder_free(struct gguf_builder *m);

/* Each adds the key or takes the place of one of that name. */
void gguf_builder_u32(struct gguf_builder *m, const char *name, uint32_t value);
void gguf_builder_f32(struct gguf_builder *m, const char *name, float value);
void gguf_builder_string(struct gguf_builder *m, const char *name, const char *value);
void gguf_builder_strings(struct gguf_builder *m, const char *name,
                          const char *const *values, size_t count);
/* An array of `count` zeros that claims to have elements of this type. */
void gguf_builder_zeros(struct gguf_builder *m, const char *name, enum gguf_code element,
                        size_t element_bytes, size_t count);

/* An F32 tensor with small values, columns innermost; rows 0: a vector. */
void gguf_builder_tensor(struct gguf_builder *m, const char *name, uint64_t columns,
                         uint64_t rows);
struct built_tensor *gguf_builder_find(struct gguf_builder *m, const char *name);

/* Removes the key or tensor. */
void gguf_builder_drop(struct gguf_builder *m, const char *name);

void gguf_builder_write(const struct gguf_builder *m, struct bytes *out);

#endif
