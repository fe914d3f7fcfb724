// SPDX-License-Identifier: Apache-2.0
//
// relocate BASE < LIST: has libbpf relocate tables onto a base. LIST has a line for
// each: the files of .BTF and of .BTF.base, and one for what comes out, which stays
// empty if libbpf refuses.

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libbpf.h"

#include "btf.h"

static void *content(const char *path, unsigned int *size)
{
	FILE *f = fopen(path, "rb");
	void *data;

	if (!f || fseek(f, 0, SEEK_END)) {
		perror(path);
		exit(1);
	}
	*size = ftell(f);
	rewind(f);
	data = malloc(*size + 1);
	if (!data || fread(data, 1, *size, f) != *size) {
		perror(path);
		exit(1);
	}
	fclose(f);
	return data;
}

static int quiet(enum libbpf_print_level level, const char *format, va_list args)
{
	return 0;
}

int main(int argc, char **argv)
{
	char btf[4096], base[4096], out[4096];
	unsigned int vmlinux_size;
	struct btf *vmlinux;
	void *vmlinux_data;

	libbpf_set_print(quiet);
	if (argc != 2)
		return 1;
	vmlinux_data = content(argv[1], &vmlinux_size);
	vmlinux = btf__new(vmlinux_data, vmlinux_size);
	if (!vmlinux) {
		perror(argv[1]);
		return 1;
	}
	while (scanf("%4095s %4095s %4095s", btf, base, out) == 3) {
		unsigned int btf_size, base_size, size = 0;
		void *btf_data = content(btf, &btf_size), *base_data = content(base, &base_size);
		struct btf *distilled = btf__new(base_data, base_size);
		struct btf *split = distilled ? btf__new_split(btf_data, btf_size, distilled) : NULL;
		const void *data = split && !btf__relocate(split, vmlinux) ? btf__raw_data(split, &size) : NULL;
		FILE *f = fopen(out, "wb");

		if (!f || fwrite(data, 1, size, f) != size || fclose(f)) {
			perror(out);
			return 1;
		}
		btf__free(split);
		btf__free(distilled);
		free(btf_data);
		free(base_data);
	}
	return 0;
}
