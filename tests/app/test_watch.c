/* Files that change while they are open are told once. */
#include "app/watch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/file.h"
#include "tests/support/temporary.h"

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void test_changes(void **state)
{
    (void)state;
    struct watch watch = {0};
    char *dir = temporary_directory(), *a = file_join(dir, "a"), *b = file_join(dir, "b");
    write_text(a, "one");
    write_text(b, "two");
    watch_add(&watch, a);
    watch_add(&watch, b);
    watch_add(&watch, dir);
    watch_add(&watch, "-");
    assert_int_equal(watch.count, 2);
    assert_null(watch_look(&watch));
    assert_int_equal(unlink(b), 0);
    assert_null(watch_look(&watch)); /* perhaps about to be written anew */
    write_text(b, "other one");
    assert_string_equal(watch_look(&watch), b);
    assert_null(watch_look(&watch));
    watch_clear(&watch);
    watch_add(&watch, a);
    assert_null(watch_look(&watch));
    assert_int_equal(truncate(a, 1), 0);
    assert_string_equal(watch_look(&watch), a);
    watch_clear(&watch);
    free(a);
    free(b);
    temporary_remove(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
