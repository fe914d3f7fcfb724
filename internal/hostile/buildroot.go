// SPDX-License-Identifier: Apache-2.0

package hostile

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/obs-btf-guard/obs-btf-guard/internal/btftest"
	"github.com/obs-btf-guard/obs-btf-guard/internal/btftest/fixture"
)

// Folders of a build root, as obs-build leaves them.
const (
	top      = "usr/src/packages/"
	rpms     = top + "RPMS/x86_64/"
	sources  = top + "SOURCES/"
	other    = top + "OTHER"
	previous = ".build.oldpackages/"
	theHook  = "hook --root $DIR"
)

// copyTo copies a file from the fixtures.
func (d Dir) copyTo(from, name string) {
	d.Helper()
	data, err := os.ReadFile(from)
	d.check(err)
	d.Write(name, data)
}

// buildRoot is one in which 5.15.12-1.3 was built after 1.1.
func (c *Corpus) buildRoot(d Dir) {
	for _, dir := range []string{"RPMS/x86_64", "SRPMS", "OTHER", "SOURCES"} {
		d.Mkdir(top + dir)
	}
	d.Symlink("/usr/src/packages", ".build.packages")
	d.copyTo(c.built("5.15.12-1.3"), rpms+"kernel-default-5.15.12-1.3.x86_64.rpm")
	d.copyTo(c.built("5.15.12-1.1"), previous+"kernel-default-5.15.12-1.1.x86_64.rpm")
}

// hook adds a case of a build root in which something is changed.
func (c *Corpus) hook(kind, name string, change func(Dir)) {
	c.add(kind, name, func(d Dir) {
		c.buildRoot(d)
		change(d)
	}, theHook)
}

