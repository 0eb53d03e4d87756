# CUDA=1 (nvcc; cuBLAS is looked for when the program runs): `train --set device=cuda`
# computes on a GPU. Only the object that opens a device differs, and the kernels are added.
# NVCC_ARCH: what machine code is made for; newer GPUs translate the newest of these.

NVCC := nvcc
NVCC_ARCH ?= 80 90
NVCC_NEWEST = $(lastword $(NVCC_ARCH))
NVCC_FLAGS = -std=c++20 -O3 --extended-lambda $(CPPFLAGS_CUDA) \
    $(foreach a,$(NVCC_ARCH),-gencode arch=compute_$(a),code=sm_$(a)) \
    -gencode arch=compute_$(NVCC_NEWEST),code=compute_$(NVCC_NEWEST) \
    -Xcompiler -Wall,-fPIE,-fvisibility=hidden $(if $(WERROR),-Werror all-warnings)
CPPFLAGS_CUDA := -I. -D_GNU_SOURCE
# As nvcc itself says, which may be a wrapper somewhere else.
CUDA_ROOT = $(shell $(NVCC) --dryrun -c none.cu 2>&1 | sed -n 's/^.* TOP=//p')
CUDA_LIBS = -L$(CUDA_ROOT)/lib64 -lcudart_static -lstdc++ -ldl -lrt -lpthread
CUDA_KERNELS := $(patsubst engine/ops/%.cu,build/cuda/%.o,$(wildcard engine/ops/*.cu))
CUDA_OBJECTS := build/cuda/device.o $(CUDA_KERNELS)
CUDA_PROGRAM := build/cuda/comprexit

build/cuda/%.o: engine/ops/%.cu $(wildcard engine/ops/device*.h engine/ops/device*.cuh)
	@mkdir -p $(@D)
	@echo "compile $< (CUDA)"
	@$(NVCC) $(NVCC_FLAGS) -c -o $@ $<

build/cuda/device.o: engine/ops/device.c $(wildcard engine/ops/device*.h)
	@mkdir -p $(@D)
	@echo "compile $< (CUDA)"
	@$(CC) $(CPPFLAGS_ALL) -I$(CUDA_ROOT)/include $(CFLAGS_ALL) -DCOMPREXIT_CUDA -c -o $@ $<

$(CUDA_PROGRAM): $(BUILD)/app/main.o $(CUDA_OBJECTS) $(ARCHIVE_app) $(ARCHIVE_views) $(ENGINE_ARCHIVES)
	@echo "link    $@"
	@$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS) $(CUDA_LIBS)

# Kernels against their twins on the host; needs a GPU to run.
DEVICE_CHECK := build/cuda/device_check
$(DEVICE_CHECK): $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/gpu/*.c)) $(CUDA_OBJECTS) \
    $(TEST_SUPPORT) $(foreach l,compress model ops base,$(BUILD)/lib$(l).a)
	@echo "link    $@"
	@$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS) $(CUDA_LIBS) -lcmocka
device-check: $(DEVICE_CHECK)
	@$(DEVICE_CHECK)

# Where there is no GPU, that it can be built.
cuda: $(CUDA_PROGRAM) $(DEVICE_CHECK)

.PHONY: cuda device-check
