/* Every box for what cannot be used says the same five things: what, where, what was found and
 * what was expected, what was left as it was, and what can be done (UX.md section 2 (h)). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "app/actions.h"
#include "app/dialog.h"
#include "engine/base/file.h"
#include "tests/support/temporary.h"

/* Lines of the box without a label, those with one, and whether one begins so. */
static size_t lines_with(const struct session *s, const char *start, bool choice)
{
    size_t found = 0;
    for (size_t i = 0; i < s->list.count; i++) {
        const struct list_entry *e = &s->list.entries[i];
        const char *text = e->label[0] ? e->label : e->detail;
        found += (e->label[0] != '\0') == choice && strncmp(text, start, strlen(start)) == 0;
    }
    return found;
}

static bool is_command(const char *line)
{
    size_t length = strcspn(line, " ");
    for (size_t i = 0; i < actions_count(); i++)
        if (strlen(actions[i].name) == length && strncmp(actions[i].name, line, length) == 0)
            return true;
    return false;
}

static void check_box(enum problem problem, const char *path, const char *got)
{
    struct session s = {.snapshot = snapshot_derive(NULL), .headless = true};
    char where[4096], text[4096 + 64], found[256];
    snprintf(text, sizeof text, "%s: line 3: this and that is wrong", path);
    snprintf(where, sizeof where, "  where      %s", path);
    snprintf(found, sizeof found, "  got        %s", got);
    dialog_problem(&s, problem, path, text);
    assert_int_equal(s.view.overlay, OVERLAY_PROBLEM);
    assert_true(strlen(s.view.dialog_title) > 10);
    char start[64];
    snprintf(start, sizeof start, "%.40s", text);
    assert_int_equal(lines_with(&s, start, false), 1);
    assert_int_equal(lines_with(&s, where, false), 1);
    assert_int_equal(lines_with(&s, found, false), 1);
    assert_int_equal(lines_with(&s, "  expected   ", false), 1);
    size_t unchanged = lines_with(&s, "Nothing was changed", false) +
                       lines_with(&s, "What was read before stays", false) +
                       lines_with(&s, "Its view, settings and question wait for it", false);
    assert_int_equal(unchanged, 1);
    size_t choices = 0;
    for (size_t i = 0; i < s.list.count; i++)
        if (s.list.entries[i].label[0] && s.list.commands[i][0]) {
            assert_true(is_command(s.list.commands[i]));
            choices++;
        }
    assert_true(choices >= 1);
    assert_int_equal(lines_with(&s, "Close (Esc)", true), 1);
    assert_int_equal(s.notes.count, 1); /* and it is in the log */
    list_clear(&s.list);
    notes_free(&s.notes);
    snapshot_release(s.snapshot);
}

static void test_all_boxes(void **state)
{
    (void)state;
    char *directory = temporary_directory();
    char *file = temporary_file(directory, "bad", "GGUF\x1b\n12345", 11);
    char *missing = file_join(directory, "missing");
    for (enum problem p = 0; p < PROBLEM_COUNT; p++) {
        check_box(p, file, "a file of 11 bytes that begins with \"GGUF^[^J12\"");
        check_box(p, missing, "nothing there: No such file or directory");
        check_box(p, directory, "a directory");
    }
    free(missing);
    free(file);
    temporary_remove(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_all_boxes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
