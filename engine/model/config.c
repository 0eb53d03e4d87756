#include "engine/model/config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/size.h"
#include "engine/base/text.h"

enum {
    LAYERS_LIMIT = 512,
    VOCAB_LIMIT = 1048576,
    WIDTH_LIMIT = 1 << 20, /* hidden and feed-forward size, heads times head size */
    POSITIONS_LIMIT = 1 << 30,
    KEY_MAX = 96,
};

/* The families that share Llama's shapes. interleaved: the order of rotary pairs in GGUF
 * files; Hugging Face files always have halves. */
static const struct architecture {
    const char *gguf, *json; /* name in the two formats, or NULL */
    bool interleaved, qkv_bias;
} architectures[] = {
    {"llama", "llama", true, false},
    {NULL, "mistral", false, false},
    {"qwen2", "qwen2", false, true},
};

/* Where values come from: one of the two formats. */
struct source {
    const char *path, *architecture;
    const struct gguf *gguf;
    const json_t *json;
};

/* A value that both formats have under different names; gguf: behind "llama.". */
struct field {
    const char *gguf, *json;
};
static const struct field HIDDEN = {"embedding_length", "hidden_size"};
static const struct field LAYERS = {"block_count", "num_hidden_layers"};
static const struct field HEADS = {"attention.head_count", "num_attention_heads"};
static const struct field KV_HEADS = {"attention.head_count_kv", "num_key_value_heads"};
static const struct field HEAD_DIM = {"attention.key_length", "head_dim"};
static const struct field FFN = {"feed_forward_length", "intermediate_size"};
static const struct field VOCAB = {"vocab_size", "vocab_size"};
static const struct field POSITIONS = {"context_length", "max_position_embeddings"};
static const struct field WINDOW = {"attention.sliding_window", "sliding_window"};
static const struct field EPS = {"attention.layer_norm_rms_epsilon", "rms_norm_eps"};
static const struct field THETA = {"rope.freq_base", "rope_theta"};
static const struct field FACTOR = {"rope.scaling.factor", "factor"};
static const struct field LOW_FREQ = {"", "low_freq_factor"};
static const struct field HIGH_FREQ = {"", "high_freq_factor"};
static const struct field ORIGINAL = {"", "original_max_position_embeddings"};

static const char *key_of(const struct source *s, const struct field *field,
                          char key[KEY_MAX])
{
    if (s->gguf)
        snprintf(key, KEY_MAX, "%s.%s", s->architecture, field->gguf);
    else
        snprintf(key, KEY_MAX, "%s", field->json);
    return key;
}

/* Returns false. */
static bool invalid(const struct source *s, const struct field *field,
                    const char *expected, struct err *err)
{
    char key[KEY_MAX], value[160] = "(absent)";
    key_of(s, field, key);
    if (s->gguf) {
        gguf_value(s->gguf, key, value, sizeof value);
    } else if (json_object_get(s->json, key)) {
        char *text =
            json_dumps(json_object_get(s->json, key), JSON_COMPACT | JSON_ENCODE_ANY);
        snprintf(value, sizeof value, "%.100s", text ? text : "");
        free(text);
    }
    err_set(err, ERR_INPUT, "%s: %skey %s: value %s not valid for %s (expected %s)", s->path,
            s->gguf ? "invalid GGUF: " : "", key, value, s->architecture, expected);
    return false;
}

/* Reads an integer, or leaves *out when the key is absent. */
static bool read_size(const struct source *s, const struct field *field, size_t limit,
                      size_t *out, struct err *err)
{
    char key[KEY_MAX];
    uint64_t value = *out;
    bool ok = true;
    key_of(s, field, key);
    if (s->gguf) {
        ok = gguf_get_u64(s->gguf, key, &value, NULL) != GGUF_WRONG;
    } else {
        const json_t *json = json_object_get(s->json, key);
        if (json_is_integer(json))
            value = (uint64_t)json_integer_value(json);
        else
            ok = !json || json_is_null(json);
    }
    if (!ok || value > limit) {
        char expected[48];
        snprintf(expected, sizeof expected, "an integer up to %zu", limit);
        return invalid(s, field, expected, err);
    }
    *out = (size_t)value;
    return true;
}

