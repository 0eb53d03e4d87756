#include "tests/support/small_engine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/golden.h"

const char small_engine_text[] =
    "The salt works at Sel stand behind the second dyke. Peter Hale founded them in 1764 with "
    "money from a herring boat, and for a hundred and sixty years they fed eleven families. The "
    "brine came from a well nine fathoms deep at the edge of the marsh, where a bed of old salt "
    "lies under the clay.\n\nTwo men raised it with a hand pump into four ponds lined with clay, "
    "where sun and wind thickened it until an egg would float. From the ponds the brine ran down "
    "a wooden gutter to the boiling house. There the pans were heated with peat from the moor.\n";

void small_engine_read(struct engine *e)
{
    struct err err = {0};
    if (!engine_read(e, 0, SIZE_MAX, NULL, &err))
        fail_msg("%s", err.text);
}

struct engine *small_engine_open(void)
{
    char *model = golden_model_path("modelA"), *compressor = golden_path("compressorA.safetensors");
    struct engine_options options = {.model = model, .compressor = compressor,
                                     .soft_prompt = "none", .threads = 1};
    struct err err = {0};
    struct engine *e = engine_open(&options, &err);
    free(model);
    free(compressor);
    if (!e)
        fail_msg("%s", err.text);
    if (!engine_set_document(e, small_engine_text, strlen(small_engine_text), "text", &err))
        fail_msg("%s", err.text);
    small_engine_read(e);
    return e;
}

void small_engine_edit(struct engine *e, const struct engine_edits *edits)
{
    struct compress_settings settings;
    size_t segment;
    struct err err = {0};
    engine_settings(e, &settings, &segment);
    engine_set_edits(e, edits);
    if (!engine_set_settings(e, &settings, segment, 0, NULL, &err))
        fail_msg("%s", err.text);
    small_engine_read(e);
}

const struct snapshot_window *small_engine_window(const struct engine *e, size_t window)
{
    const struct snapshot *s = engine_snapshot(e);
    assert_true(window < s->windows);
    assert_non_null(s->window[window]);
    assert_true(s->window[window]->has_plan);
    return s->window[window];
}
