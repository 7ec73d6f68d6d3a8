// SPDX-License-Identifier: GPL-2.0-only
/*
 * Questions to the running kernel, asked in the order in which a user would have to solve them.
 */
#include "kernel.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include "base/open_files.h"
#include "base/privilege.h"

struct kernel {
	struct btf *vmlinux;
	struct btf *module; /* NULL where KVM is built in */
	int module_fd; /* 0 where KVM is built in */
	bool module_refused; /* its BTF can be read, but not be attached by */
};

static bool verbose;

static int print_libbpf(enum libbpf_print_level level, const char *format, va_list args)
{
	if (!verbose || level == LIBBPF_DEBUG)
		return 0;
	return vfprintf(stderr, format, args);
}

static int check_privilege(struct problem *problem)
{
	if (privilege_has(CAP_SYS_ADMIN) || (privilege_has(CAP_BPF) && privilege_has(CAP_PERFMON)))
		return 0;
	return problem_set(
		problem, EXIT_IMPOSSIBLE,
		"cannot trace: CAP_BPF and CAP_PERFMON are missing. Run it as root (sudo)");
}

/* The mode in brackets: "none [integrity] confidentiality". */
static void read_lockdown(char *mode, size_t size)
{
	char line[64] = "";
	FILE *file = fopen("/sys/kernel/security/lockdown", "re");
	char *open, *close;

	*mode = 0;
	if (!file)
		return;
	if (fgets(line, sizeof(line), file) && (open = strchr(line, '[')) &&
	    (close = strchr(open, ']')))
		snprintf(mode, size, "%.*s", (int)(close - open - 1), open + 1);
	fclose(file);
}

/* It keeps programs from reading the kernel's memory: the verifier then calls them invalid. */
static int check_lockdown(struct problem *problem)
{
	char mode[32];

	read_lockdown(mode, sizeof(mode));
	return strcmp(mode, "confidentiality") ? 0 : kernel_refused(problem);
}

static int check_kvm(struct problem *problem)
{
	if (access("/sys/kernel/btf/vmlinux", R_OK))
		return problem_set(
			problem, EXIT_IMPOSSIBLE,
			"cannot trace: no BTF in this kernel (/sys/kernel/btf/vmlinux: %s). "
			"Use one built with CONFIG_DEBUG_INFO_BTF=y",
			strerror(errno));
	if (access("/sys/module/kvm", F_OK))
		return problem_set(problem, EXIT_IMPOSSIBLE,
				   "cannot trace guest_memfd: kvm is not loaded. Load it (modprobe "
				   "kvm-amd or kvm-intel) and try again");
	return 0;
}

/* The kernel's BTF object called @name, as a descriptor, or a negative errno. */
static int btf_object(const char *name)
{
	char found[64];
	__u32 id = 0;

	while (!bpf_btf_get_next_id(id, &id)) {
		struct bpf_btf_info info = { .name = (__u64)(unsigned long)found,
					     .name_len = sizeof(found) };
		__u32 size = sizeof(info);
		int fd = bpf_btf_get_fd_by_id(id);

		if (fd < 0 && open_files_spent(-errno))
			return -errno;
		if (fd < 0)
			continue;
		if (!bpf_obj_get_info_by_fd(fd, &info, &size) && info.kernel_btf &&
		    !strcmp(found, name))
			return fd;
		close(fd);
	}
	return -errno;
}

