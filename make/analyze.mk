# `make analyze`: what gcc and clang find by following paths through each source, and what cppcheck
# finds. Nothing may be reported.

ANALYZED := $(wildcard engine/*.c engine/*/*.c views/*.c app/*.c)
ANALYZE_FLAGS := $(CPPFLAGS_ALL) -std=c11 -ffp-contract=off $(CFLAGS)

# gcc 12 takes the number of elements of a vector for the width of one: its check of shifts is
# left to -Wshift-count-overflow.
GCC_ANALYZER := -fanalyzer -Wno-analyzer-shift-count-overflow

# A report is the file of what was said; it is made anew when the source or a header changes.
build/analyze/%.gcc: %.c
	@mkdir -p $(@D)
	@gcc $(ANALYZE_FLAGS) -O1 -fopenmp $(GCC_ANALYZER) -MMD -MP -MF $@.d -MT $@ -c -o /dev/null $< 2> $@.new && mv $@.new $@
build/analyze/%.clang: %.c
	@mkdir -p $(@D)
	@clang --analyze $(ANALYZE_FLAGS) --analyzer-output text -MMD -MP -MF $@.d -MT $@ -o /dev/null $< 2> $@.new && mv $@.new $@

REPORTS := $(foreach tool,gcc clang,$(patsubst %.c,build/analyze/%.$(tool),$(ANALYZED)))
analyze-reports: $(REPORTS)

analyze:
	@$(MAKE) --no-print-directory -j2 analyze-reports
	@grep -hE 'warning:' $(REPORTS) | sort -u > build/analyze/found; cat build/analyze/found; \
	  echo "$$(wc -l < build/analyze/found) reports"; test ! -s build/analyze/found
	@$(MAKE) --no-print-directory cppcheck

# But for what it cannot know, which has its reasons in that list.
cppcheck:
	@cppcheck -q -j2 --std=c11 --enable=warning,performance,portability --error-exitcode=1 \
	  --suppressions-list=make/cppcheck-known -I. -D_GNU_SOURCE -DCOMPREXIT_VERSION='"$(VERSION)"' engine views app

.PHONY: analyze analyze-reports cppcheck
-include $(wildcard build/analyze/*/*.d build/analyze/*/*/*.d)
