# `make coverage`: which lines and branches the tests execute, folder by folder. Some minutes;
# `tests/coverage/report build/coverage -m engine/model` then lists what they do not.

ifeq ($(VARIANT),coverage)
# The arithmetic of a whole model would take minutes.
$(BUILD)/engine/ops/%.o: OPTIMIZE_coverage := -O2 -g --coverage -fprofile-update=atomic
LDFLAGS_ALL += -Wl,--wrap=syscall
$(BUILD)/libbase.a: $(BUILD)/tests/coverage/unconfined.o
endif

coverage:
	$(SUB) -j2 VARIANT=coverage all tests-build
	-$(SUB) VARIANT=coverage test
	-$(SUB) VARIANT=coverage cpus
	@tests/coverage/report build/coverage

.PHONY: coverage