// files are no packages, or such as nobody can read whole.
func (c *Corpus) files() {
	const kind = "file"
	against := " " + "$INCIDENT/5.15.12-1.3"
	table := oneInt().Bytes()
	c.add(kind, "RPM of 1 TiB", func(d Dir) { d.Sparse("a.rpm", c.bytes(d, Package{Compressor: "none"}), 1<<40) },
		"check --no-db $DIR/a.rpm", "stamp $DIR/a.rpm", "audit --no-db $DIR")
	c.add(kind, "vmlinux of 1 TiB", func(d Dir) { d.Sparse("vmlinux", c.vmlinux, 1<<40) },
		"check --no-db --base $DIR/vmlinux"+against, "fingerprint $DIR/vmlinux", "explain $DIR/vmlinux $DIR/vmlinux")
	c.add(kind, "module of 1 TiB", func(d Dir) { d.Sparse("x.ko", c.module, 1<<40) },
		"check --no-db --base $INCIDENT/5.15.12-1.3/kernel-default-5.15.12-1.3.x86_64.rpm $DIR/x.ko", "fingerprint $DIR/x.ko")
	c.add(kind, "table of 1 TiB", func(d Dir) { d.Sparse("x.btf", table, 1<<40) }, "check --no-db --base $DIR/x.btf"+against, "fingerprint $DIR/x.btf")
	c.add(kind, "table of 900 MiB", func(d Dir) { d.Sparse("x.btf", table, 900*mib) }, "check --no-db --base $DIR/x.btf"+against, "fingerprint $DIR/x.btf")
	c.add(kind, "six modules of 500 MiB", func(d Dir) {
		for i := range 6 {
			d.Sparse(fmt.Sprintf("x%d.ko", i), c.module, 500*mib)
		}
	}, "check --no-db --base $INCIDENT/5.15.12-1.3/kernel-default-5.15.12-1.3.x86_64.rpm $DIR")
	c.add(kind, "vmlinux and its table of 200 MiB", func(d Dir) {
		w := oneInt()
		data := w.Bytes()
		d.Write("vmlinux", evilVmlinux(append(data, make([]byte, 200*mib)...)))
	}, "check --no-db --base $DIR/vmlinux"+against, "fingerprint $DIR/vmlinux")
	c.add(kind, "pipe", func(d Dir) { d.Fifo("pipe.rpm") }, "check --no-db $DIR", "check --no-db $DIR/pipe.rpm",
		"fingerprint $DIR/pipe.rpm", "stamp $DIR/pipe.rpm", "audit --no-db $DIR", "explain $DIR/pipe.rpm $DIR/pipe.rpm", "rebuild $DIR/pipe.rpm")
	c.add(kind, "device without end", func(Dir) {}, "check --no-db /dev/zero", "fingerprint /dev/zero", "stamp /dev/zero",
		"explain /dev/zero /dev/zero", "rebuild --plan /dev/zero", "check --no-db --policy /dev/zero"+against)
	c.add(kind, "link to itself", func(d Dir) { d.Symlink("loop.rpm", "loop.rpm") },
		"check --no-db $DIR", "check --no-db $DIR/loop.rpm", "stamp $DIR", "audit --no-db $DIR")
	c.add(kind, "links to devices", func(d Dir) {
		d.Symlink("/dev/zero", "zero.rpm")
		d.Symlink("/dev/zero", "zero.ko")
	}, "check --no-db $DIR/zero.rpm", "check --no-db $DIR/zero.ko", "fingerprint $DIR/zero.rpm", "stamp $DIR/zero.rpm", "audit --no-db $DIR/zero.rpm")
	c.add(kind, "folder in itself", func(d Dir) {
		d.Symlink(".", "again")
		d.copyTo(c.built("5.15.12-1.3"), "kernel-default-5.15.12-1.3.x86_64.rpm")
	}, "check --no-db $DIR", "audit --no-db $DIR")
	c.add(kind, "folder named as a package", func(d Dir) { d.Mkdir("kernel-default.rpm") }, "check --no-db $DIR", "stamp $DIR", "audit --no-db $DIR")
	c.add(kind, "folders 300 deep", func(d Dir) {
		d.Mkdir(strings.Repeat("d/", 300))
		d.copyTo(c.built("5.15.12-1.3"), strings.Repeat("d/", 300)+"kernel-default-5.15.12-1.3.x86_64.rpm")
	}, "check --no-db $DIR", "audit --no-db $DIR")
	c.file(kind, "Debian package of no members", "linux-image.deb", func() []byte { return []byte("!<arch>\n") }, "check --no-db $DIR", "audit --no-db $DIR")
	const fingerprint = "fingerprint $DIR/linux-image.deb"
	deb := func(name string, make func(Dir) []byte, more ...string) {
		c.add(kind, "Debian package "+name, func(d Dir) { d.Write("linux-image.deb", make(d)) },
			append([]string{"check --no-db $DIR", "audit --no-db $DIR"}, more...)...)
	}
	version := fixture.File{Path: "debian-binary", Data: []byte("2.0\n")}
	sized := func(size string) func(Dir) []byte {
		return func(Dir) []byte { return fmt.Appendf(fixture.Ar(version), "%-48s%-10s`\n", "control.tar", size) }
	}
	c.add(kind, "Debian package of 60,000 modules", func(d Dir) {
		files := make([]fixture.File, 60000)
		for i := range files {
			files[i].Path = fmt.Sprintf("/lib/modules/6.1/kernel/m%d.ko", i)
		}
		fixture.Deb(d, d.In("linux-image.deb"), "linux-image", "1", false, files...)
	}, "check --no-db $DIR", "audit --no-db $DIR", fingerprint)
	deb("with a member of 4 GiB", sized("4294967296"), fingerprint)
	deb("with a member of minus one byte", sized("-1"), fingerprint)
	deb("with a member of no number", sized("x"), fingerprint)
	deb("with a control of nothing", func(Dir) []byte {
		return fixture.Ar(version, fixture.File{Path: "control.tar"}, fixture.File{Path: "data.tar"})
	}, fingerprint)
	deb("with a bomb", func(d Dir) []byte {
		return fixture.Ar(version, fixture.File{Path: "control.tar.gz", Data: zeros(d, "gzip", 1100*mib)})
	})
	deb("with data that is a bomb", func(d Dir) []byte {
		return fixture.Ar(version, fixture.File{Path: "control.tar.gz", Data: Compress(d, "gzip", nil)},
			fixture.File{Path: "data.tar.gz", Data: zeros(d, "gzip", 1100*mib)})
	})
}