static int read_btf(struct kernel *kernel, struct problem *problem)
{
	kernel->vmlinux = btf__load_vmlinux_btf();
	if (!kernel->vmlinux && open_files_spent(-errno))
		return open_files_problem(problem);
	if (!kernel->vmlinux)
		return problem_set(
			problem, EXIT_IMPOSSIBLE,
			"cannot trace: the kernel's BTF cannot be read (%s). See whether something "
			"is mounted over /sys/kernel/btf",
			strerror(errno));
	if (access("/sys/kernel/btf/kvm", F_OK)) {
		/* Built in, or a module without BTF. */
		if (kernel_probe(kernel, LADDER_OF_KVM))
			return 0;
	} else {
		kernel->module = btf__load_module_btf("kvm", kernel->vmlinux);
		if (!kernel->module && open_files_spent(-errno))
			return open_files_problem(problem);
		kernel->module_fd = btf_object("kvm");
		kernel->module_refused = kernel->module_fd == -EPERM;
		if (open_files_spent(kernel->module_fd))
			return open_files_problem(problem);
		if (kernel->module && (kernel->module_fd > 0 || kernel->module_refused))
			return 0;
	}
	return problem_set(
		problem, EXIT_IMPOSSIBLE,
		"cannot trace guest_memfd: no BTF for module kvm. Use a kernel built with "
		"CONFIG_DEBUG_INFO_BTF_MODULES=y whose modules match it");
}

static int check_gmem(struct kernel *kernel, struct problem *problem)
{
	struct utsname name;

	if (kernel_probe(kernel, LADDER_OF_GMEM))
		return 0;
	uname(&name);
	return problem_set(
		problem, EXIT_IMPOSSIBLE,
		"cannot trace guest_memfd: kernel %s has none. Use 6.8 or newer, built with "
		"CONFIG_KVM_GUEST_MEMFD=y (CONFIG_KVM_PRIVATE_MEM until 6.17)",
		name.release);
}

struct kernel *kernel_open(bool explain, struct problem *problem)
{
	struct kernel *kernel = calloc(1, sizeof(*kernel));

	verbose = explain;
	libbpf_set_print(print_libbpf);
	if (!kernel) {
		problem_memory(problem, "trace");
		return NULL;
	}
	if (check_privilege(problem) || check_lockdown(problem) || check_kvm(problem) ||
	    read_btf(kernel, problem) || check_gmem(kernel, problem)) {
		kernel_close(kernel);
		return NULL;
	}
	return kernel;
}

int kernel_check_attach(const struct kernel *kernel, struct problem *problem)
{
	return kernel->module_refused ? kernel_refused(problem) : 0;
}

void kernel_close(struct kernel *kernel)
{
	if (!kernel)
		return;
	if (kernel->module_fd > 0)
		close(kernel->module_fd);
	btf__free(kernel->module);
	btf__free(kernel->vmlinux);
	free(kernel);
}

/* Does the function @id of @btf take a pointer to struct @name first? */
static bool first_argument_is(const struct btf *btf, int id, const char *name)
{
	const struct btf_type *type = btf__type_by_id(btf, btf__type_by_id(btf, id)->type);

	if (!btf_vlen(type))
		return false;
	type = btf__type_by_id(btf, btf_params(type)->type);
	if (!btf_is_ptr(type))
		return false;
	type = btf__type_by_id(btf, type->type);
	return btf_is_struct(type) && !strcmp(btf__name_by_offset(btf, type->name_off), name);
}

const struct btf *kernel_btf(const struct kernel *kernel)
{
	return kernel->module ?: kernel->vmlinux;
}

/* By hand, since btf__find_by_name_kind() would search the whole kernel before the module. */
static int find_type(const struct kernel *kernel, const char *name, int kind)
{
	const struct btf *btf = kernel_btf(kernel);
	__u32 end = btf__type_cnt(btf);

	for (__u32 id = kernel->module ? btf__type_cnt(kernel->vmlinux) : 1; id < end; id++) {
		const struct btf_type *type = btf__type_by_id(btf, id);

		if (btf_kind(type) == kind &&
		    !strcmp(btf__name_by_offset(btf, type->name_off), name))
			return id;
	}
	return -ENOENT;
}

/* KVM's own tracepoints are looked for first: the module's part of the BTF is small. */
static int kernel_tracepoint(const struct kernel *kernel, const char *tracepoint, int *btf_fd)
{
	char name[64];
	int id;

	snprintf(name, sizeof(name), "btf_trace_%s", tracepoint);
	id = find_type(kernel, name, BTF_KIND_TYPEDEF);
	*btf_fd = id > 0 ? kernel->module_fd : 0;
	return id > 0 ? id : btf__find_by_name_kind(kernel->vmlinux, name, BTF_KIND_TYPEDEF);
}

