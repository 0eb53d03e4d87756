# `make fuzz`: every tests/fuzz/fuzz_*.c with clang's libFuzzer and the address and
# undefined-behaviour sanitizers, FUZZ_SECONDS each. A finding is kept in build/fuzz/findings.

FUZZ_SECONDS ?= 20
FUZZERS := $(patsubst %.c,build/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))

build/fuzz/tests/fuzz/fuzz_%: build/fuzz/tests/fuzz/fuzz_%.o $(foreach l,$(TEST_LIBS_app),build/fuzz/lib$(l).a)
	@$(CC) $(LDFLAGS_ALL) -fsanitize=fuzzer -o $@ $^ $(LIBS)

fuzz-build: $(FUZZERS)

fuzz:
	@$(MAKE) --no-print-directory -j2 VARIANT=fuzz fuzz-build
	@tests/fuzz/run -t $(FUZZ_SECONDS) $(FUZZERS)

.PHONY: fuzz fuzz-build
