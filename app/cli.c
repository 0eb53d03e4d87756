#include "app/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/file_wanted.h"
#include "app/values.h"
#include "engine/base/mem.h"

const struct cli_option cli_common_options[] = {
    {.name = "model", .letter = 'm', .kind = CLI_PATH, .value = "PATH", .group = CLI_MODEL,
     .files = WANTED_MODELS,
     .help = "frozen model: a GGUF file or a Hugging Face directory"},
    {.name = "compressor", .letter = 'c', .kind = CLI_PATH, .value = "PATH|none",
     .group = CLI_MODEL, .files = WANTED_TENSORS,
     .help = "compressor: a safetensors file or checkpoint directory; none = untrained"},
    {.name = "soft-prompt", .kind = CLI_PATH, .value = "PATH|none", .group = CLI_MODEL,
     .files = WANTED_TENSORS, .help = "virtual tokens before every prompt, made by train prompt"},
    {.name = "precision", .kind = CLI_CHOICE, .value = "auto|f32|q16|mixed|q8|bf16",
     .group = CLI_MODEL, .help = "arithmetic of the frozen model"},
    {.name = "threads", .kind = CLI_COUNT, .value = "N", .min = 1, .max = 1024,
     .group = CLI_MODEL, .help = "threads to compute with (all cores)"},
    {.name = "seed", .kind = CLI_COUNT, .value = "N", .group = CLI_MODEL,
     .help = "seed of everything random (0)"},

    {.name = "window", .kind = CLI_COUNT, .value = "W", .min = 1, .max = 65536,
     .group = CLI_SETTINGS, .help = "tokens that share one plan"},
    {.name = "ratio", .kind = CLI_REAL, .value = "R", .min = 1, .max = 8192,
     .group = CLI_SETTINGS, .help = "tokens for each slot; may be fractional"},
    {.name = "eps", .kind = CLI_REAL, .value = "E", .min = 1e-6, .max = 1e6,
     .group = CLI_SETTINGS, .help = "sharpness of the plan: smaller is sharper"},
    {.name = "iters", .kind = CLI_COUNT, .value = "N", .min = 1, .max = 100000,
     .group = CLI_SETTINGS, .help = "iterations that balance the plan"},
    {.name = "align", .kind = CLI_CHOICE, .value = "tail|head", .group = CLI_SETTINGS,
     .help = "which window may be partial: tail the first one, head the last one"},
    {.name = "segment", .kind = CLI_COUNT, .value = "N", .min = 1, .max = 1u << 20,
     .group = CLI_SETTINGS, .help = "tokens that the model reads at once (512)"},

    {.name = "json", .kind = CLI_FLAG, .group = CLI_OUTPUT,
     .help = "print exactly one JSON document"},
    {.name = "quiet", .kind = CLI_FLAG, .group = CLI_OUTPUT,
     .help = "no progress and no notes on standard error"},
    {.name = "verbose", .kind = CLI_FLAG, .group = CLI_OUTPUT,
     .help = "say more on standard error"},
    {.name = "force", .kind = CLI_FLAG, .group = CLI_OUTPUT,
     .help = "go on where the program would rather not (files in use, memory)"},

    {.name = "sandbox", .kind = CLI_CHOICE, .value = "on|off", .group = CLI_OUTPUT,
     .help = "let the kernel refuse to write elsewhere than asked for, and to start programs (on)"},

    {.name = "color", .kind = CLI_CHOICE, .value = "auto|always|never", .group = CLI_SCREEN,
     .help = "colours on the screen; NO_COLOR counts as never"},
    {.name = "theme", .kind = CLI_CHOICE, .value = "auto|light|dark", .group = CLI_SCREEN,
     .help = "background of the terminal"},
    {.name = "glyphs", .kind = CLI_CHOICE, .value = "auto|half|shade|ascii",
     .group = CLI_SCREEN, .help = "characters that heat is drawn with"},
    {.name = "rc", .kind = CLI_PATH, .value = "FILE|none", .group = CLI_SCREEN,
     .help = "start-up file in place of the user's"},

    {.name = "help", .letter = 'h', .kind = CLI_FLAG, .group = CLI_GENERAL,
     .help = "this text"},
    {.name = "version", .letter = 'V', .kind = CLI_FLAG, .group = CLI_GENERAL,
     .help = "the version"},
    {.name = "license", .kind = CLI_FLAG, .group = CLI_GENERAL,
     .help = "terms of use, and of the libraries"},
    {.name = NULL},
};

const struct cli_command *cli_find_command(const char *name)
{
    for (size_t i = 0; cli_commands[i]; i++)
        if (strcmp(cli_commands[i]->name, name) == 0)
            return cli_commands[i];
    return NULL;
}

const char *cli_nearest_command(const char *word)
{
    const char *names[64];
    size_t count = 0, limit = sizeof names / sizeof *names - 1;
    for (; count < limit && cli_commands[count]; count++)
        names[count] = cli_commands[count]->name;
    names[count] = NULL;
    return value_nearest(word, names);
}

