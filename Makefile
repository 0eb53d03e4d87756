# comprexit: `make demo` shows it, `make check` tests it, `make help` lists the rest.
# Everything is built below build/<variant>/; nothing else in the tree is written.

.DELETE_ON_ERROR:
.DEFAULT_GOAL := all
SHELL := /bin/bash
VERSION := 1.0.0

# Where the compiler has no OpenMP, OpenBLAS starts threads: those that spin while they
# wait would only take the cores from tests that run beside each other.
export OMP_WAIT_POLICY ?= PASSIVE

# ---- variants ---------------------------------------------------------------
# release: what is installed. asan: address and undefined sanitizers. tsan: data
# races. double: the engine in double precision, for gradient checks. clang:
# the second compiler. coverage: counts what is executed.
VARIANT ?= release
CC_release := gcc
CC_asan    := gcc
CC_double  := gcc
CC_coverage := gcc
CC_clang   := clang
CC_tsan    := clang
CC_fuzz    := clang
ifeq ($(origin CC),default)
CC := $(CC_$(VARIANT))
endif
BUILD := build/$(VARIANT)

# pkg-config's name of each library, and the Debian package that has it.
LIBRARIES := ncursesw:libncurses-dev readline:libreadline-dev jansson:libjansson-dev \
    libpcre2-8:libpcre2-dev libzstd:libzstd-dev zlib:zlib1g-dev nettle:nettle-dev \
    libutf8proc:libutf8proc-dev fontconfig:libfontconfig-dev openblas:libopenblas-openmp-dev
PACKAGES := $(foreach l,$(LIBRARIES),$(firstword $(subst :, ,$(l))))
DEBIAN_BUILD := gcc make pkg-config libstb-dev fonts-dejavu-core \
    $(foreach l,$(LIBRARIES),$(lastword $(subst :, ,$(l))))
DEBIAN_CHECK := libcmocka-dev tmux clang cppcheck python3 libopenmpi-dev openmpi-bin
DEBIAN_MODEL := python3 python3-pip

PKG_CFLAGS := $(filter-out -D_XOPEN_SOURCE=600,$(shell pkg-config --cflags $(PACKAGES) 2>/dev/null))
PKG_LIBS   := $(shell pkg-config --libs $(PACKAGES) 2>/dev/null)

WARNINGS := -Wall -Wextra -Wformat=2 -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
    -Wdouble-promotion -Wvla -Wimplicit-fallthrough -Wpointer-arith -Wwrite-strings -Wconversion
ifeq ($(CC),clang)
WARNINGS += -Wno-unknown-warning-option -Wno-implicit-int-float-conversion
endif
ifdef WERROR
WARNINGS += -Werror
endif

# Never -ffast-math: masked log-sum-exp needs infinities (see engine/ops/README.md).
OPTIMIZE_release := -O3
OPTIMIZE_clang   := -O2
OPTIMIZE_asan    := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
OPTIMIZE_tsan    := -O1 -g -fsanitize=thread
OPTIMIZE_coverage := -O0 -g --coverage -fprofile-update=atomic
OPTIMIZE_double  := -O2 -DREAL_DOUBLE
OPTIMIZE_fuzz    := -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
HARDEN := -fstack-protector-strong -fstack-clash-protection -fPIE
ifneq ($(filter release clang,$(VARIANT)),)
HARDEN += -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
endif
ifeq ($(shell uname -m),x86_64)
HARDEN += -fcf-protection=full
endif
OPENMP := -fopenmp
ifneq ($(filter tsan fuzz,$(VARIANT)),)
OPENMP :=
endif
# For matmul.c alone, to keep OpenBLAS from starting threads; clang would need libomp.
ifeq ($(CC),clang)
OPENMP :=
endif

# No name of ours may stand in for a library's own: readline has an xrealloc too,
# with other arguments, and would call ours.
VISIBILITY := -fvisibility=hidden

