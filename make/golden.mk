# `make golden-check GOLDEN=DIR`: parity with the reference vectors of DIR alone, as
# described in tests/golden/README.md. Every program that compares with them takes part.

GOLDEN_PROGRAMS := $(patsubst tests/%.c,$(BUILD)/tests/%,\
    $(shell grep -l 'tests/support/golden' tests/*/test_*.c))

# Installs what is missing first, which must be there before anything is compiled.
golden-check: deps-golden
	@$(MAKE) --no-print-directory golden-run

golden-run: $(GOLDEN_PROGRAMS)
	@tests/golden_check $(abspath $(GOLDEN)) $^

# How far each gradient is from central differences in double precision: a table, of what
# `make gradcheck` tests.
GRADIENT_PROGRAMS := $(patsubst tests/%.c,$(BUILD)/tests/%,\
    $(shell grep -l 'tests/support/gradcheck' tests/*/test_*.c))

gradient-table: deps-golden
	@$(MAKE) --no-print-directory -j2 VARIANT=double gradient-table-run

gradient-table-run: $(GRADIENT_PROGRAMS)
	@tests/golden_check - $^

# The part of a full set that the repository keeps, so that the tests run anywhere.
golden:
	@tests/gen/trim_golden.py $(abspath $(GOLDEN)) tests/golden

.PHONY: golden-check golden-run gradient-table gradient-table-run golden
