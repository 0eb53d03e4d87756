/* Data files: text, JSON lines, SQuAD and MRQA, plain or compressed. */
#include "engine/data/records.h"
#include "tests/fuzz/memory_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use(struct record *record)
{
    CHECK(record->text && record->text[record->length] == '\0');
    for (size_t i = 0; i < record->n_questions; i++)
        CHECK(record->questions[i].text && record->questions[i].id &&
              record->questions[i].n_answers > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = {0};
    struct memory_file file;
    struct record record;
    const struct records_options options = {.separator = "---"};
    memory_file_open(&file, data, size);
    struct records *records = records_open(file.path, &options, &err);
    CHECK(records || *err.text);
    while (records && records_next(records, &record, &err)) {
        use(&record);
        record_free(&record);
    }
    if (records)
        records_close(records);
    memory_file_close(&file);
    return 0;
}
