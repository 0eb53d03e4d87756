/* What all commands that read data files take: other names of JSON fields, and the
 * line that parts the documents of a text. */
#ifndef APP_DATA_OPTIONS_H
#define APP_DATA_OPTIONS_H

#include "app/cli.h"
#include "engine/data/records.h"

enum { DATA_FIELDS = 5 };

struct data_options {
    struct records_options records; /* borrows from here and from the arguments */
    char *field[DATA_FIELDS];
};

bool data_options_read(struct data_options *options, const struct cli_arguments *arguments,
                       struct err *err);
void data_options_free(struct data_options *options);

/* The i-th training file: those of --data, then the words behind the phase, so that
 * `--data *.txt` means all that the shell makes of it; NULL beyond. */
const char *data_options_file(const struct cli_arguments *arguments, size_t i);

/* Rows for a command's table. */
#define DATA_OPTIONS                                                                      \
    {.name = "map", .kind = CLI_TEXT, .value = "FIELD=NAME,...",                          \
     .help = "other names of the JSON fields text, context, question, answers, id"},      \
    {.name = "separator", .kind = CLI_TEXT, .value = "LINE",                              \
     .help = "the line that stands between the documents of a text"}

#endif
