// SPDX-License-Identifier: Apache-2.0

package main

// What the program says of itself. The rules for these texts:
//
//   - The reader is a packager or admin who has never heard of BTF, and mostly not a
//     native speaker. Short sentences, active voice, the usual words of the field.
//   - One term for one thing: a module is checked on a kernel; it fits or does not fit.
//     Packages are built again; a base is the .BTF of a vmlinux.
//   - First what the command does, then calls to copy, then the exit status.
//   - One paragraph a subject, lines of at most 77 columns: the help moves them by 3.

const description = `A kernel module describes its types (BTF) by numbers that go on where those
of its vmlinux end. On a vmlinux that was built again, the numbers may mean
something else: the kernel refuses the module, or silently reads wrong types.

"obs-btf-guard help COMMAND" explains a command.

Exit status: 0 nothing fails, 1 something fails, 2 something could not be
read or checked.`

const checkDescription = `Pairs modules and kernels by architecture and kernelrelease (uname -r). Says
for each module whether the kernel will accept its BTF, and whether the types
that the kernel then reads are the right ones.

  the RPMs of one build           obs-btf-guard check RPMS/
  a rebuild and the one before    obs-btf-guard check NEW/ --against OLD/
  loose modules on one kernel     obs-btf-guard check --base vmlinux DIR/
  this machine                    obs-btf-guard check --running

Exit status: 0 nothing fails, 1 something fails, 2 something could not be
read or checked.`

const fingerprintDescription = `The fingerprint of a vmlinux names its BTF type and string tables. Two
kernels with the same fingerprint accept each other's modules, as far as BTF
goes. docs/fingerprint.md shows how to recompute it with objcopy, dd and
sha256sum.`

const distillDescription = `Makes modules that survive a rebuild of their kernel: a module with a
.BTF.base says by name what it uses of its base, and Linux 6.11 and later fit
it onto the base of the kernel that runs. The kernel's own build makes it for
external modules only; this command makes it for the modules of a
distribution, while their package is built: after debug information was split
off, before modules are compressed and signed.

  obs-btf-guard distill --in-place --base vmlinux $ROOT/usr/lib/modules

Numbers in .BTF_ids are renumbered with the rest. Each module is checked
before it is replaced: on its own base it must come out as it was. A module
that fails a check, or cannot be checked, stays as it was and is listed.

docs/remedy.md lists the costs and limits. It is about BTF only: a module
whose structs changed still does not fit, and symbol versions keep it out.
Never load one by force.

Exit status: 0 done; 1 some modules stay as they were; 2 a module could not
be read or written, or nothing can be distilled for this kernel.`

const generatorDescription = `Called by rpmbuild through kernel_btf.attr; reads paths in the build root
from standard input and prints one dependency a line. It never fails a build:
what it cannot answer it says on standard error.`

const stampDescription = `A package that ships a vmlinux gets Provides:
kernel-btf(<flavor>:sha256:...), one whose modules were built on the vmlinux
of another package gets Requires of the same, or Recommends where the kernel
loads a module that does not fit without its BTF. Modules are checked on the
kernels in all packages given and in those of --with. The payload is not
touched. Signatures are removed, since they no longer match.

If one of the packages cannot be read or stamped, none is written. A write
that fails ends the command, which lists what was written by then.

Exit status: 0 done, or metadata and content agree; 1 with --verify: they do
not; 2 a package could not be read, stamped or written.`

const hookDescription = `Called by obs-build from /usr/lib/build/checks/50-check-kernel-btf, as root
in the build root, after the packages were built. Prints nothing if none of
them has a kernel or modules. Checks the new modules on the vmlinux of their
build, on that of the previous build (/.build.oldpackages) and on installed
kernels, compares the packages' kernel-btf dependencies with their content,
and writes its report for programs to OTHER/<package>.btfguard.

Policy files override verdicts: /etc/obs-btf-guard.conf and, after it,
btf-guard.conf beside the spec file. See obs-btf-guard.conf(5).

Exit status: 0 the build passes; 1 something fails; 2 a new package or a
policy could not be read.`

