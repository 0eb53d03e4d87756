/* The clean-up of MRQA texts that the reference does (METHOD section 7). */
#ifndef ENGINE_DATA_MRQA_H
#define ENGINE_DATA_MRQA_H

/* "[PAR] " becomes a blank line, "[TLE]" "Title:", "[SEP]" a newline and
 * "Passage:"; "[DOC]" and HTML list tags are dropped. To be freed. */
char *mrqa_clean_context(const char *text);

/* Detached punctuation (" .", " ,", " 's", "`` ") is joined. To be freed. */
char *mrqa_clean_answer(const char *text);

/* As an answer, with a "?" behind it when there is none. To be freed. */
char *mrqa_clean_question(const char *text);

#endif
