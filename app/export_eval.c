#include "app/export_eval.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/file.h"

static const char head[] =
    "set,compressor,questions,full_exact,full_f1,compressed_exact,compressed_f1,wrong_exact,"
    "wrong_f1,none_exact,none_f1,kept,slots,kv_saved,s_per_question\r\n";

static bool put(struct atomic_file *file, const char *text, struct err *err)
{
    return atomic_file_write(file, text, strlen(text), err);
}

static bool put_name(struct atomic_file *file, const char *name, struct err *err)
{
    bool ok = put(file, "\"", err);
    for (; ok && *name; name++)
        ok = atomic_file_write(file, name, 1, err) && (*name != '"' || put(file, "\"", err));
    return ok && put(file, "\",", err);
}

static bool put_number(struct atomic_file *file, double value, const char *behind, struct err *err)
{
    char text[40] = "";
    if (isfinite(value))
        snprintf(text, sizeof text, "%.9g", value);
    return put(file, text, err) && put(file, behind, err);
}

static bool put_set(struct atomic_file *file, const struct results_set *set, struct err *err)
{
    bool ok = put_name(file, set->name, err) && put_name(file, set->compressor, err) &&
              put_number(file, (double)set->n, ",", err);
    for (int mode = 0; ok && mode < RESULTS_MODES; mode++) {
        struct results_score s = results_score(set, (enum results_mode)mode);
        ok = put_number(file, s.n ? s.exact : (double)NAN, ",", err) &&
             put_number(file, s.n ? s.f1 : (double)NAN, ",", err);
    }
    return ok && put_number(file, results_kept(set), ",", err) &&
           put_number(file, results_slots(set), ",", err) &&
           put_number(file, results_saved(set), ",", err) &&
           put_number(file, results_seconds(set), "\r\n", err);
}

bool export_eval(const struct results *results, const char *path, bool force, struct err *err)
{
    struct atomic_file file;
    if (!force && file_exists(path))
        return err_set(err, ERR_USAGE, "%s is there already; export! overwrites it", path);
    if (!atomic_file_open(&file, path, 0, err))
        return false;
    bool ok = put(&file, head, err);
    for (size_t i = 0; ok && i < results->n; i++)
        ok = put_set(&file, &results->sets[i], err);
    if (ok)
        return atomic_file_commit(&file, err);
    atomic_file_abort(&file);
    return false;
}