// hooks are build roots that a build has laid out to harm the check, which is root.
func (c *Corpus) hooks() {
	const kind = "hook"
	bad := rpms + "kernel-x.rpm"
	report := other + "/kernel-default.btfguard"
	c.hook(kind, "as it should be", func(Dir) {})
	c.hook(kind, "package is a pipe", func(d Dir) { d.Fifo(bad) })
	c.hook(kind, "package is a folder", func(d Dir) { d.Mkdir(bad) })
	c.hook(kind, "package is a device", func(d Dir) { d.check(unix.Mknod(d.In(bad), unix.S_IFCHR|0o666, int(unix.Mkdev(1, 5)))) })
	c.Cases[len(c.Cases)-1].Root = true
	c.hook(kind, "package is a link to outside", func(d Dir) {
		d.Write("secret", []byte("secret"))
		d.Symlink("$DIR/secret", bad)
	})
	c.hook(kind, "package of 1 TiB", func(d Dir) { d.Sparse(bad, nil, 1<<40) })
	c.hook(kind, "package with a million names", func(d Dir) { d.Write(bad, c.bytes(d, manyFiles(0xfffff, longFolder(), 0o40755))) })
	c.hook(kind, "plain package with 300,000 names", func(d Dir) {
		p := manyFiles(300000, "/usr/share/doc/"+strings.Repeat("d", 200)+"/", 0o40755)
		p.Name = "plain"
		d.Write(rpms+"plain-1-1.x86_64.rpm", c.bytes(d, p))
	})
	c.hook(kind, "package with 100,000 tokens", func(d Dir) {
		d.Write(bad, c.bytes(d, Package{Tags: provides(numbered(100000, "kernel-btf(default:sha256:%064x)")...)}))
	})
	c.hook(kind, "package with a bomb", func(d Dir) {
		d.Write(bad, c.bytes(d, Package{Files: c.kernelFiles(zeros(d, "zstd", 1100*mib), nil)}))
	})
	c.hook(kind, "folder is a link", func(d Dir) { d.Symlink("/etc", top+"RPMS/evil") })
	c.hook(kind, "link in a circle", func(d Dir) { d.Symlink("loop", top+"RPMS/loop") })
	c.hook(kind, "folder in itself", func(d Dir) { d.Symlink(".", top+"RPMS/self") })
	c.hook(kind, "top leads out", func(d Dir) {
		d.Remove(".build.packages")
		d.Symlink("../../../../etc", ".build.packages")
	})
	c.hook(kind, "top is a circle", func(d Dir) {
		d.Remove(".build.packages")
		d.Symlink(".build.packages", ".build.packages")
	})
	c.hook(kind, "top is a file", func(d Dir) {
		d.Remove(".build.packages")
		d.Write(".build.packages", []byte("x"))
	})
	c.hook(kind, "top is a link to a link", func(d Dir) {
		d.check(os.Rename(d.In("usr/src/packages"), d.In("usr/src/p2")))
		d.Symlink("p2", "usr/src/packages")
	})
	c.hook(kind, "top is a folder", func(d Dir) {
		d.Remove(".build.packages")
		d.Mkdir(".build.packages/RPMS")
	})
	c.hook(kind, "top is a pipe", func(d Dir) {
		d.Remove(".build.packages")
		d.Fifo(".build.packages")
	})
	c.hook(kind, "top is a link of 4,000 letters", func(d Dir) {
		d.Remove(".build.packages")
		d.Symlink("/usr/src/"+strings.Repeat("packages/../", 330)+"packages", ".build.packages")
	})
	for _, name := range []string{"RPMS", "SRPMS", "SOURCES"} {
		moved := func(d Dir) {
			d.check(os.Rename(d.In(top+name), d.In("moved")))
		}
		c.hook(kind, name+" is a link to outside", func(d Dir) {
			moved(d)
			d.Symlink("$DIR/moved", top+name)
		})
		c.hook(kind, name+" is a link within", func(d Dir) {
			moved(d)
			d.Symlink("../../../moved", top+name)
		})
		c.hook(kind, name+" is a pipe", func(d Dir) {
			moved(d)
			d.Fifo(top + name)
		})
		c.hook(kind, name+" is a link to itself", func(d Dir) {
			moved(d)
			d.Symlink(name, top+name)
		})
	}
	formerly := strings.TrimSuffix(previous, "/")
	former := func(what string, make func(Dir)) {
		c.hook(kind, "former builds are "+what, func(d Dir) {
			d.check(os.Rename(d.In(formerly), d.In("former")))
			make(d)
		})
	}
	former("a pipe", func(d Dir) { d.Fifo(formerly) })
	former("a file", func(d Dir) { d.Write(formerly, []byte("x")) })
	former("a link to itself", func(d Dir) { d.Symlink(formerly, formerly) })
	former("a link to outside", func(d Dir) { d.Symlink("$DIR/former", formerly) })
	former("a link to the root", func(d Dir) { d.Symlink("/", formerly) })
	c.hook(kind, "1,000 packages of junk", func(d Dir) {
		for i := range 1000 {
			d.Write(fmt.Sprintf("%skernel-%d.rpm", rpms, i), []byte("junk"))
		}
	})
	c.hook(kind, "5,000 links to one package", func(d Dir) {
		for i := range 5000 {
			d.Symlink("kernel-default-5.15.12-1.3.x86_64.rpm", fmt.Sprintf("%skernel-%d.rpm", rpms, i))
		}
	})
	c.hook(kind, "5,000 names of one package", func(d Dir) {
		for i := range 5000 {
			d.check(os.Link(d.In(rpms+"kernel-default-5.15.12-1.3.x86_64.rpm"), d.In(fmt.Sprintf("%skernel-%d.rpm", rpms, i))))
		}
	})
	c.hook(kind, "200,000 results", func(d Dir) {
		for i := range 200000 {
			d.check(os.WriteFile(d.In(fmt.Sprintf("%s/%d", other, i)), nil, 0o644))
		}
	})
	c.hook(kind, "policy of the system is a pipe", func(d Dir) { d.Fifo("etc/obs-btf-guard.conf") })
	c.hook(kind, "policy of the system is a link to outside", func(d Dir) {
		d.Write("secret", []byte("secret"))
		d.Symlink("$DIR/secret", "etc/obs-btf-guard.conf")
	})
	c.hook(kind, "etc is a link to outside", func(d Dir) {
		d.Write("secret/obs-btf-guard.conf", []byte("secret"))
		d.Symlink("$DIR/secret", "etc")
	})
	c.hook(kind, "OTHER is a link to outside", func(d Dir) {
		d.Remove(other)
		d.Mkdir("outside")
		d.Symlink("$DIR/outside", other)
	})
	c.hook(kind, "OTHER is a file", func(d Dir) {
		d.Remove(other)
		d.Write(other, []byte("x"))
	})
	c.hook(kind, "OTHER is a pipe", func(d Dir) {
		d.Remove(other)
		d.Fifo(other)
	})
	c.hook(kind, "report is a link", func(d Dir) {
		d.Write("victim", []byte("keep"))
		d.Symlink("$DIR/victim", report)
	})
	c.hook(kind, "report is another's file", func(d Dir) {
		d.Write("victim", []byte("keep"))
		d.check(os.Link(d.In("victim"), d.In(report)))
	})
	c.hook(kind, "report is a folder", func(d Dir) { d.Mkdir(report) })
	c.hook(kind, "report is a pipe", func(d Dir) { d.Fifo(report) })
	c.hook(kind, "folders 200 deep", func(d Dir) { d.Mkdir(top + "RPMS/" + strings.Repeat("d/", 200)) })
	c.hook(kind, "5,000 folders", func(d Dir) {
		for i := range 5000 {
			d.Mkdir(fmt.Sprintf("%sRPMS/%d", top, i))
		}
	})
	c.hook(kind, "3,000 former builds", func(d Dir) {
		for i := range 3000 {
			d.Mkdir(fmt.Sprintf(".build.oldpackages%d", i))
		}
	})
	c.hook(kind, "former package is a pipe", func(d Dir) { d.Fifo(previous + "kernel-x.rpm") })
	c.hook(kind, "former package is junk", func(d Dir) { d.Write(previous+"kernel-x.rpm", []byte("junk")) })
	c.hook(kind, "former package is a link to outside", func(d Dir) { d.Symlink(c.built("broken"), previous+"kernel-x.rpm") })
	c.hook(kind, "former package with a million names", func(d Dir) {
		d.Write(previous+"kernel-x.rpm", c.bytes(d, manyFiles(0xfffff, longFolder(), 0o40755)))
	})
	c.hook(kind, "rpm's database is junk", func(d Dir) {
		d.Write("usr/lib/sysimage/rpm/rpmdb.sqlite", bytes.Repeat([]byte("junk"), 1000))
		d.Write("var/lib/rpm/Packages", bytes.Repeat([]byte("junk"), 1000))
	})
	c.hook(kind, "installed kernel is a link to outside", func(d Dir) {
		d.Write("secret", []byte("secret"))
		d.Symlink("$DIR/secret", "usr/lib/modules/"+release+"/vmlinux")
	})
}

