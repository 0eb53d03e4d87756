# Set-up and tools.

# Before anything is compiled: names the package when a library is missing.
missing:
	@make/missing deps $(CC) $(LIBRARIES)
missing-tests:
	@make/missing deps-check $(CC) $(LIBRARIES) cmocka:libcmocka-dev

deps:
	@make/install $(DEBIAN_BUILD)
deps-check: deps
	@make/install $(DEBIAN_CHECK)
	@make/install libclang-rt-$$(clang -dumpversion | cut -d. -f1)-dev

# What `make golden-check` alone needs.
deps-golden: deps
	@make/install libcmocka-dev python3

# The default model: fetched once, checked, kept outside of the tree.
model:
	@make/fetch-model

format:
	clang-format -i $$(git ls-files '*.c' '*.h')

# Documents that the program makes from its own tables.
man: build/comprexit.1
build/comprexit.1: $(PROGRAM)
	@$(PROGRAM) help --format man > $@
readme: $(PROGRAM)
	@make/replace-block README.md commands $(PROGRAM) help --format markdown
	@make/replace-block README.md keys $(PROGRAM) help keys --format markdown
# The pictures of the README, a screen and a figure; need the default model.
readme-pictures: $(PROGRAM)
	@make/replace-block README.md screen make/readme-screen $(PROGRAM)
	@$(PROGRAM) export assets/saltworks.txt --view gate,plan --window 2 --width nature-2col \
	  --dpi 120 --force -o assets/plan.png

# Everything in order: what is missing, the program, the model, then the explorer
# (without a terminal: a report and figures).
demo: deps-demo
	@echo "building"
	@$(MAKE) --no-print-directory VARIANT=release -j$$(nproc) all > build/demo.log || { tail -n 5 build/demo.log; exit 1; }
	@[ -n "$$COMPREXIT_MODEL" ] || make/fetch-model
	@make/demo
deps-demo: deps
	@mkdir -p build
	@[ -n "$$COMPREXIT_MODEL" ] || make/fetch-model --have || $(MAKE) --no-print-directory deps-model
deps-model:
	@make/install $(DEBIAN_MODEL)

INSTALL_ROOT = $(DESTDIR)$(or $(PREFIX),/usr/local)
install: all man
	@install -D $(PROGRAM) $(INSTALL_ROOT)/bin/comprexit
	@install -D -m 644 build/comprexit.1 $(INSTALL_ROOT)/share/man/man1/comprexit.1
	@mkdir -p $(addprefix $(INSTALL_ROOT)/share/,comprexit bash-completion/completions \
	    zsh/site-functions fish/vendor_completions.d)
	@$(PROGRAM) completion bash > $(INSTALL_ROOT)/share/bash-completion/completions/comprexit
	@$(PROGRAM) completion zsh > $(INSTALL_ROOT)/share/zsh/site-functions/_comprexit
	@$(PROGRAM) completion fish > $(INSTALL_ROOT)/share/fish/vendor_completions.d/comprexit.fish
	@cp -R assets/. $(INSTALL_ROOT)/share/comprexit
	@echo "installed in $(INSTALL_ROOT)"

help:
	@echo "make            build build/release/comprexit"
	@echo "make MPI=1      build build/mpi/comprexit: training over processes (libopenmpi-dev)"
	@echo "make CUDA=1     build build/cuda/comprexit: training on a GPU (nvcc; cuBLAS at run time)"
	@echo "make demo       install what is missing, build, fetch the model, open the explorer"
	@echo "make check      install what is missing, build with gcc and clang, run all tests"
	@echo "make test       the tests of one variant: VARIANT=release|asan|tsan|double|clang K=name"
	@echo "make model      fetch the default model into the cache"
	@echo "make install    program, manual, completion, samples; PREFIX=/usr/local DESTDIR="
	@echo "make man readme build/comprexit.1; the README's section on commands"
	@echo "make layers     check which folders include which"
	@echo "make golden-check GOLDEN=DIR   parity with reference vectors alone"
	@echo "make gradient-table   each gradient beside central differences in double precision"
	@echo "make CUDA=1 device-check   each operation of a GPU against its twin on the host"
	@echo "make asan ubsan tsan cpus fuzz power-cuts random-keys coverage analyze bench-peers lint format"

.PHONY: missing-tests deps deps-check deps-golden deps-demo deps-model model format install help man readme readme-pictures demo
