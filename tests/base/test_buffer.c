/* Growing bytes. */
#include "engine/base/buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_grows(void **state)
{
    (void)state;
    struct buffer b = {0};
    buffer_text(&b, "salt");
    buffer_add(&b, "\0x", 2);
    buffer_printf(&b, "%d%%", 4);
    size_t size;
    char *data = buffer_take(&b, &size);
    assert_int_equal(size, 8);
    assert_memory_equal(data, "salt\0x4%", 9); /* with the NUL behind it */
    assert_null(b.data);
    assert_int_equal(b.size, 0);
    free(data);
}

/* A text that is longer than any room one would set aside for it. */
static void test_long_formats_are_whole(void **state)
{
    (void)state;
    enum { LONG = 5000 };
    char text[LONG + 1];
    memset(text, 'n', LONG);
    text[LONG] = '\0';
    struct buffer b = {0};
    for (size_t i = 0; i < 3; i++) {
        buffer_printf(&b, "%s,", text);
        assert_int_equal(b.size, (i + 1) * (LONG + 1));
        assert_int_equal(strlen(b.data), b.size);
    }
    buffer_free(&b);
}

static void test_nothing_is_an_empty_text(void **state)
{
    (void)state;
    struct buffer b = {0};
    buffer_add(&b, NULL, 0);
    char *text = buffer_take(&b, NULL);
    assert_string_equal(text, "");
    free(text);
    buffer_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grows),
        cmocka_unit_test(test_long_formats_are_whole),
        cmocka_unit_test(test_nothing_is_an_empty_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