/* The option of a table with this name of `length` bytes, or, when name is NULL,
 * with this letter. */
static const struct cli_option *find_in(const struct cli_option *table, const char *name,
                                        size_t length, char letter)
{
    for (; table && table->name; table++) {
        if (!name && table->letter == letter)
            return table;
        if (name && strlen(table->name) == length && memcmp(table->name, name, length) == 0)
            return table;
    }
    return NULL;
}

static const struct cli_option *find_any(const struct cli_command *command, const char *name,
                                         size_t length, char letter)
{
    const struct cli_option *own =
        command ? find_in(command->options, name, length, letter) : NULL;
    return own ? own : find_in(cli_common_options, name, length, letter);
}

const struct cli_option *cli_find_option(const struct cli_command *command, const char *name)
{
    return find_any(command, name, strlen(name), 0);
}

/* ---- reading one word ---------------------------------------------------- */

/* What is left to read, and where the result goes. */
struct parser {
    struct cli_arguments *out;
    const char *const *argv;
    size_t argc, next;
};

static bool unknown_option(const struct cli_command *command, const char *word, struct err *err)
{
    const char *names[64];
    size_t count = 0, limit = sizeof names / sizeof *names - 1;
    for (const struct cli_option *o = command->options; o && o->name && count < limit; o++)
        names[count++] = o->name;
    for (const struct cli_option *o = cli_common_options; o->name && count < limit; o++)
        names[count++] = o->name;
    names[count] = NULL;
    char bare[64];
    snprintf(bare, sizeof bare, "%.*s", (int)strcspn(word + 2, "="), word + 2);
    const char *nearest = strncmp(word, "--", 2) == 0 ? value_nearest(bare, names) : NULL;
    return err_set(err, ERR_USAGE, "%s: unknown option %s%s%s%s", command->name, word,
                   nearest ? ", did you mean --" : "", nearest ? nearest : "",
                   nearest ? "?" : "");
}

static bool out_of_range(const struct cli_option *o, double value)
{
    return (o->min != 0 || o->max != 0) && (value < o->min || value > o->max);
}

static bool wrong_number(const struct cli_given *given, const char *kind, struct err *err)
{
    const struct cli_option *o = given->option;
    if (o->min == 0 && o->max == 0)
        return err_set(err, ERR_USAGE, "--%s %s: expected %s", o->name, given->text, kind);
    return err_set(err, ERR_USAGE, "--%s %s: expected %s in %.10g..%.10g", o->name, given->text,
                   kind, o->min, o->max);
}

/* Checks the text of an option against its kind. */
static bool check_value(struct cli_given *given, struct err *err)
{
    const struct cli_option *o = given->option;
    switch (o->kind) {
    case CLI_COUNT:
        if (!value_count(given->text, &given->count) || out_of_range(o, (double)given->count))
            return wrong_number(given, "a whole number", err);
        return true;
    case CLI_REAL:
        if (!value_real(given->text, &given->real) || out_of_range(o, given->real))
            return wrong_number(given, "a number", err);
        return true;
    case CLI_CHOICE:
        return value_choice(given->text, o->value, NULL) ||
               err_set(err, ERR_USAGE, "--%s %s: expected one of %s", o->name, given->text,
                       o->value);
    case CLI_PATH:
        return given->text[0] || err_set(err, ERR_USAGE, "--%s: an empty path", o->name);
    case CLI_FLAG:
    case CLI_TEXT:
        return true;
    }
    return true;
}

static void add_given(struct cli_arguments *out, const struct cli_given *given)
{
    out->given[out->n_given++] = *given;
}

/* Reads an option's value from `attached` (NULL: the next word) and stores it. */
static bool take_value(struct parser *p, const struct cli_option *option, const char *attached,
                       struct err *err)
{
    struct cli_given given = {.option = option, .text = attached};
    bool alone = p->next == p->argc || (p->argv[p->next][0] == '-' && p->argv[p->next][1]);
    if (!attached && alone && option->otherwise) {
        given.text = option->otherwise;
    } else if (!attached) {
        if (p->next == p->argc)
            return err_set(err, ERR_USAGE, "option --%s needs a value: %s", option->name,
                           option->value);
        given.text = p->argv[p->next++];
        if (strncmp(given.text, "--", 2) == 0)
            return err_set(err, ERR_USAGE,
                           "option --%s needs a value: %s (found %s; write --%s=%s if it is one)",
                           option->name, option->value, given.text, option->name, given.text);
    }
    if (!check_value(&given, err))
        return false;
    add_given(p->out, &given);
    return true;
}

static bool parse_long(struct parser *p, const char *word, struct err *err)
{
    const char *name = word + 2;
    size_t length = strcspn(name, "=");
    const char *attached = name[length] == '=' ? name + length + 1 : NULL;
    const struct cli_option *option = find_any(p->out->command, name, length, 0);
    if (!option)
        return unknown_option(p->out->command, word, err);
    if (option->kind != CLI_FLAG)
        return take_value(p, option, attached, err);
    if (attached)
        return err_set(err, ERR_USAGE, "option --%s takes no value (found %s)", option->name,
                       attached);
    add_given(p->out, &(struct cli_given){.option = option});
    return true;
}