bool kernel_has_member(const struct kernel *kernel, const char *name, const char *member)
{
	int id = btf__find_by_name_kind(kernel->vmlinux, name, BTF_KIND_STRUCT);
	const struct btf_type *type = id > 0 ? btf__type_by_id(kernel->vmlinux, id) : NULL;

	for (int i = 0; type && i < btf_vlen(type); i++)
		if (!strcmp(btf__name_by_offset(kernel->vmlinux, btf_members(type)[i].name_off),
			    member))
			return true;
	return false;
}

int kernel_own_function(const struct kernel *kernel, const char *function)
{
	return btf__find_by_name_kind(kernel->vmlinux, function, BTF_KIND_FUNC);
}

int kernel_target(const struct kernel *kernel, const struct hook *hook, int *btf_fd)
{
	if (hook->kind == HOOK_TRACEPOINT)
		return kernel_tracepoint(kernel, hook->function, btf_fd);
	*btf_fd = hook->in_kernel ? 0 : kernel->module_fd;
	if (hook->in_kernel)
		return kernel_own_function(kernel, hook->function);
	return find_type(kernel, hook->function, BTF_KIND_FUNC);
}

bool kernel_has_hook(const struct hook *hook, void *ctx)
{
	const struct kernel *kernel = ctx;
	int btf_fd, id = kernel_target(kernel, hook, &btf_fd);

	return id > 0 && (!hook->arg0 || first_argument_is(kernel_btf(kernel), id, hook->arg0));
}

const struct hook *kernel_probe(const struct kernel *kernel, int ladder)
{
	int rung = ladder_choose(&ladders[ladder], 0, kernel_has_hook, (void *)kernel);

	return ladder_first_hook(&ladders[ladder], rung);
}

int kernel_arguments(const struct kernel *kernel, const struct hook *hook)
{
	const struct btf *btf = kernel_btf(kernel);
	int btf_fd, id = kernel_target(kernel, hook, &btf_fd);
	const struct btf_type *type = id > 0 ? btf__type_by_id(btf, id) : NULL;

	return type ? btf_vlen(btf__type_by_id(btf, type->type)) : 0;
}

int kernel_check_tracing(struct problem *problem)
{
	FILE *file = fopen("/proc/sys/kernel/ftrace_enabled", "re");
	int enabled = 1;

	if (file && fscanf(file, "%d", &enabled) != 1)
		enabled = 1;
	if (file)
		fclose(file);
	if (enabled)
		return 0;
	return problem_set(
		problem, EXIT_IMPOSSIBLE,
		"cannot trace: kernel.ftrace_enabled is 0, and so the kernel calls no "
		"tracing program. Set it (sysctl kernel.ftrace_enabled=1) and try again");
}

int kernel_refused(struct problem *problem)
{
	char mode[32];

	read_lockdown(mode, sizeof(mode));
	if (*mode && strcmp(mode, "none"))
		return problem_set(
			problem, EXIT_IMPOSSIBLE,
			"cannot trace: the kernel is locked down (%s) and refuses tracing "
			"programs. Boot it without lockdown=, or trace elsewhere",
			mode);
	/* To find a module's BTF by its id takes it, and without that there is no attaching to it. */
	if (!privilege_has(CAP_SYS_ADMIN))
		return problem_set(
			problem, EXIT_IMPOSSIBLE,
			"cannot trace: the kernel refuses kvm's BTF to CAP_BPF and CAP_PERFMON "
			"(EPERM), which takes CAP_SYS_ADMIN. Run it as root (sudo)");
	return problem_set(
		problem, EXIT_IMPOSSIBLE,
		"cannot trace: the kernel refuses tracing programs to root (EPERM), as a "
		"security module or the host's policy can. Trace on a kernel that allows "
		"them, such as a lab VM (scripts/lab run)");
}