// policies are files of rules, from the sources and from the command line.
func (c *Corpus) policies() {
	const kind = "policy"
	for _, p := range []struct {
		name string
		data func() []byte
	}{
		{"2 million arrays in arrays", filled("a=", "[", 2000000, "")},
		{"200,000 tables in tables", filled("a=", "{a=", 200000, "")},
		{"a key of 400,000 parts", filled("a", ".a", 400000, "=1")},
		{"100 MiB", filled("", "# x\n", 25*mib, "")},
		{"60,000 rules", filled("", "[[rule]]\nverdict=\"rejected\"\naction=\"warn\"\nreason=\"x\"\n", 60000, "")},
		{"100,000 keys", func() []byte { return []byte(strings.Join(numbered(100000, "k%d=1\n"), "")) }},
		{"pattern of 4,000 stars", bytesOf("[[rule]]\nmodule=\"" + strings.Repeat("*a", 4000) + "\"\naction=\"warn\"\nreason=\"x\"\n")},
		{"string of 900,000 letters", bytesOf("[[rule]]\naction=\"" + strings.Repeat("x", 900000) + "\"")},
		{"reason with escapes", bytesOf("[[rule]]\nverdict=\"rejected\"\naction=\"ignore\"\nreason=\"\\u001b[31mx\\n\\u202e\"\n")},
		{"key with escapes", bytesOf("[[rule]]\n\"\\u001b[2J\"=\"x\"\n")},
		{"no reason", bytesOf("[[rule]]\nverdict=\"rejected\"\naction=\"ignore\"\n")},
		{"NUL", filled("", "\x00", 1000, "")},
		{"no UTF-8", bytesOf("\xff\xfe")},
	} {
		c.hook(kind, p.name+", in the sources", func(d Dir) { d.Write(sources+"btf-guard.conf", p.data()) })
		c.file(kind, p.name, "p.conf", p.data, "check --no-db --policy $DIR/p.conf $INCIDENT/5.15.12-1.3")
	}
	c.hook(kind, "pipe in the sources", func(d Dir) { d.Fifo(sources + "btf-guard.conf") })
	c.hook(kind, "link in the sources to outside", func(d Dir) {
		d.Write("secret", []byte("secret"))
		d.Symlink("$DIR/secret", sources+"btf-guard.conf")
	})
}

