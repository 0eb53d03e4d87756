/* Where assets are looked for: COMPREXIT_ASSETS alone when it is set, else beside
 * the program (which is build/VARIANT/tests/app here: nothing is there). */
#include "app/assets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void the_variable_names_the_folder(void **state)
{
    (void)state;
    setenv("COMPREXIT_ASSETS", "assets", 1);
    char *path = assets_path("saltworks.txt");
    assert_non_null(path);
    assert_string_equal(path, "assets/saltworks.txt");
    free(path);
    assert_null(assets_path("no such asset"));
    setenv("COMPREXIT_ASSETS", "/nonexistent", 1);
    assert_null(assets_path("saltworks.txt"));
}

static void nothing_is_beside_this_program(void **state)
{
    (void)state;
    unsetenv("COMPREXIT_ASSETS");
    assert_null(assets_path("saltworks.txt"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_variable_names_the_folder),
        cmocka_unit_test(nothing_is_beside_this_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
