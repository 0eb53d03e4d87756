#include "app/record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/refusal.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"

static void end_record(struct session *s)
{
    if (s->record)
        append_file_close(s->record);
    free(s->record);
    s->record = NULL;
}

static bool write_line(struct session *s, const char *line)
{
    struct err err = {0};
    if (append_file_line(s->record, line, &err))
        return true;
    end_record(s);
    session_fail(s, &err, "record FILE begins another", "recorded up to here");
    return false;
}

bool record_to(struct session *s, const char *path, bool overwrite, struct err *err)
{
    char size[48];
    if (!path) {
        end_record(s);
        return true;
    }
    if (!overwrite && file_exists(path))
        return err_set(err, ERR_USAGE, "%s is there already" WAY "record! overwrites it", path);
    struct append_file *file = xcalloc(1, sizeof *file);
    if (!append_file_open(file, path, 0, err)) {
        free(file);
        return false;
    }
    snprintf(size, sizeof size, "size %dx%d", s->view.columns, s->view.rows);
    if (!append_file_line(file, size, err)) {
        append_file_close(file);
        free(file);
        return false;
    }
    end_record(s);
    s->record = file;
    return true;
}

/* The prompt is recorded by what came out of it. */
static bool is_recorded(const char *command)
{
    return strncmp(command, "prompt ", 7) != 0 && strncmp(command, "record", 6) != 0;
}

/* What is typed once everything has settled is played once everything has settled. */
void record_command(struct session *s, const char *name, const char *text)
{
    if (!s->record || s->performing > 0 || !is_recorded(name))
        return;
    size_t length = strlen(name) + strlen(text) + 2;
    char *line = xmalloc(length);
    snprintf(line, length, "%s%s%s", name, text[0] ? " " : "", text);
    if (session_is_idle(s) && !write_line(s, "wait idle")) {
        free(line);
        return;
    }
    write_line(s, line);
    free(line);
}