static bool read_count(const struct source *s, const struct field *field, size_t limit,
                       size_t *out, struct err *err)
{
    return read_size(s, field, limit, out, err) &&
           (*out > 0 || invalid(s, field, "at least 1", err));
}

/* Reads a finite number > 0, or leaves *out. */
static bool read_number(const struct source *s, const struct field *field, double *out,
                        struct err *err)
{
    char key[KEY_MAX];
    bool ok = true;
    key_of(s, field, key);
    if (s->gguf) {
        ok = gguf_get_f64(s->gguf, key, out, NULL) != GGUF_WRONG;
    } else {
        const json_t *json = json_object_get(s->json, key);
        if (json_is_number(json))
            *out = json_number_value(json);
        else
            ok = !json || json_is_null(json);
    }
    return (ok && isfinite(*out) && *out > 0) ||
           invalid(s, field, "a finite number above 0", err);
}

/* ---- what both formats share ---------------------------------------------- */

static bool set_architecture(struct llama_config *c, const struct source *s,
                             struct err *err)
{
    for (size_t i = 0; i < sizeof architectures / sizeof *architectures; i++) {
        const struct architecture *a = &architectures[i];
        const char *name = s->gguf ? a->gguf : a->json;
        if (!name || strcmp(name, s->architecture) != 0)
            continue;
        c->rope_interleaved = s->gguf && a->interleaved;
        c->qkv_bias = a->qkv_bias;
        snprintf(c->architecture, sizeof c->architecture, "%s", name);
        return true;
    }
    return err_set(err, ERR_INPUT,
                   "%s: architecture \"%s\" is not supported (llama, mistral, qwen2 are)",
                   s->path, s->architecture);
}

static bool read_heads(struct llama_config *c, const struct source *s, struct err *err)
{
    if (!read_count(s, &HEADS, WIDTH_LIMIT, &c->heads, err))
        return false;
    c->kv_heads = c->heads;
    if (!read_count(s, &KV_HEADS, WIDTH_LIMIT, &c->kv_heads, err))
        return false;
    if (c->kv_heads > c->heads || c->heads % c->kv_heads != 0)
        return invalid(s, &KV_HEADS, "a divisor of the number of heads", err);
    if (!read_size(s, &HEAD_DIM, WIDTH_LIMIT, &c->head_dim, err))
        return false;
    if (c->head_dim == 0 && c->hidden % c->heads != 0)
        return invalid(s, &HEADS, "a divisor of the hidden size", err);
    if (c->head_dim == 0)
        c->head_dim = c->hidden / c->heads;
    if (c->head_dim % 2 != 0 || c->head_dim * c->heads > WIDTH_LIMIT)
        return invalid(s, &HEAD_DIM, "an even head size, in all heads up to 1048576",
                       err);
    return true;
}

static bool read_shapes(struct llama_config *c, const struct source *s, struct err *err)
{
    return read_count(s, &HIDDEN, WIDTH_LIMIT, &c->hidden, err) &&
           read_count(s, &LAYERS, LAYERS_LIMIT, &c->layers, err) &&
           read_heads(c, s, err) && read_count(s, &FFN, WIDTH_LIMIT, &c->ffn, err) &&
           read_count(s, &POSITIONS, POSITIONS_LIMIT, &c->positions, err);
}

/* Attention to the last `window` tokens alone is full attention up to that length, which
 * is how far the model is used then. */
static bool read_window(struct llama_config *c, const struct source *s, struct err *err)
{
    size_t window = 0;
    if (!read_size(s, &WINDOW, POSITIONS_LIMIT, &window, err))
        return false;
    if (window > 0)
        c->positions = size_min(c->positions, window);
    return true;
}

static void set_name(struct llama_config *c, const char *text, size_t length)
{
    text_sanitize(c->name, sizeof c->name, text, length);
}

/* ---- GGUF ----------------------------------------------------------------- */

/* The rotary embedding must turn whole heads. */
static bool check_rope_dimension(const struct llama_config *c, const struct source *s,
                                 struct err *err)
{
    static const struct field fields[] = {{"rope.dimension_count", ""},
                                          {"attention.value_length", ""}};
    for (size_t i = 0; i < 2; i++) {
        size_t value = c->head_dim;
        if (!read_size(s, &fields[i], WIDTH_LIMIT, &value, err))
            return false;
        if (value != c->head_dim)
            return invalid(s, &fields[i], "the head size", err);
    }
    return true;
}

