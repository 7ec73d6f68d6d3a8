# SPDX-License-Identifier: GPL-2.0-only
#
# Everything is built under build/. Sources are found by wildcard, headers by the compilers'
# dependency files. `make help` lists what can be made.

PREFIX ?= /usr/local
DESTDIR ?=
# For another architecture: make ARCH=arm64, after scripts/setup arm64. Kernel developers may have ARCH
# in their environment, and do not mean us.
CROSS := $(if $(filter command,$(origin ARCH)),$(ARCH))
$(if $(filter-out arm64,$(CROSS)),$(error ARCH=$(CROSS): there is arm64, and what this machine is))
BUILD := build$(addprefix /,$(CROSS))

CC := gcc
CLANG ?= clang
BPFTOOL ?= $(firstword $(wildcard /usr/sbin/bpftool) bpftool)

WARNINGS := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes
CPPFLAGS := -D_GNU_SOURCE= -Ibpf -Iuser -I$(BUILD)/bpf -I$(BUILD)/user
CFLAGS ?= -O2 -g
CFLAGS += -std=gnu11 $(WARNINGS)
LIBS := -lbpf -ljansson -lprotobuf-c -lsqlite3 -lzstd -lz -lm -pthread
# Less optimized, gcc takes texts for longer than they can be.
SANITIZE := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer \
	-Wno-format-truncation

# On a machine of that architecture there is nothing to cross.
ifneq ($(CROSS)-$(shell uname -m),arm64-aarch64)
SYSROOT := $(if $(CROSS),$(shell scripts/lab user-space --path $(CROSS)))
endif
ifneq ($(SYSROOT),)
ifeq ($(wildcard $(SYSROOT)/usr/include),)
$(error nothing to build against in $(SYSROOT). Run scripts/setup $(CROSS))
endif
CC := aarch64-linux-gnu-gcc --sysroot=$(SYSROOT)
endif

MULTIARCH := $(shell $(CC) -print-multiarch)
# How libbpf calls the machine, for the registers of probes.
BPF_ARCH := $(patsubst x86_64%,x86,$(patsubst aarch64%,arm64,$(MULTIARCH)))
BPF_CFLAGS := -g -O2 -mcpu=v3 -target bpf -Wall -Wextra -Werror -Wno-unused-parameter \
	-Wno-missing-declarations -D__TARGET_ARCH_$(BPF_ARCH) -Ibpf -Ivmlinux \
	-isystem $(SYSROOT)/usr/include -isystem $(SYSROOT)/usr/include/$(MULTIARCH)