const rebuildDescription = `OBS does not build a module package again when the kernel of its project was
built again by hand, in any rebuild mode. This finds the packages whose
modules do not fit the kernel they will meet and has OBS build them, each by
its name, kernels before what is built with them:

  a project         obs-btf-guard rebuild --project P --repository R --arch A
  a build's report  obs-btf-guard rebuild kernel-default.btfguard
  built packages    obs-btf-guard rebuild RPMS/

What packages provide and require decides; packages without kernel-btf(...)
are downloaded and checked. What OBS is building already is not asked for
again. Nothing is done without --yes. API and credentials come from osc's
configuration and environment (OSC_CONFIG, OSC_APIURL, OSC_USERNAME,
OSC_PASSWORD), or a trigger token from --token-file or OBS_BTF_GUARD_TOKEN;
without any of them, --apiurl names the API. None is asked that nobody named.

Exit status: 0 nothing is left to do; 1 something has to be built again, or
was not built; 2 OBS could not be asked about something.`

const explainDescription = `Compares two bases: the same, only in another order, or changed. Lists the
functions and types that were added, removed or changed, ordered by how many
types they reach. Then the reasons: which of source, config, tools and build
root differ and, with --obs, why OBS built it again. Last, from which number
on modules of one are misread on the other. OLD and NEW are RPMs, vmlinux
files, raw .BTF files or folders. Modules in them are checked on the kernel
of the other side.

Exit status: 0 success, whether something changed or not; 2 something could
not be read.`

const auditDescription = `Checks folders of RPMs and Debian packages, rpm-md repositories by path or
URL, and projects of OBS: which kernels are there, which packages of modules,
and which do not fit each other. The metadata of packages with
kernel-btf(...) dependencies is enough. Kernels and modules without them are
read, and downloaded from a repository.

  the RPMs of one build     obs-btf-guard audit RPMS/
  a repository              obs-btf-guard audit https://example.org/repo/
  projects in OBS           obs-btf-guard audit obs:drivers obs:Kernel:stable
  one of their repositories obs-btf-guard audit obs:drivers/standard
  for one architecture      obs-btf-guard audit obs:drivers/standard/x86_64
  what is new since then    obs-btf-guard audit --since-last obs:drivers

  refused          a kernel refuses its own BTF and has none
  stale            modules do not fit the kernels here that they meet
  broken           modules do not fit the vmlinux of their own build
  vermagic         the kernel refuses modules by their vermagic
  other-headers    structs of modules have other sizes than the kernel's
  mislabeled       a kernel-btf(...) dependency contradicts the content
  incident         kernels of one kernelrelease have different bases
  unknown          not decided: something was not read, or cannot be
  unlabeled        a kernel-btf(...) dependency is missing
  kfuncs-lost      BPF programs will not find kfuncs of the modules
  ids-unrelocated  numbers in .BTF_ids name other types on this kernel
  readers-refuse   libbpf or cilium/ebpf refuse tables that the kernel takes
  duplicated       modules repeat structs of their vmlinux
  unproven         modules are too small to show their base
  unmet            modules are for a kernel that is not here

Exit status: 0 no finding that --fail-on names; 1 some; 2 something could not
be read.`

const historyDescription = `Prints the builds of each kernel that check or audit read, oldest first:
where the base changed, and what changed with it. KERNEL is a kernelrelease
as uname -r prints it, or a pattern such as '5.15.*'.

history import REPORT... remembers what the check in OBS found: the files
NAME.btfguard among the results of a build.

The history is a SQLite file, $XDG_STATE_HOME/obs-btf-guard/history.db or
below ~/.local/state, or with --db postgres://HOST/DATABASE a PostgreSQL
database that a team shares. It remembers packages, not loose files. --prune
400 removes what no run met in the last 400 days.

Exit status: 0 printed; 2 nothing was found, or the history cannot be read.`
