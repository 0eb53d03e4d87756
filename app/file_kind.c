#include "app/file_kind.h"

#include <string.h>

#include "engine/base/file.h"
#include "engine/base/size.h"

/* The first that matches counts. */
static const struct file_kind *const kinds[] = {
    &file_kind_run,
    &file_kind_directory,
    &file_kind_gguf,
    &file_kind_safetensors,
    &file_kind_figure,
    &file_kind_data,
};

const struct file_kind *file_kind_of(const char *path, struct err *err)
{
    struct file_head head = {.directory = file_is_directory(path)};
    struct mapped_file file;
    if (!head.directory) {
        if (!mapped_file_open(&file, path, err))
            return NULL;
        head.size = size_min(file.size, sizeof head.bytes);
        if (head.size)
            memcpy(head.bytes, file.data, head.size);
        mapped_file_close(&file);
        if (head.size == 0) {
            err_set(err, ERR_INPUT, "%s: empty file", path);
            return NULL;
        }
    }
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i]->matches(path, &head))
            return kinds[i];
    err_set(err, ERR_INPUT, "%s: not a kind of file that comprexit knows", path);
    return NULL;
}

bool problem_error(const struct problem_sink *sink, const struct err *err)
{
    sink->report(sink->context, err->text);
    return false;
}