static bool gguf_scaling(struct llama_config *c, const struct source *s, struct err *err)
{
    static const struct field type_field = {"rope.scaling.type", ""};
    char key[KEY_MAX];
    struct gguf_string type = {"linear", 6};
    enum gguf_found found =
        gguf_get_string(s->gguf, key_of(s, &type_field, key), &type, NULL);
    bool none = type.length == 4 && memcmp(type.text, "none", 4) == 0;
    bool linear = type.length == 6 && memcmp(type.text, "linear", 6) == 0;
    if (found == GGUF_WRONG || (!none && !linear))
        return invalid(s, &type_field, "\"none\" or \"linear\"", err);
    c->rope_factor = 1;
    if (linear && !read_number(s, &FACTOR, &c->rope_factor, err))
        return false;
    c->rope_scaling = c->rope_factor == 1 ? ROPE_SCALING_NONE : ROPE_SCALING_LINEAR;
    return true;
}

static bool gguf_vocab(struct llama_config *c, const struct source *s, struct err *err)
{
    const struct gguf_string *tokens;
    const struct tensor *embedding = gguf_tensor(s->gguf, "token_embd.weight");
    switch (gguf_get_strings(s->gguf, "tokenizer.ggml.tokens", &tokens, &c->vocab, err)) {
    case GGUF_WRONG:
        return false;
    case GGUF_ABSENT:
        if (embedding && embedding->n_dims == 2)
            c->vocab = embedding->dims[0];
        if (!read_size(s, &VOCAB, VOCAB_LIMIT, &c->vocab, err))
            return false;
        break;
    case GGUF_FOUND:
        break;
    }
    if (c->vocab > 0 && c->vocab <= VOCAB_LIMIT)
        return true;
    return err_set(err, ERR_INPUT,
                   "%s: invalid GGUF: %s vocabulary: %zu tokens, at most %d", s->path,
                   c->vocab ? "oversized" : "empty", c->vocab, VOCAB_LIMIT);
}

static bool gguf_no_experts(const struct source *s, struct err *err)
{
    static const struct field experts = {"expert_count", ""};
    size_t count = 0;
    return read_size(s, &experts, SIZE_MAX, &count, err) &&
           (count == 0 || invalid(s, &experts, "no mixture of experts", err));
}

bool llama_config_from_gguf(struct llama_config *config, const struct gguf *gguf,
                            struct err *err)
{
    struct llama_config c = {.rope_theta = 10000};
    struct gguf_string text = {"", 0};
    char architecture[sizeof c.architecture];
    struct source s = {gguf_path(gguf), architecture, gguf, NULL};
    if (gguf_get_string(gguf, "general.architecture", &text, err) == GGUF_WRONG)
        return false;
    text_sanitize(architecture, sizeof architecture, text.text, text.length);
    if (!set_architecture(&c, &s, err) || !read_shapes(&c, &s, err) ||
        !read_window(&c, &s, err) || !check_rope_dimension(&c, &s, err) ||
        !read_number(&s, &EPS, &c.rms_eps, err) ||
        !read_number(&s, &THETA, &c.rope_theta, err) || !gguf_scaling(&c, &s, err) ||
        !gguf_vocab(&c, &s, err) || !gguf_no_experts(&s, err))
        return false;
    c.tied_embeddings = !gguf_tensor(gguf, "output.weight");
    if (gguf_get_string(gguf, "general.name", &text, NULL) != GGUF_FOUND)
        text = (struct gguf_string){file_name(s.path), strlen(file_name(s.path))};
    set_name(&c, text.text, text.length);
    *config = c;
    return true;
}

/* ---- config.json ---------------------------------------------------------- */

/* A newer config.json keeps everything about the rotary embedding in
 * rope_parameters, an older one has rope_theta and rope_scaling. */
static const json_t *rope_object(const json_t *json)
{
    const json_t *rope = json_object_get(json, "rope_parameters");
    return json_is_object(rope) ? rope : json_object_get(json, "rope_scaling");
}

