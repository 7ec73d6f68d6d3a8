/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The few kernel types that the programs read, cut out of the kernel's BTF: libbpf then needs
 * neither parse all of it once more nor search it, and every module's, for each of them.
 */
#ifndef CORE_TYPES_H
#define CORE_TYPES_H

struct btf;

/*
 * An empty file in memory for them, and in @path what to give to libbpf: it reads the file when the
 * object is loaded. The descriptor, which is the caller's, or a negative errno.
 */
int core_types_file(char path[32]);

/*
 * The structs, unions and enums of @kernel (all of it, or a module's on top of it) whose names @local
 * has, with all that they contain, as libbpf can read them (btf_custom_path). What pointers
 * point to is left out unless it has such a name itself. Where the base has a name, what the
 * module calls so does not count. Written into @fd. 0 or a negative errno.
 */
int core_types_write(int fd, const struct btf *kernel, const struct btf *local);

#endif
