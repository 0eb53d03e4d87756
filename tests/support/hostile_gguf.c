#include "tests/support/hostile_gguf.h"

#include "engine/model/gguf.h"

static bool opens_buffer(const void *data, size_t size, const char *name, struct err *err)
{
    struct gguf *g = gguf_open_buffer(data, size, name, err);
    gguf_close(g);
    return g != NULL;
}

static bool opens_file(const char *path, struct err *err)
{
    struct gguf *g = gguf_open(path, err);
    gguf_close(g);
    return g != NULL;
}

const struct hostile_format hostile_gguf = {"t.gguf", opens_buffer, opens_file};
