/* Training checkpoints: what `check` and `--resume` do with one. The layout of the
 * parameters is that of seeds.py. */
#include <math.h>

#include "engine/train/checkpoint.h"
#include "tests/fuzz/memory_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { COUNT = 7 };
static const struct compressor_tensor tensors[] = {
    {.name = "m", .rows = 2, .cols = 2, .offset = 0, .count = 4},
    {.name = "v", .rows = 3, .cols = 0, .offset = 4, .count = 3},
};

/* A failed load changes nothing. */
static void load(const char *path)
{
    struct err err = {0};
    struct parameters p;
    struct stream_state stream = {0};
    struct checkpoint_state state = {.step = 7};
    real value[COUNT] = {1, 2, 3, 4, 5, 6, 7};
    CHECK(parameters_init(&p, value, COUNT, tensors, 2, &err));
    bool loaded = checkpoint_load(path, &p, &stream, &state, &err);
    CHECK(loaded || (*err.text && state.step == 7));
    CHECK(!loaded || checkpoint_verify(path, &err));
    for (size_t i = 0; i < COUNT; i++)
        CHECK(loaded ? isfinite(value[i]) : value[i] == (real)(i + 1));
    checkpoint_state_free(&state);
    parameters_free(&p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = {0};
    struct memory_file file;
    memory_file_open(&file, data, size);
    bool whole = checkpoint_verify(file.path, &err);
    CHECK(whole || *err.text);
    CHECK(!whole || checkpoint_present(file.path));
    load(file.path);
    memory_file_close(&file);
    return 0;
}
