# `make check`: everything that must hold before a change lands. Each step is a
# target of its own, and stops the rest when it fails.

GOLDEN ?= $(if $(wildcard ../shared/golden/README.md),../shared/golden,tests/golden)
export COMPREXIT_GOLDEN ?= $(abspath $(GOLDEN))

SUB := @$(MAKE) --no-print-directory

layers:
	@tests/layers

# What reads the sources alone: includes, banned calls, long lines, the README's generated part.
lint: layers
	@tests/banned

# The second compiler: no warnings.
clang:
	$(SUB) -j2 WERROR=1 VARIANT=clang all tests-build

# Gradients against central differences need the whole engine in double precision.
gradcheck:
	$(SUB) -j2 WERROR=1 VARIANT=double engine-tests-build
	$(SUB) VARIANT=double engine-test

# The engine's tests with the kernels for CPUs that have less than this one.
cpus: $(ENGINE_TESTS)
	@for cpu in avx2 baseline; do \
	  echo "as on a CPU with: $$cpu"; COMPREXIT_CPU=$$cpu tests/run -k "$(K)" $(ENGINE_TESTS) || exit; done

# Address and undefined-behaviour sanitizers over all tests.
asan ubsan:
	$(SUB) -j2 VARIANT=asan all tests-build
	$(SUB) VARIANT=asan test

# Data races between the interface and the engine: the worker alone, then the screens that
# keep it busy. What OpenBLAS's own threads do is not ours, so it has none.
RACE_TESTS := test_team,test_worker,explore_script,explore_input,explore_kept,explore_live,data_eval_screens,train_screen
tsan: export OMP_NUM_THREADS := 1
tsan:
	$(SUB) -j2 VARIANT=tsan all tests-build
	$(SUB) VARIANT=tsan K=$(RACE_TESTS) test

# Training goes on from that many states of the disk that a power cut may leave, and after a
# fifth as many kills at any time; `make test` tries 60. Three minutes.
power-cuts: export POWER_CUTS ?= 500
power-cuts:
	$(SUB) K=train_faults test

# Four times as many keys as `make test` sends the explorer, with and without sanitizers.
random-keys: export KEY_BYTES ?= 200000
random-keys:
	$(SUB) K=explore_input test
	$(SUB) VARIANT=asan K=explore_input test

check: deps-check
	$(SUB) lint
	@make/fetch-model || echo "continuing without the default model: its tests are skipped"
	$(SUB) -j2 WERROR=1 VARIANT=release all tests-build
	$(SUB) clang
	@command -v nvcc >/dev/null || echo "no nvcc here: the CUDA sources are not compiled"
	@if command -v nvcc >/dev/null; then $(MAKE) --no-print-directory -j2 CUDA=1 WERROR=1 cuda; fi
	$(SUB) gradcheck
	$(SUB) cpus
	$(SUB) asan
	$(SUB) golden-check
	$(SUB) demo </dev/null
	$(SUB) WERROR=1 VARIANT=release test

.PHONY: layers lint clang gradcheck cpus asan ubsan tsan power-cuts random-keys check

include make/bench.mk make/golden.mk
