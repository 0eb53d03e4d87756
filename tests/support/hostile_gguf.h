/* GGUF for the tables of tests/support/hostile.h. */
#ifndef TESTS_SUPPORT_HOSTILE_GGUF_H
#define TESTS_SUPPORT_HOSTILE_GGUF_H

#include "tests/support/hostile.h"

extern const struct hostile_format hostile_gguf;

#endif
