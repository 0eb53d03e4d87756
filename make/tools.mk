# Set-up and tools.

# One line naming the package when a library is missing.
missing:
	@for p in $(PACKAGES); do pkg-config --exists $$p || { \
	  echo "comprexit: $$p is missing: run 'make deps' (Debian packages: $(DEBIAN_BUILD))" >&2; exit 1; }; done

# Installs what is missing with apt; a machine that has everything needs neither
# privileges nor the network.
define install_packages
@absent=$$(for p in $(1); do dpkg-query -W -f '$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || echo $$p; done); \
if [ -n "$$absent" ]; then \
  echo "installing:" $$absent; \
  sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; \
  $$sudo apt-get update -qq && DEBIAN_FRONTEND=noninteractive $$sudo apt-get install -y -qq --no-install-recommends $$absent >/dev/null; \
fi
endef
deps:
	$(call install_packages,$(DEBIAN_BUILD))
deps-check: deps
	$(call install_packages,$(DEBIAN_CHECK))
	@ver=$$(clang -dumpversion | cut -d. -f1); dpkg-query -W libclang-rt-$$ver-dev >/dev/null 2>&1 || \
	  { sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; $$sudo apt-get install -y -qq --no-install-recommends libclang-rt-$$ver-dev >/dev/null; }

# The default model: fetched once, checked, kept outside of the tree.
model:
	@make/fetch-model

format:
	clang-format -i $$(git ls-files '*.c' '*.h')

install: all
	install -D $(PROGRAM) $(DESTDIR)$(or $(PREFIX),/usr/local)/bin/comprexit

help:
	@echo "make            build build/release/comprexit"
	@echo "make demo       install what is missing, build, fetch the model, open the explorer"
	@echo "make check      install what is missing, build with gcc and clang, run all tests"
	@echo "make test       the tests of one variant: VARIANT=release|asan|tsan|double|clang K=name"
	@echo "make model      fetch the default model into the cache"
	@echo "make layers     check which folders include which"
	@echo "make golden-check GOLDEN=DIR   parity with reference vectors alone"
	@echo "make asan ubsan tsan fuzz bench lint format install"

.PHONY: deps deps-check model format install help