CPPFLAGS_ALL := -I. -D_GNU_SOURCE -DCOMPREXIT_VERSION='"$(VERSION)"' $(PKG_CFLAGS) $(CPPFLAGS)
CFLAGS_ALL := -std=c11 -g $(OPTIMIZE_$(VARIANT)) -fno-math-errno -fno-trapping-math -ffp-contract=off \
    $(WARNINGS) $(HARDEN) $(OPENMP) $(VISIBILITY) $(CFLAGS)
LDFLAGS_ALL := $(OPTIMIZE_$(VARIANT)) $(OPENMP) -pie -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed $(LDFLAGS)
LIBS := $(PKG_LIBS) -lm -lpthread

# ---- sources: a folder is a layer, a layer is an archive ---------------------
LAYERS := base ops model compress data train eval
layer_sources = $(wildcard engine/$(1)/*.c)
layer_objects = $(patsubst %.c,$(BUILD)/%.o,$(call layer_sources,$(1)))
VIEW_SOURCES := $(wildcard views/*.c)
APP_SOURCES  := $(wildcard app/*.c)
FACADE_SOURCES := $(wildcard engine/*.c)

# From the top layer down: each archive needs only those behind it.
ARCHIVE_app    := $(BUILD)/libapp.a
ARCHIVE_views  := $(BUILD)/libviews.a
ARCHIVE_facade := $(BUILD)/libfacade.a
ARCHIVE_snapshot := $(BUILD)/libsnapshot.a
ENGINE_ARCHIVES := $(ARCHIVE_facade) $(ARCHIVE_snapshot) \
    $(foreach l,train eval data compress model ops base,$(BUILD)/lib$(l).a)
PROGRAM := $(BUILD)/comprexit
# MPI=1 (libopenmpi-dev): the same program, and mpirun can share a training run over
# processes. Only one object differs.
MPI_PROGRAM := build/mpi/comprexit
ifdef MPI
PROGRAM := $(MPI_PROGRAM)
endif
# CUDA=1: likewise (make/cuda.mk).
ifdef CUDA
PROGRAM := build/cuda/comprexit
endif

all: missing $(PROGRAM)

define archive_rule
$(BUILD)/lib$(1).a: $(2)
	@rm -f $$@
	@ar rcs $$@ $$^
endef
$(foreach l,$(LAYERS),$(eval $(call archive_rule,$(l),$(call layer_objects,$(l)))))
$(eval $(call archive_rule,facade,$(patsubst %.c,$(BUILD)/%.o,$(filter-out engine/snapshot.c,$(FACADE_SOURCES)))))
$(eval $(call archive_rule,snapshot,$(patsubst %.c,$(BUILD)/%.o,$(filter engine/snapshot.c,$(FACADE_SOURCES)))))
$(eval $(call archive_rule,views,$(patsubst %.c,$(BUILD)/%.o,$(VIEW_SOURCES))))
$(eval $(call archive_rule,app,$(patsubst %.c,$(BUILD)/%.o,$(filter-out app/main.c,$(APP_SOURCES))) \
    $(BUILD)/app/default_rc.o))

$(BUILD)/comprexit: $(BUILD)/app/main.o $(ARCHIVE_app) $(ARCHIVE_views) $(ENGINE_ARCHIVES)
	@echo "link    $@"
	@$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)

build/mpi/ranks.o: engine/train/ranks.c engine/train/ranks.h
	@mkdir -p $(@D)
	@echo "compile $< (MPI)"
	@$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -DCOMPREXIT_MPI $$(mpicc --showme:compile) -c -o $@ $<
$(MPI_PROGRAM): $(BUILD)/app/main.o build/mpi/ranks.o $(ARCHIVE_app) $(ARCHIVE_views) $(ENGINE_ARCHIVES)
	@echo "link    $@"
	@$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS) $$(mpicc --showme:link)

# assets/default.rc as a C string.
$(BUILD)/app/default_rc.c: assets/default.rc
	@mkdir -p $(@D)
	@{ echo '#include "app/config.h"'; echo 'const char config_default_text[] ='; \
	  sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/    "/' -e 's/$$/\\n"/' $<; echo '    "";'; } > $@
$(BUILD)/app/default_rc.o: $(BUILD)/app/default_rc.c
	@$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -c -o $@ $<

$(BUILD)/%.o: %.c | missing
	@mkdir -p $(@D)
	@echo "compile $<"
	@$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

# ---- tests: one program per module, linked with no more than its layer needs --
# Helpers are an archive, so that a program takes only those that it uses.
TEST_SUPPORT := $(BUILD)/libsupport.a
TEST_LIBS_base     := base
TEST_LIBS_ops      := ops base
TEST_LIBS_model    := model ops base
TEST_LIBS_compress := compress model ops base
TEST_LIBS_data     := data compress model ops base
TEST_LIBS_train    := train eval data compress model ops base
TEST_LIBS_eval     := eval data compress model ops base
TEST_LIBS_engine   := facade snapshot train eval data compress model ops base
TEST_LIBS_hostile  := $(TEST_LIBS_engine)
TEST_LIBS_views    := views snapshot base
TEST_LIBS_app      := app views $(TEST_LIBS_engine)
TEST_GROUPS := base ops model compress data train eval engine hostile views app

test_sources  = $(wildcard tests/$(1)/test_*.c)
test_programs = $(patsubst tests/%.c,$(BUILD)/tests/%,$(call test_sources,$(1)))
$(eval $(call archive_rule,support,$(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/support/*.c))))
define test_rule
$(BUILD)/tests/$(1)/test_%: $(BUILD)/tests/$(1)/test_%.o $(TEST_SUPPORT) $(foreach l,$(TEST_LIBS_$(1)),$(BUILD)/lib$(l).a)
	@$$(CC) $$(LDFLAGS_ALL) -Wl,--undefined=cpu_limit -o $$@ $$^ $$(LIBS) -lcmocka
endef
$(foreach g,$(TEST_GROUPS),$(eval $(call test_rule,$(g))))
TEST_PROGRAMS := $(foreach g,$(TEST_GROUPS),$(call test_programs,$(g)))
SCRIPT_TESTS  := $(wildcard tests/tmux/test_*.sh tests/app/test_*.sh tests/app/test_*.py)

# What makes the program fail under test (tests/shims). Never sanitized: they are loaded
# into programs that are.
SHIMS := $(patsubst tests/%.c,$(BUILD)/tests/%.so,$(wildcard tests/shims/*.c))
$(BUILD)/tests/shims/%.so: tests/shims/%.c
	@mkdir -p $(@D)
	@$(CC) -std=c11 -D_GNU_SOURCE -O2 -g $(WARNINGS) -fPIC -shared -o $@ $< -ldl
shims: $(SHIMS)

$(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/*/*.c)): | missing-tests

tests-build: $(TEST_PROGRAMS) $(SHIMS)

# The part that has numbers to differentiate, for the double build.
ENGINE_TESTS := $(foreach g,ops model compress train,$(call test_programs,$(g)))
engine-tests-build: $(ENGINE_TESTS)
engine-test: $(ENGINE_TESTS)
	@tests/run -k "$(K)" $(ENGINE_TESTS)

# Runs the tests of this variant; K=name,... picks some.
test: $(TEST_PROGRAMS) $(PROGRAM) $(SHIMS) $(if $(filter release,$(VARIANT)),$(if $(shell command -v mpicc),$(MPI_PROGRAM)))
	@COMPREXIT=$(PROGRAM) tests/run -k "$(K)" $(TEST_PROGRAMS) $(SCRIPT_TESTS)

include make/analyze.mk
include make/coverage.mk
include make/check.mk
include make/cuda.mk
include make/fuzz.mk
include make/tools.mk

.PHONY: all missing shims tests-build test engine-tests-build engine-test
.SECONDARY:
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
