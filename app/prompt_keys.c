#include "app/prompt_keys.h"

#include <stdio.h>

#include <readline/readline.h>

static rl_command_func_t *editor_function;

static rl_command_func_t *const sound[] = {
    rl_insert,
    rl_newline,
    /* moving */
    rl_beg_of_line, rl_end_of_line, rl_forward, rl_forward_char, rl_forward_byte, rl_backward,
    rl_backward_char, rl_backward_byte, rl_forward_word, rl_backward_word, rl_set_mark,
    rl_exchange_point_and_mark,
    /* changing */
    rl_delete, rl_rubout, rl_delete_horizontal_space, rl_transpose_chars, rl_transpose_words,
    rl_upcase_word, rl_downcase_word, rl_capitalize_word, rl_undo_command,
    /* killing and yanking */
    rl_kill_line, rl_backward_kill_line, rl_kill_full_line, rl_kill_word, rl_backward_kill_word,
    rl_unix_line_discard, rl_unix_word_rubout, rl_unix_filename_rubout, rl_yank, rl_yank_pop,
    /* history and completion */
    rl_get_previous_history, rl_get_next_history, rl_beginning_of_history, rl_end_of_history,
    rl_reverse_search_history, rl_forward_search_history, rl_complete, rl_possible_completions};

enum prompt_fate prompt_keys_fate(const char *bytes, size_t length)
{
    int type = ISFUNC;
    rl_command_func_t *function = rl_function_of_keyseq_len(bytes, length, NULL, &type);
    if (type == ISKMAP)
        return KEY_PREFIX;
    if (type != ISFUNC || !function)
        return KEY_DROP;
    if (function == editor_function)
        return KEY_FEED;
    for (size_t i = 0; i < sizeof sound / sizeof *sound; i++)
        if (function == sound[i])
            return KEY_FEED;
    return KEY_DROP;
}

void prompt_keys_bind(int (*editor)(int, int))
{
    static const struct {
        const char *sequence;
        rl_command_func_t *function;
    } keys[] = {
        {"\\e[3~", rl_delete},          {"\\e[1~", rl_beg_of_line},
        {"\\e[4~", rl_end_of_line},     {"\\e[7~", rl_beg_of_line},
        {"\\e[8~", rl_end_of_line},     {"\\e[1;5C", rl_forward_word},
        {"\\e[1;5D", rl_backward_word}, {"\\e[1;3C", rl_forward_word},
        {"\\e[1;3D", rl_backward_word},
    };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        rl_bind_keyseq_if_unbound(keys[i].sequence, keys[i].function);
    editor_function = editor;
    rl_bind_keyseq("\\C-x\\C-e", editor);
}