// reports are what the hook finds of the build before, which somebody may have built
// to harm the next one.
func (c *Corpus) reports() {
	const kind = "report"
	name := "kernel-default.btfguard"
	report := func(what string, data func() []byte) {
		c.add(kind, what, func(d Dir) {
			c.buildRoot(d)
			d.Write(previous+name, data())
			d.Write(name, data())
		}, theHook, "rebuild --dry-run $DIR/"+name)
	}
	report("junk", func() []byte { return make([]byte, 1000) })
	report("5 million arrays in arrays", filled(`{"x":`, "[", 5000000, ""))
	report("64 MiB and a byte", filled("", " ", 64*mib+1, ""))
	report("20 million verdicts", filled(`{"schema":1,"verdicts":[`, "{},", 20*mib, "{}]}"))
	report("10,000 former builds", filled(`{"schema":1,"history":[`, "{},", 9999, "{}]}"))
	report("20 million reasons", filled(`{"schema":1,"verdicts":[{"reasons":[`, `"",`, 20*mib, `""]}]}`))
	report("20 million notes", filled(`{"schema":1,"hook":{"notes":[`, `"",`, 20*mib, `""]}}`))
	report("20 million of something unknown", filled(`{"zz":[`, "{},", 20*mib, "{}]}"))
	report("a version of 60 MiB", filled(`{"schema":1,"tool":{"version":"`, `\u0001`, 10*mib, `"}}`))
	report("a million sums", func() []byte {
		return []byte(`{"schema":1,"summary":{` + strings.Join(numbered(1000000, `"%x":1,`), "") + `"x":1}}`)
	})
	report("9,000 changes of 2,000 types", func() []byte {
		change := `{"added":{"first":[` + strings.Repeat(`"",`, 2000) + `""]}},`
		return []byte(`{"schema":1,"changes":[` + strings.Repeat(change, 9000) + `{}]}`)
	})
	report("schema of 20 digits", bytesOf(`{"schema":99999999999999999999}`))
	report("schema 2", bytesOf(`{"schema":2}`))
	report("history with escapes", bytesOf(`{"schema":1,"history":[{"release":"5.15.12-1-default","nevra":"\u001b[31m\n\u202e<script>","arch":"x86_64"}]}`))
	c.add(kind, "pipe", func(d Dir) {
		c.buildRoot(d)
		d.Fifo(previous + name)
		d.Fifo(name)
	}, theHook, "rebuild --dry-run $DIR/"+name)
	c.hook(kind, "link to outside", func(d Dir) {
		d.Write("secret", []byte("secret"))
		d.Symlink("$DIR/secret", previous+name)
	})
}

