/* Any bytes as text: what the sanitiser lets through is printable UTF-8 that fits. */
#include <stdint.h>
#include <string.h>

#include "engine/base/err.h"
#include "engine/base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_output(const char *out, size_t length)
{
    CHECK(text_valid(out, length, NULL) && out[length] == '\0');
    for (size_t i = 0; i < length;) {
        uint32_t c;
        i += text_decode(out + i, length - i, &c);
        CHECK(text_width(c) >= 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    char out[300];
    size_t rooms[] = {sizeof out, size ? 1 + data[0] : 1};
    for (size_t i = 0; i < 2; i++) {
        size_t length = text_sanitize(out, rooms[i], text, size);
        CHECK(length < rooms[i]);
        check_output(out, length);
    }
    CHECK(text_incomplete(text, size) <= 3);
    return 0;
}
