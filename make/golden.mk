# `make golden-check GOLDEN=DIR`: parity with the reference vectors of DIR alone, as
# described in tests/golden/README.md. Every program that compares with them takes part.

GOLDEN_PROGRAMS := $(patsubst tests/%.c,$(BUILD)/tests/%,\
    $(shell grep -l 'tests/support/golden' tests/*/test_*.c))

golden-check: $(GOLDEN_PROGRAMS)
	@tests/golden_check $(abspath $(GOLDEN)) $^

# The part of a full set that the repository keeps, so that the tests run anywhere.
golden:
	@tests/gen/trim_golden.py $(abspath $(GOLDEN)) tests/golden

.PHONY: golden-check golden