// stamps are traps for what writes into packages.
func (c *Corpus) stamps() {
	const kind = "stamp"
	kernel := "kernel-default-5.15.12-1.1.x86_64.rpm"
	from := c.built("5.15.12-1.1")
	c.add(kind, "package is a link to outside", func(d Dir) {
		d.copyTo(from, "elsewhere/victim.rpm")
		d.Symlink("$DIR/elsewhere/victim.rpm", "RPMS/"+kernel)
	}, "stamp $DIR/RPMS")
	c.add(kind, "folder is a link to outside", func(d Dir) {
		d.copyTo(from, "elsewhere/"+kernel)
		d.Mkdir("RPMS")
		d.Symlink("$DIR/elsewhere", "RPMS/x86_64")
	}, "stamp $DIR/RPMS")
	c.add(kind, "name of the temporary file is a link", func(d Dir) {
		d.Write("victim", []byte("keep"))
		d.copyTo(from, "RPMS/"+kernel)
		d.Symlink("$DIR/victim", "RPMS/."+kernel+".obs-btf-guard.tmp")
	}, "stamp $DIR/RPMS")
	c.add(kind, "name of the temporary file is a folder", func(d Dir) {
		d.copyTo(from, "RPMS/"+kernel)
		d.Mkdir("RPMS/." + kernel + ".obs-btf-guard.tmp/x")
	}, "stamp $DIR/RPMS")
	c.add(kind, "one package, two names", func(d Dir) {
		d.copyTo(from, "RPMS/"+kernel)
		d.check(os.Link(d.In("RPMS/"+kernel), d.In("RPMS/again.rpm")))
	}, "stamp $DIR/RPMS")
	c.add(kind, "payload cut after a good header", func(d Dir) {
		data, err := os.ReadFile(from)
		d.check(err)
		d.Write("RPMS/"+kernel, data[:len(data)-100])
	}, "stamp $DIR/RPMS", "stamp --remove $DIR/RPMS")
	c.add(kind, "table that no kernel takes", func(d Dir) {
		w := btftest.New()
		w.Raw(1, 2, 3)
		d.Write("RPMS/"+ours, c.bytes(d, Package{Files: c.kernelFiles(evilVmlinux(w.Bytes()), nil)}))
	}, "stamp $DIR/RPMS")
	c.pkg(kind, "source package", Package{Tags: without(tagSourceRPM)}, "stamp $DIR/"+ours, "stamp $DIR", "stamp -n $DIR/"+ours, "check --no-db $DIR/"+ours)
	c.add(kind, "with a kernel that is a pipe", func(d Dir) {
		d.copyTo(from, "RPMS/"+kernel)
		d.Fifo("with/kernel.rpm")
	}, "stamp --with $DIR/with $DIR/RPMS")
	c.add(kind, "no package among many files", func(d Dir) {
		for i := range 100 {
			d.Write(filepath.Join("RPMS", fmt.Sprint(i)), []byte("junk"))
		}
	}, "stamp $DIR/RPMS")
}
