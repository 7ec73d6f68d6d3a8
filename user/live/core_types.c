// SPDX-License-Identifier: GPL-2.0-only
/*
 * A small BTF out of a large one. Only what CO-RE looks at is kept: it sees through typedefs and
 * qualifiers, and does not follow pointers.
 */
#include "core_types.h"
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <bpf/btf.h>

struct wanted {
	const char *name;
	bool in_base;
};

struct cut {
	const struct btf *kernel;
	struct btf *types;
	int *copied; /* the kernel's id → ours, 0: not yet */
	struct wanted *wanted; /* sorted by name */
	size_t nwanted;
};

static int compare_wanted(const void *a, const void *b)
{
	const struct wanted *x = a, *y = b;

	return strcmp(x->name, y->name);
}

/* What CO-RE looks for by name. */
static bool is_named(const struct btf_type *type)
{
	return type->name_off && (btf_is_composite(type) || btf_is_any_enum(type));
}

static void list_wanted(struct cut *cut, const struct btf *local)
{
	__u32 end = btf__type_cnt(local);

	for (__u32 id = 1; id < end; id++) {
		const struct btf_type *type = btf__type_by_id(local, id);

		if (is_named(type))
			cut->wanted[cut->nwanted++].name =
				btf__name_by_offset(local, type->name_off);
	}
	qsort(cut->wanted, cut->nwanted, sizeof(*cut->wanted), compare_wanted);
}

static int copy_type(struct cut *cut, __u32 id);

static int copy_array(struct cut *cut, const struct btf_type *type)
{
	const struct btf_array *array = btf_array(type);
	int index = copy_type(cut, array->index_type);
	int element = copy_type(cut, array->type);

	if (index < 0 || element < 0)
		return index < 0 ? index : element;
	return btf__add_array(cut->types, index, element, array->nelems);
}

static int copy_composite(struct cut *cut, const struct btf_type *type)
{
	const struct btf_member *member = btf_members(type);
	const char *name = btf__name_by_offset(cut->kernel, type->name_off);
	int vlen = btf_vlen(type), id = 0;

	/* First what it contains: members are added to the last type only. */
	for (int i = 0; i < vlen && id >= 0; i++)
		id = copy_type(cut, member[i].type);
	if (id < 0)
		return id;
	id = btf_is_struct(type) ? btf__add_struct(cut->types, name, type->size)
				 : btf__add_union(cut->types, name, type->size);
	for (int i = 0, err = 0; i < vlen && id >= 0; i++) {
		name = btf__name_by_offset(cut->kernel, member[i].name_off);
		err = btf__add_field(cut->types, name, cut->copied[member[i].type],
				     btf_member_bit_offset(type, i),
				     btf_member_bitfield_size(type, i));
		if (err)
			return err;
	}
	return id;
}

/* Our id of the kernel's type @id, or a negative errno. */
static int copy_type(struct cut *cut, __u32 id)
{
	const struct btf_type *type = btf__type_by_id(cut->kernel, id);
	int copy = cut->copied[id];

	if (copy)
		return copy;
	if (btf_is_typedef(type) || btf_is_mod(type))
		copy = copy_type(cut, type->type);
	else if (btf_is_ptr(type))
		copy = btf__add_ptr(cut->types, 0);
	else if (btf_is_array(type))
		copy = copy_array(cut, type);
	else if (btf_is_composite(type))
		copy = copy_composite(cut, type);
	else
		copy = btf__add_type(cut->types, cut->kernel, type);
	cut->copied[id] = copy;
	return copy;
}

static int copy_wanted(struct cut *cut)
{
	const struct btf *base = btf__base_btf(cut->kernel);
	__u32 end = btf__type_cnt(cut->kernel), base_end = base ? btf__type_cnt(base) : end;
	int err = 0;

	for (__u32 id = 1; id < end && err >= 0; id++) {
		const struct btf_type *type = btf__type_by_id(cut->kernel, id);
		struct wanted key, *wanted;

		if (!is_named(type))
			continue;
		key.name = btf__name_by_offset(cut->kernel, type->name_off);
		wanted = bsearch(&key, cut->wanted, cut->nwanted, sizeof(key), compare_wanted);
		if (!wanted || (wanted->in_base && id >= base_end))
			continue;
		wanted->in_base = id < base_end;
		err = copy_type(cut, id);
	}
	return err < 0 ? err : 0;
}

static int write_types(int fd, const struct btf *types)
{
	__u32 size;
	const void *data = btf__raw_data(types, &size);

	if (!data)
		return -ENOMEM;
	return write(fd, data, size) == (ssize_t)size ? 0 : -EFBIG; /* ulimit -f */
}

int core_types_file(char path[32])
{
	int fd = memfd_create("types", MFD_CLOEXEC);

	if (fd < 0)
		return -errno;
	snprintf(path, 32, "/proc/self/fd/%d", fd);
	return fd;
}

int core_types_write(int fd, const struct btf *kernel, const struct btf *local)
{
	struct cut cut = {
		.kernel = kernel,
		.types = btf__new_empty(),
		.copied = calloc(btf__type_cnt(kernel), sizeof(*cut.copied)),
		.wanted = calloc(btf__type_cnt(local), sizeof(*cut.wanted)),
	};
	int err = -ENOMEM;

	if (cut.types && cut.copied && cut.wanted) {
		list_wanted(&cut, local);
		err = copy_wanted(&cut) ?: write_types(fd, cut.types);
	}
	btf__free(cut.types);
	free(cut.copied);
	free(cut.wanted);
	return err;
}
