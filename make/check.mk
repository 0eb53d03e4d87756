# `make check`: everything that must hold before a change lands.

GOLDEN ?= $(if $(wildcard ../shared/golden/README.md),../shared/golden,tests/golden)
export COMPREXIT_GOLDEN ?= $(abspath $(GOLDEN))

layers:
	@tests/layers

check: deps-check
	@$(MAKE) --no-print-directory layers
	@make/fetch-model || echo "continuing without the default model: its tests are skipped"
	@$(MAKE) --no-print-directory -j2 WERROR=1 VARIANT=release all tests-build
	@$(MAKE) --no-print-directory WERROR=1 VARIANT=release test

asan ubsan:
	@$(MAKE) --no-print-directory -j2 VARIANT=asan all tests-build
	@$(MAKE) --no-print-directory VARIANT=asan test

.PHONY: layers check asan ubsan

include make/bench.mk make/golden.mk