/* "-hV", "-m PATH", "-mPATH". */
static bool parse_short(struct parser *p, const char *word, struct err *err)
{
    for (const char *c = word + 1; *c; c++) {
        const struct cli_option *option = find_any(p->out->command, NULL, 0, *c);
        if (!option)
            return unknown_option(p->out->command, word, err);
        if (option->kind != CLI_FLAG)
            return take_value(p, option, c[1] ? c + 1 : NULL, err);
        add_given(p->out, &(struct cli_given){.option = option});
    }
    return true;
}

static bool parse_words(struct parser *p, struct err *err)
{
    bool options_end = false;
    while (p->next < p->argc) {
        const char *word = p->argv[p->next++];
        bool is_option = !options_end && word[0] == '-' && word[1] != '\0';
        if (is_option && strcmp(word, "--") == 0)
            options_end = true;
        else if (!is_option)
            p->out->operands[p->out->n_operands++] = word;
        else if (!(word[1] == '-' ? parse_long(p, word, err) : parse_short(p, word, err)))
            return false;
    }
    return true;
}

static bool check_operands(const struct cli_arguments *a, struct err *err)
{
    const struct cli_command *command = a->command;
    if (cli_flag(a, "help") || cli_flag(a, "version") || cli_flag(a, "license"))
        return true;
    if (a->n_operands < command->min_operands)
        return err_set(err, ERR_USAGE, "%s: expected %s", command->name, command->operands);
    if (a->n_operands > command->max_operands)
        return err_set(err, ERR_USAGE, "%s: unexpected argument %s%s", command->name,
                       a->operands[command->max_operands],
                       command->max_operands ? "" : " (it takes none)");
    return true;
}

bool cli_parse(struct cli_arguments *out, const struct cli_command *command, size_t argc,
               const char *const *argv, struct err *err)
{
    /* A word holds at most as many options as it has letters. */
    size_t letters = 0;
    for (size_t i = 0; i < argc; i++)
        letters += strlen(argv[i]);
    *out = (struct cli_arguments){
        .command = command,
        .operands = xcalloc(argc + 1, sizeof *out->operands),
        .given = xcalloc(letters + 1, sizeof *out->given),
    };
    struct parser p = {.out = out, .argv = argv, .argc = argc};
    if (parse_words(&p, err) && check_operands(out, err))
        return true;
    cli_arguments_free(out);
    return false;
}

void cli_arguments_free(struct cli_arguments *arguments)
{
    free(arguments->operands);
    free(arguments->given);
    *arguments = (struct cli_arguments){0};
}

size_t cli_first_word(size_t argc, const char *const *argv)
{
    for (size_t i = 0; i < argc; i++) {
        const char *word = argv[i];
        if (word[0] != '-' || word[1] == '\0')
            return i;
        if (strcmp(word, "--") == 0)
            return SIZE_MAX;
        bool is_long = word[1] == '-';
        const char *name = is_long ? word + 2 : NULL;
        const struct cli_option *option =
            find_any(NULL, name, name ? strcspn(name, "=") : 0, word[1]);
        if (!option)
            return SIZE_MAX;
        bool attached = is_long ? strchr(word, '=') != NULL : word[2] != '\0';
        if (option->kind != CLI_FLAG && !attached)
            i++;
    }
    return SIZE_MAX;
}

/* ---- what was given ------------------------------------------------------- */

static const struct cli_given *last_given(const struct cli_arguments *a, const char *name)
{
    const struct cli_option *option = cli_find_option(a->command, name);
    CHECK(option != NULL);
    for (size_t i = a->n_given; i > 0; i--)
        if (a->given[i - 1].option == option)
            return &a->given[i - 1];
    return NULL;
}

bool cli_flag(const struct cli_arguments *arguments, const char *name)
{
    return last_given(arguments, name) != NULL;
}

const char *cli_text(const struct cli_arguments *arguments, const char *name)
{
    const struct cli_given *given = last_given(arguments, name);
    return given ? given->text : NULL;
}

uint64_t cli_count(const struct cli_arguments *arguments, const char *name, uint64_t otherwise)
{
    const struct cli_given *given = last_given(arguments, name);
    return given ? given->count : otherwise;
}

double cli_real(const struct cli_arguments *arguments, const char *name, double otherwise)
{
    const struct cli_given *given = last_given(arguments, name);
    return given ? given->real : otherwise;
}

const char *cli_text_at(const struct cli_arguments *arguments, const char *name, size_t i)
{
    const struct cli_option *option = cli_find_option(arguments->command, name);
    CHECK(option != NULL);
    for (size_t j = 0; j < arguments->n_given; j++)
        if (arguments->given[j].option == option && i-- == 0)
            return arguments->given[j].text;
    return NULL;
}