# All of user space but the programs' main() is one library: what links it takes what it refers to.
MAINS := user/gmemtrace/gmemtrace.c user/gmemtop/gmemtop.c
PROGRAMS := $(addprefix $(BUILD)/,$(notdir $(MAINS:.c=)))
LIB_SOURCES := $(filter-out $(MAINS),$(wildcard user/*/*.c))
PROTOS := $(patsubst %.proto,$(BUILD)/%.pb-c.o,$(wildcard user/*/*.proto))
SCHEMAS := $(patsubst %.S,$(BUILD)/%.o,$(wildcard user/*/*.S))
lib_of = $(LIB_SOURCES:%.c=$(1)/%.o) $(PROTOS) $(SCHEMAS)
LIB := $(BUILD)/libgmem.a
SANITIZED_LIB := $(BUILD)/sanitized/libgmem.a
FUZZED_LIB := $(BUILD)/fuzzed/libgmem.a

UNIT_SOURCES := $(wildcard tests/unit/test_*.c)
UNIT_SHARED := $(filter-out $(UNIT_SOURCES),$(wildcard tests/unit/*.c))
UNIT_TESTS := $(UNIT_SOURCES:%.c=$(BUILD)/%)

# A guest's program, and how a vCPU is made to run it, are each architecture's.
GUEST := arch_$(BPF_ARCH)
WORKLOAD_SOURCES := $(filter-out tests/workload/arch_%,$(wildcard tests/workload/*.c)) tests/workload/$(GUEST).c
WORKLOAD_OBJECTS := $(WORKLOAD_SOURCES:%.c=$(BUILD)/%.o)

# A line for each step; V=1 shows the commands.
say = $(if $(V),,@printf '  %-7s %s\n' $(1) $(patsubst $(BUILD)/%,%,$@) &&)

.DELETE_ON_ERROR:
.PHONY: all bench bench-files soak growth clean install demo check check-long compile_commands.json fuzz lint help unit sanitized
.SECONDARY:

all: $(PROGRAMS) $(BUILD)/gmemload $(BUILD)/situations $(BUILD)/attach_loop $(BUILD)/mayhem $(BUILD)/floor $(BUILD)/generate $(BUILD)/varied \
	$(BUILD)/crowd $(BUILD)/unpack $(BUILD)/spin $(BUILD)/stand-in/gmemtrace $(BUILD)/verdicts

# The BPF side: an object, a skeleton.

$(BUILD)/%.bpf.o: %.bpf.c Makefile
	@mkdir -p $(@D)
	$(call say,BPF) $(CLANG) $(BPF_CFLAGS) -MMD -MP -c $< -o $@

$(BUILD)/%.skel.h: $(BUILD)/%.bpf.o
	$(call say,SKEL) $(BPFTOOL) gen skeleton $< name $(notdir $*)_bpf > $@

# User space. Each kind of object (as it is, sanitized, fuzzed) has a folder of its own.

SKELETONS := object.o:gmem session.o:gmem supply.o:gmem inventory_programs.o:inventory
$(foreach kind,$(BUILD) $(BUILD)/sanitized $(BUILD)/fuzzed,$(foreach pair,$(SKELETONS),$(eval \
	$(kind)/user/live/$(firstword $(subst :, ,$(pair))): $(BUILD)/bpf/$(lastword $(subst :, ,$(pair))).skel.h)))

# Messages: generated, and so without our warnings.
$(BUILD)/user/%.pb-c.c $(BUILD)/user/%.pb-c.h &: user/%.proto Makefile
	@mkdir -p $(@D)
	$(call say,PROTO) protoc -Iuser --c_out=$(BUILD)/user $<

$(BUILD)/user/%.pb-c.o: $(BUILD)/user/%.pb-c.c
	$(call say,CC) $(CC) -O2 -g -I$(BUILD)/user -c $< -o $@

# Texts that the programs print. Their name is that of the .S.
define text_object
@mkdir -p $(@D)
$(call say,AS) $(CC) -c $< -o $@
endef
$(BUILD)/%.o: %.S %.json Makefile
	$(text_object)
$(BUILD)/%.o: %.S %.css Makefile
	$(text_object)

$(BUILD)/%.o: %.c Makefile | $(PROTOS)
	@mkdir -p $(@D)
	$(call say,CC) $(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c $< -o $@

$(LIB): $(call lib_of,$(BUILD))
$(SANITIZED_LIB): $(call lib_of,$(BUILD)/sanitized)
$(FUZZED_LIB): $(call lib_of,$(BUILD)/fuzzed)
%/libgmem.a:
	@rm -f $@
	$(call say,AR) ar rcsT $@ $^

# What is linked, the library last: a rule's own prerequisites come first in $^.
parts = $(filter %.o,$^) $(filter %.a,$^)

$(BUILD)/gmemtrace: $(BUILD)/user/gmemtrace/gmemtrace.o
$(BUILD)/gmemtop: $(BUILD)/user/gmemtop/gmemtop.o
$(PROGRAMS): $(LIB)
	$(call say,LINK) $(CC) $(LDFLAGS) $(parts) $(LIBS) -o $@

# Only the live view needs a terminal's library.
$(BUILD)/gmemtop $(BUILD)/sanitized/gmemtop: LIBS += -lncursesw -ltinfo

$(BUILD)/gmemload: $(WORKLOAD_OBJECTS)
	$(call say,LINK) $(CC) $(LDFLAGS) $^ -ljansson -pthread -o $@

# What gmemload does not do, since it does one thing after the other: see tests/lab/cases.py.
$(BUILD)/tests/cases/%.o: CPPFLAGS += -Itests/workload
$(BUILD)/situations: $(BUILD)/tests/cases/situations.o $(BUILD)/tests/cases/vmm.o \
		$(BUILD)/tests/workload/$(GUEST).o
	$(call say,LINK) $(CC) $(LDFLAGS) $^ -pthread -o $@

$(BUILD)/mayhem: $(addprefix $(BUILD)/tests/cases/,mayhem.o mayhem_phases.o mayhem_vm.o page_model.o vmm.o) \
		$(BUILD)/tests/workload/$(GUEST).o
	$(call say,LINK) $(CC) $(LDFLAGS) $^ -pthread -o $@

$(BUILD)/attach_loop: $(BUILD)/tests/cases/attach_loop.o $(BUILD)/tests/cases/vmm.o \
		$(BUILD)/tests/workload/$(GUEST).o $(LIB)
	$(call say,LINK) $(CC) $(LDFLAGS) $^ $(LIBS) -o $@

# Stands in for a kernel that populates guest memory: kvm_gmem_populate() takes SNP or TDX.
$(BUILD)/stand-in/hooks.c: user/model/hooks.c Makefile
	@mkdir -p $(@D)
	$(call say,SED) sed 's/"kvm_gmem_populate"/"kvm_read_guest"/' $< > $@

$(BUILD)/stand-in/hooks.o: $(BUILD)/stand-in/hooks.c
	$(call say,CC) $(CC) $(CPPFLAGS) -Iuser/model $(CFLAGS) -MMD -MP -c $< -o $@

$(BUILD)/stand-in/gmemtrace: $(BUILD)/user/gmemtrace/gmemtrace.o $(BUILD)/stand-in/hooks.o $(LIB)
	$(call say,LINK) $(CC) $(LDFLAGS) $^ $(LIBS) -o $@

# The floors that tracing and exports cannot go below: see tests/bench.
$(BUILD)/floor $(BUILD)/unpack: $(BUILD)/%: $(BUILD)/tests/bench/%.o $(LIB)
	$(call say,LINK) $(CC) $(LDFLAGS) $^ $(LIBS) -o $@

# Makes faults slower, for tests of gmemtrace check.
$(BUILD)/tests/lab/spin.o: $(BUILD)/tests/lab/spin.skel.h
$(BUILD)/tests/lab/spin.o: CPPFLAGS += -I$(BUILD)/tests/lab
$(BUILD)/spin: $(BUILD)/tests/lab/spin.o
	$(call say,LINK) $(CC) $(LDFLAGS) $^ -lbpf -o $@

# How often gmemtrace check is wrong, by simulation: not under the sanitizers, since there are many.
$(BUILD)/tests/unit/sample.o $(BUILD)/tests/bench/verdicts.o: CPPFLAGS += -Itests/unit
$(BUILD)/verdicts: $(BUILD)/tests/bench/verdicts.o $(BUILD)/tests/unit/sample.o $(LIB)
	$(call say,LINK) $(CC) $(LDFLAGS) $^ $(LIBS) -o $@

# Makes captures without a kernel.
$(BUILD)/generate $(BUILD)/varied $(BUILD)/crowd: $(BUILD)/%: $(BUILD)/tests/capture/%.o $(LIB)
	$(call say,LINK) $(CC) $(LDFLAGS) $^ $(LIBS) -o $@

# Unit tests, and with them the library, run under the address and undefined behaviour sanitizers.

$(BUILD)/sanitized/%.o: %.c Makefile | $(PROTOS)
	@mkdir -p $(@D)
	$(call say,CC) $(CC) $(CPPFLAGS) $(CFLAGS) $(SANITIZE) -MMD -MP -c $< -o $@

$(UNIT_TESTS): $(BUILD)/%: $(BUILD)/sanitized/%.o $(UNIT_SHARED:%.c=$(BUILD)/sanitized/%.o) $(SANITIZED_LIB)
	@mkdir -p $(@D)
	$(call say,LINK) $(CC) $(SANITIZE) $^ $(LIBS) -lcmocka -o $@

unit: $(UNIT_TESTS)

# The programs themselves under the sanitizers, for tests of what they refuse and of bad files.
SANITIZED_PROGRAMS := $(PROGRAMS:$(BUILD)/%=$(BUILD)/sanitized/%)

$(BUILD)/sanitized/gmemtrace: $(BUILD)/sanitized/user/gmemtrace/gmemtrace.o
$(BUILD)/sanitized/gmemtop: $(BUILD)/sanitized/user/gmemtop/gmemtop.o
$(SANITIZED_PROGRAMS): $(SANITIZED_LIB)
	$(call say,LINK) $(CC) $(SANITIZE) $(LDFLAGS) $(parts) $(LIBS) -o $@

sanitized: $(SANITIZED_PROGRAMS)

# The reader of capture files under libFuzzer, which comes with clang. FUZZ_SECONDS of it; what it
# finds stays in build/fuzz/, what is worth keeping goes to tests/fuzz/corpus/ by hand.
FUZZ_SECONDS := 3600
FUZZ_FLAGS := -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all
FUZZ_OBJECTS := $(BUILD)/fuzzed/tests/unit/forge.o $(patsubst %.c,$(BUILD)/fuzzed/%.o,$(wildcard tests/fuzz/*.c))

$(BUILD)/fuzzed/%.o: %.c Makefile | $(PROTOS)
	@mkdir -p $(@D)
	$(call say,CC) clang $(CPPFLAGS) -Itests/unit $(CFLAGS) $(FUZZ_FLAGS) -MMD -MP -c $< -o $@

# The strict readers are to find what is wrong, not to be explored.
$(BUILD)/fuzzed/tests/fuzz/outputs.o: FUZZ_FLAGS := $(filter-out -fsanitize%,$(FUZZ_FLAGS)) -fsanitize=address,undefined

$(BUILD)/fuzz_capture: $(FUZZ_OBJECTS) $(FUZZED_LIB)
	$(call say,LINK) clang $(FUZZ_FLAGS) $^ $(LIBS) -o $@

fuzz: $(BUILD)/fuzz_capture
	tests/fuzz/run $(FUZZ_SECONDS)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

install: $(PROGRAMS)
	install -d $(DESTDIR)$(PREFIX)/sbin $(DESTDIR)$(PREFIX)/share/man/man1
	install -m 755 $(PROGRAMS) $(DESTDIR)$(PREFIX)/sbin
	install -m 644 $(wildcard docs/*.1) $(DESTDIR)$(PREFIX)/share/man/man1

demo:
	scripts/setup build
	$(MAKE) all
	scripts/demo

check:
	scripts/setup
	$(MAKE) all unit sanitized $(BUILD)/fuzz_capture
	if scripts/setup --have arm64; then $(MAKE) ARCH=arm64 all; fi
	tests/run $(PART)

# What tracing costs, in a VM: KERNEL= chooses, OPTIONS= are cost.py's.
KERNEL ?= 7.3
bench:
	scripts/setup
	$(MAKE) all
	@mkdir -p $(BUILD)/bench
	scripts/lab run --kernel $(KERNEL) --icount --timeout 1200 --share $(BUILD)/bench -- \
		tests/bench/cost.py -o $(BUILD)/bench/$(KERNEL).json $(OPTIONS)

# What exports cost, without a VM: FORMAT... and more as OPTIONS=. Some 6 GB of a disk, for a while.
bench-files: all
	tests/bench/export_cost.py $(OPTIONS)

# How it grows with slots, VMs, histograms and CPUs: figures and the plot of docs/growth.svg.
growth:
	scripts/setup
	$(MAKE) all
	@mkdir -p $(BUILD)/bench
	scripts/lab run --kernel $(KERNEL) --icount --timeout 1800 --share $(BUILD)/bench -- \
		tests/bench/growth.py -o $(BUILD)/bench/growth.json faults snapshots
	scripts/lab run --kernel $(KERNEL) --icount --cpus 8 --timeout 1800 --share $(BUILD)/bench -- \
		tests/bench/growth.py -o $(BUILD)/bench/growth-cpus.json cpus
	scripts/growth-plot $(BUILD)/bench/growth.json $(BUILD)/bench/growth-cpus.json \
		>$(BUILD)/bench/growth.svg

# Hours: 10,000 VMs and 2,000 guest_memfds come and go. `make check` has a short one.
SOAK_LIVES ?= 10000
SOAK_FILES ?= 2000
soak:
	scripts/setup
	$(MAKE) all
	scripts/lab run --kernel $(KERNEL) --timeout 86400 -- tests/lab/soak.py $(SOAK_LIVES) $(SOAK_FILES)

# 20 trials of what `make check` tries three times, 20 minutes; then an hour of VMMs at random, and a
# while of programs that are attached for a moment. MAYHEM="--seed 1 --by exact": the same dice again.
# Then all suites on arm64, of which make check has the shorter parts. Last commits on the sources of
# Debian's 7.3, built, compared and bisected: an hour, most of it the first build.
MAYHEM_SECONDS := 3600
check-long: all
	scripts/lab run --kernel 7.3 --icount --timeout 3600 -- tests/lab/check.py 20
	scripts/lab run --kernel 7.3 --timeout $$(($(MAYHEM_SECONDS) * 2 + 900)) -- \
		tests/lab/mayhem.py 7.3 $(MAYHEM_SECONDS) $(MAYHEM)
	scripts/lab run --kernel 7.3 --timeout 7200 -- tests/lab/shortruns.py 7.3 60 --captures 200
	scripts/setup arm64
	$(MAKE) ARCH=arm64 all
	tests/run arm64
	tests/lab/trees.py long

lint:
	scripts/lint

# How each C file is compiled, for clangd and others that read C: what make would do, as JSON.
compile_commands.json:
	$(call say,JSON) $(MAKE) -nB V=1 all unit $(BUILD)/fuzz_capture | scripts/compile-commands >$@

clean:
	rm -rf $(BUILD)

help:
	@echo 'make            build gmemtrace, gmemtop and the workload gmemload under build/'
	@echo 'make ARCH=arm64 the same for arm64, under build/arm64/ (scripts/setup arm64)'
	@echo 'make demo       trace a real guest_memfd guest and print the report'
	@echo 'make check      run all tests: unit tests here, the rest on real kernels in VMs'
	@echo '                PART="unit 7.3": only these; tests/run --list has all parts'
	@echo 'make bench      what each tool adds to a guest fault, in instructions (KERNEL=7.3)'
	@echo 'make bench-files  what exports of 10 million events cost, beside unpacking them'
	@echo 'make soak       10,000 VMs and 2,000 guest_memfds come and go; hours (KERNEL=7.3)'
	@echo 'make growth     how that grows with slots, VMs, histograms and CPUs, with a plot'
	@echo 'make fuzz       FUZZ_SECONDS=3600: hostile capture files, under sanitizers'
	@echo 'make check-long 20 trials of gmemtrace check against a slower kernel, an hour of VMMs at'
	@echo '                random (MAYHEM_SECONDS=3600 MAYHEM="--seed 1"), 200 short captures, arm64,'
	@echo '                and a bisection of kernels that are built for it'
	@echo 'make lint       formatting, shell scripts, warnings as errors'
	@echo 'make compile_commands.json  how each C file is compiled, for clangd'
	@echo 'make install    DESTDIR= PREFIX=/usr/local'
	@echo 'make clean      remove build/'