static bool read_llama3(struct llama_config *c, const struct source *rope,
                        struct err *err)
{
    return read_number(rope, &LOW_FREQ, &c->rope_low_freq, err) &&
           read_number(rope, &HIGH_FREQ, &c->rope_high_freq, err) &&
           read_count(rope, &ORIGINAL, POSITIONS_LIMIT, &c->rope_original_positions,
                      err) &&
           (c->rope_high_freq > c->rope_low_freq ||
            invalid(rope, &HIGH_FREQ, "more than low_freq_factor", err));
}

static bool json_scaling(struct llama_config *c, const struct source *s, struct err *err)
{
    static const struct field new_type = {"", "rope_type"}, old_type = {"", "type"};
    struct source rope = *s;
    rope.json = rope_object(s->json);
    if (!json_is_object(rope.json))
        return true;
    const struct field *field =
        json_object_get(rope.json, "rope_type") ? &new_type : &old_type;
    const json_t *value = json_object_get(rope.json, field->json);
    const char *type = value ? json_string_value(value) : "default";
    if (!type)
        type = "";
    if (!read_number(&rope, &THETA, &c->rope_theta, err))
        return false;
    if (strcmp(type, "default") == 0)
        return true;
    if (strcmp(type, "llama3") == 0)
        c->rope_scaling = ROPE_SCALING_LLAMA3;
    else if (strcmp(type, "linear") == 0)
        c->rope_scaling = ROPE_SCALING_LINEAR;
    else
        return invalid(&rope, field, "\"default\", \"linear\" or \"llama3\"", err);
    return read_number(&rope, &FACTOR, &c->rope_factor, err) &&
           (c->rope_scaling == ROPE_SCALING_LINEAR || read_llama3(c, &rope, err));
}

/* Settings that would need other arithmetic than Llama's. */
static bool json_check_plain(const struct source *s, struct err *err)
{
    static const struct field act = {"", "hidden_act"},
                              part = {"", "partial_rotary_factor"};
    const json_t *value = json_object_get(s->json, "hidden_act");
    if (value &&
        (!json_is_string(value) || strcmp(json_string_value(value), "silu") != 0))
        return invalid(s, &act, "\"silu\"", err);
    double factor = 1;
    if (!read_number(s, &part, &factor, err))
        return false;
    return factor == 1 || invalid(s, &part, "1", err);
}

static bool json_flag(const json_t *json, const char *key)
{
    return json_is_true(json_object_get(json, key));
}

static void json_name(struct llama_config *c, const struct source *s)
{
    const char *name = json_string_value(json_object_get(s->json, "_name_or_path"));
    if (!name || !*name) {
        char *dir = xstrndup(s->path, (size_t)(file_name(s->path) - s->path));
        size_t length = strlen(dir);
        while (length > 0 && dir[length - 1] == '/')
            dir[--length] = '\0';
        set_name(c, file_name(dir), strlen(file_name(dir)));
        free(dir);
    } else {
        set_name(c, file_name(name), strlen(file_name(name)));
    }
}

bool llama_config_from_json(struct llama_config *config, const json_t *json,
                            const char *path, struct err *err)
{
    struct llama_config c = {.rms_eps = 1e-6, .rope_theta = 10000};
    const char *type = json_string_value(json_object_get(json, "model_type"));
    struct source s = {path, type ? type : "", NULL, json};
    if (!json_is_object(json))
        return err_set(err, ERR_INPUT, "%s: not a JSON object", path);
    if (!set_architecture(&c, &s, err) || !read_shapes(&c, &s, err) ||
        !read_count(&s, &VOCAB, VOCAB_LIMIT, &c.vocab, err) ||
        !read_number(&s, &EPS, &c.rms_eps, err) ||
        !read_number(&s, &THETA, &c.rope_theta, err) || !json_scaling(&c, &s, err) ||
        !json_check_plain(&s, err))
        return false;
    const json_t *sliding = json_object_get(json, "use_sliding_window");
    if (!json_is_false(sliding) && !read_window(&c, &s, err))
        return false;
    c.qkv_bias = c.qkv_bias || json_flag(json, "attention_bias");
    c.tied_embeddings = json_flag(json, "tie_word_embeddings");
    json_name(&c, &s);
    *config = c;
    return true;
}
