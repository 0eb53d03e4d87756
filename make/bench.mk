# Small programs that time one module: `make benches`, then build/release/tests/bench/bench_*.

BENCH_PROGRAMS := $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard tests/bench/bench_*.c))

$(BUILD)/tests/bench/bench_%: $(BUILD)/tests/bench/bench_%.o $(ENGINE_ARCHIVES)
	@$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)

benches: $(BENCH_PROGRAMS)

.PHONY: benches

# Beside llama.cpp and PyTorch, which are installed outside of the tree; never part of `check`.
bench-peers: $(PROGRAM)
	@tests/bench/peers.py $(PROGRAM)

.PHONY: bench-peers
