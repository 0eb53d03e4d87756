/* PNG files, chunk by chunk and pixel by pixel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <cmocka.h>

#include "app/png.h"
#include "tests/support/export_bench.h"
#include "views/raster.h"

static uint32_t big(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* The data of the first chunk of a type; checks all checksums on the way. */
static const uint8_t *chunk(const uint8_t *png, size_t size, const char *type,
                            size_t *length)
{
    const uint8_t *found = NULL;
    assert_memory_equal(png, "\x89PNG\r\n\x1a\n", 8);
    for (size_t at = 8; at < size; at += 12 + big(png + at)) {
        uint32_t n = big(png + at);
        assert_true(at + 12 + n <= size);
        assert_int_equal(
            crc32(crc32(0, png + at + 4, 4), n ? png + at + 8 : (const Bytef *)"", n),
            big(png + at + 8 + n));
        if (!found && memcmp(png + at + 4, type, 4) == 0) {
            found = png + at + 8;
            *length = n;
        }
    }
    return found;
}

/* Undoes the filters that png.c uses. */
static uint8_t *decode(const uint8_t *png, size_t size, size_t width, size_t height,
                       size_t channels)
{
    size_t n, line = width * channels;
    const uint8_t *packed = chunk(png, size, "IDAT", &n);
    uLongf room = (uLongf)(height * (line + 1));
    uint8_t *raw = malloc(room), *out = calloc(height, line);
    assert_int_equal(uncompress(raw, &room, packed, (uLong)n), Z_OK);
    assert_int_equal(room, height * (line + 1));
    for (size_t y = 0; y < height; y++)
        for (size_t x = 0; x < line; x++) {
            uint8_t filter = raw[y * (line + 1)], *at = out + y * line + x;
            assert_in_range(filter, 0, 2);
            *at = raw[y * (line + 1) + 1 + x];
            if (filter == 1 && x >= channels)
                *at = (uint8_t)(*at + at[-(ptrdiff_t)channels]);
            else if (filter == 2 && y > 0)
                *at = (uint8_t)(*at + at[-(ptrdiff_t)line]);
        }
    free(raw);
    return out;
}

static void test_png_chunks(void **state)
{
    struct export_bench *b = *state;
    export_bench_set(b, "plan"), export_bench_set(b, "a.png"),
        export_bench_set(b, "width=89mm"), export_bench_set(b, "dpi=300");
    export_bench_run(b);
    size_t size, n;
    uint8_t *png = (uint8_t *)export_bench_slurp("a.png", &size);
    const uint8_t *head = chunk(png, size, "IHDR", &n);
    assert_int_equal(n, 13);
    assert_int_equal(big(head), 1051);
    assert_memory_equal(head + 8, "\x08\x02\0\0\0", 5);
    const uint8_t *phys = chunk(png, size, "pHYs", &n);
    assert_int_equal(n, 9);
    assert_int_equal(big(phys), 11811);
    assert_int_equal(big(phys + 4), 11811);
    assert_int_equal(phys[8], 1);
    assert_non_null(chunk(png, size, "IEND", &n));
    assert_memory_equal(png + size - 8, "IEND", 4);
    free(decode(png, size, big(head), big(head + 4), 3));
    free(png);
}

static void test_png_holds_the_pixels(void **state)
{
    (void)state;
    for (size_t channels = 3; channels <= 4; channels++) {
        struct raster raster = {17, 9, channels, malloc(17 * 9 * channels)};
        uint32_t noise = 1;
        for (size_t i = 0; i < 17 * 9 * channels; i++) {
            noise = noise * 1664525 + 1013904223;
            raster.pixels[i] = i < 200 ? (uint8_t)(noise >> 24) : (uint8_t)(i / 60 * 9);
        }
        size_t size;
        uint8_t *png = png_write(&raster, 96, "key", "text", &size);
        uint8_t *pixels = decode(png, size, 17, 9, channels);
        assert_memory_equal(pixels, raster.pixels, 17 * 9 * channels);
        free(pixels);
        free(png);
        raster_free(&raster);
    }
}

static void test_data_addresses(void **state)
{
    (void)state;
    static const char *const want[] = {"", "Zg==", "Zm8=", "Zm9v", "Zm9vYg=="};
    for (size_t n = 0; n < 5; n++) {
        char *address = png_data_address((const uint8_t *)"foob", n);
        assert_string_equal(address + strlen("data:image/png;base64,"), want[n]);
        free(address);
    }
}

static void test_transparent_png(void **state)
{
    struct export_bench *b = *state;
    export_bench_set(b, "mass"), export_bench_set(b, "t.png"),
        export_bench_set(b, "background=transparent");
    export_bench_run(b);
    size_t size, n;
    uint8_t *png = (uint8_t *)export_bench_slurp("t.png", &size);
    const uint8_t *head = chunk(png, size, "IHDR", &n);
    assert_int_equal(head[9], 6);
    uint8_t *pixels = decode(png, size, big(head), big(head + 4), 4);
    assert_int_equal(pixels[3], 0);
    free(pixels);
    free(png);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EXPORT_CASE(test_png_chunks),
        EXPORT_CASE(test_png_holds_the_pixels),
        EXPORT_CASE(test_data_addresses),
        EXPORT_CASE(test_transparent_png),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
