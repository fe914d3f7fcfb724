// SPDX-License-Identifier: Apache-2.0

package hostile

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
)

// answer writes what a server says to a request; rest is the path behind its name.
type answer func(w http.ResponseWriter, r *http.Request, rest string)

// endless answers with the same again and again, until nobody listens.
func endless(chunk string) answer {
	return func(w http.ResponseWriter, _ *http.Request, _ string) {
		for {
			if _, err := io.WriteString(w, chunk); err != nil {
				return
			}
		}
	}
}

func say(status int, body string, header ...string) answer {
	return func(w http.ResponseWriter, _ *http.Request, _ string) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

func redirect(to string) answer { return say(http.StatusFound, "", "Location", to) }

// hangUp ends after some bytes, however many were promised.
func hangUp(promise, body string) answer {
	return func(w http.ResponseWriter, _ *http.Request, _ string) {
		conn, out, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		fmt.Fprintf(out, "HTTP/1.1 200 OK\r\nContent-Length: %s\r\n\r\n%s", promise, body)
		out.Flush()
		conn.Close()
	}
}

// status answers with a status line of the server's own words.
func status(line string) answer {
	return func(w http.ResponseWriter, _ *http.Request, _ string) {
		conn, out, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		fmt.Fprintf(out, "%s\r\nContent-Length: 0\r\n\r\n", line)
		out.Flush()
		conn.Close()
	}
}

// repomd is a repository's index, for primary metadata of the given content.
func repomd(primary []byte, href, more string) string {
	sum := sha256.Sum256(primary)
	return fmt.Sprintf(`<?xml version="1.0"?><repomd xmlns="http://linux.duke.edu/metadata/repo"><data type="primary">`+
		`<checksum type="sha256">%s</checksum><location href="%s"/>%s</data></repomd>`, hex.EncodeToString(sum[:]), href, more)
}

const (
	primaryPath = "repodata/primary.xml.gz"
	primaryHead = `<?xml version="1.0"?><metadata xmlns="http://linux.duke.edu/metadata/common" xmlns:rpm="http://linux.duke.edu/metadata/rpm" packages="1">`
	primaryTail = `</metadata>`
	unameR      = `<rpm:entry name="kernel-uname-r" flags="EQ" ver="5.15.12" rel="1-default"/>`
)

// onePackage is a package in primary.xml.
func onePackage(name, location, provides string) string {
	return fmt.Sprintf(`<package type="rpm"><name>%s</name><arch>x86_64</arch><version epoch="0" ver="1" rel="1"/>`+
		`<checksum type="sha256" pkgid="YES">%s</checksum><size package="100"/><location href="%s"/>`+
		`<format><rpm:provides>%s</rpm:provides></format></package>`, name, noDigest, location, provides)
}

// packed is a gzip file of head, unit n times, and tail. It has a stream for each, and
// for each MiB of units the same one.
func packed(head, unit string, n int, tail string) []byte {
	stream := func(s string) []byte {
		var out bytes.Buffer
		w := gzip.NewWriter(&out)
		io.WriteString(w, s)
		w.Close()
		return out.Bytes()
	}
	k := max(1, mib/max(1, len(unit)))
	return slices.Concat(stream(head), bytes.Repeat(stream(strings.Repeat(unit, k)), n/k), stream(strings.Repeat(unit, n%k)), stream(tail))
}

// repository answers as one whose primary.xml.gz is the given one.
func repository(primary func() []byte) answer {
	return func(w http.ResponseWriter, _ *http.Request, rest string) {
		data := primary()
		switch rest {
		case "repodata/repomd.xml":
			io.WriteString(w, repomd(data, primaryPath, ""))
		case primaryPath:
			w.Write(data)
		case "endless.rpm":
			endless(strings.Repeat("\x00", 65536))(w, nil, "")
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}
}

// served is what a server answers under a name.
type served struct {
	name   string
	answer answer
}

// metadata is the primary.xml.gz of a repository.
type metadata struct {
	name string
	data func() []byte
}

// repositories are rpm-md repositories by URL and by path.
func (c *Corpus) repositories() {
	const kind = "repository"
	for _, a := range indexes() {
		c.add(kind, "index: "+a.name, func(Dir) {}, "audit --no-db $WEB/"+slug("index: "+a.name)+"/")
	}
	for _, p := range primaries() {
		c.add(kind, "primary: "+p.name, func(d Dir) {
			data := p.data()
			d.Write(primaryPath, data)
			d.Write("repodata/repomd.xml", []byte(repomd(data, primaryPath, "")))
		}, "audit --no-db $DIR", "audit --no-db $WEB/"+slug("primary: "+p.name)+"/")
	}
}

func indexes() []served {
	return []served{
		{"without end", endless("<a>" + strings.Repeat("x", 65000) + "</a>")},
		{"web page", say(200, "<html><body>login</body></html>")},
		{"bytes", say(200, "\x00\x01\x02\xff\xfe")},
		{"nothing", say(200, "")},
		{"not found, with escapes", say(404, "no\x1b[31m")},
		{"redirects to itself", redirect("/index--redirects-to-itself/repodata/repomd.xml")},
		{"redirects to a file", redirect("file:///etc/passwd")},
		{"status with escapes", status("HTTP/1.1 404 \x1b[31mEVIL\x07")},
		{"ends before it has come", hangUp("100000", "<repomd>")},
		{"says 2^62 bytes", hangUp("4611686018427387904", "<repomd>")},
		{"says gzip", say(200, "\x1f\x8b\x08\x00", "Content-Encoding", "gzip")},
		{"entities", say(200, `<!DOCTYPE r [<!ENTITY a "b">]><repomd>&a;</repomd>`)},
		{"2.5 million elements deep", say(200, strings.Repeat("<a>", 2500000))},
		{"primary leads up", say(200, repomd(nil, "../../../../etc/passwd", ""))},
		{"primary is a file", say(200, repomd(nil, "file:///etc/passwd", ""))},
		{"primary of 2^62 bytes", say(200, repomd(nil, primaryPath, "<size>4611686018427387904</size>"))},
		{"primary without end", func(w http.ResponseWriter, r *http.Request, rest string) {
			if rest == "repodata/repomd.xml" {
				io.WriteString(w, repomd([]byte("x"), primaryPath, ""))
				return
			}
			endless(strings.Repeat("x", 65536))(w, r, rest)
		}},
		{"primary with another checksum", func(w http.ResponseWriter, _ *http.Request, rest string) {
			if rest == "repodata/repomd.xml" {
				io.WriteString(w, repomd([]byte("x"), primaryPath, ""))
				return
			}
			w.Write(packed(primaryHead, onePackage("kernel-default", "x.rpm", unameR), 1, primaryTail))
		}},
	}
}

func primaries() []metadata {
	return []metadata{
		{"entities", xml(`<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>` + primaryHead + primaryTail)},
		{"unknown entity", xml(primaryHead + onePackage("&lol;", "x.rpm", "") + primaryTail)},
		{"100,000 elements deep", func() []byte { return packed(primaryHead, "<a>", 100000, primaryTail) }},
		{"name of 1 GiB", func() []byte {
			return packed(primaryHead+"<package><name>", "a", 1<<30, "</name></package>"+primaryTail)
		}},
		{"200 MiB of elements that nobody knows", func() []byte { return packed(primaryHead, " <a></a>", 25*mib, primaryTail) }},
		{"100,000 packages", func() []byte {
			return packed(primaryHead, onePackage("kernel-default", "x.rpm", ""), 100000, primaryTail)
		}},
		{"70,000 tokens", func() []byte {
			head, tail, _ := strings.Cut(onePackage("kernel-default", "x.rpm", "|"), "|")
			return packed(primaryHead+head, strings.Join(numbered(1000, `<rpm:entry name="kernel-btf(default:sha256:%064x)"/>`), ""), 70, tail+primaryTail)
		}},
		{"40 attributes", xml(primaryHead + "<package " + strings.Join(numbered(40, `a%d="x"`), " ") + "/>" + primaryTail)},
		{"attribute of 17 MiB", func() []byte { return packed(primaryHead+`<package x="`, "a", 17*mib, `"/>`+primaryTail) }},
		{"package leads up", xml(primaryHead + onePackage("kernel-default", "../../../../etc/passwd", unameR) + primaryTail)},
		{"package is a file", xml(primaryHead + onePackage("kernel-default", "file:///etc/passwd", unameR) + primaryTail)},
		{"package with escapes", xml(primaryHead + onePackage("kernel-default", "a&#10;&#27;[31mb", unameR) + primaryTail)},
		{"name with escapes", xml(primaryHead + onePackage("kernel-&#27;[2J&#8238;&lt;script&gt;", "x.rpm", `<rpm:entry name="kernel-btf(default:sha256:`+noDigest+`)"/>`) + primaryTail)},
		{"base of another server", xml(primaryHead + strings.Replace(onePackage("kernel-default", "x.rpm", unameR), "<location ", `<location xml:base="file:///etc/" `, 1) + primaryTail)},
		{"package that is not there", xml(primaryHead + onePackage("kernel-default", "x.rpm", unameR) + primaryTail)},
		{"package without end", xml(primaryHead + onePackage("kernel-default", "endless.rpm", unameR) + primaryTail)},
		{"cut", func() []byte {
			data := packed(primaryHead, onePackage("kernel-default", "x.rpm", ""), 100, "")
			return data[:len(data)-20]
		}},
		{"UTF-16", xml("\xff\xfe<\x00?\x00x\x00m\x00l\x00")},
		{"no XML", xml("not xml at all")},
		{"nothing", func() []byte { return nil }},
		{"gzip in gzip", func() []byte { return packed(string(packed(primaryHead, "", 0, primaryTail)), "", 0, "") }},
	}
}

func xml(s string) func() []byte { return func() []byte { return packed(s, "", 0, "") } }

// services are answers of an OBS that is none, or wants to harm.
func (c *Corpus) services() {
	const kind = "obs"
	for _, a := range obsAnswers() {
		c.Cases = append(c.Cases, Case{Kind: kind, Name: a.name, Make: func(Dir) {},
			Env:  []string{"OSC_APIURL=$WEB/" + slug("obs: "+a.name), "OSC_USERNAME=u", "OSC_PASSWORD=secret", "OSC_ALLOW_HTTP=1"},
			Runs: []string{"audit --no-db obs:P/r/x86_64", "rebuild --project P --repository r --arch x86_64"}})
	}
}

func obsAnswers() []served {
	return []served{
		{"without end", endless("<x>" + strings.Repeat("a", 65000))},
		{"web page", say(200, "<html>")},
		{"3 million elements deep", say(200, "<directory>"+strings.Repeat("<entry>", 3000000))},
		{"a million entries", func(w http.ResponseWriter, _ *http.Request, _ string) {
			io.WriteString(w, "<directory>"+strings.Join(numbered(1000000, `<entry name="r%d"/>`), "")+"</directory>")
		}},
		{"names with escapes", say(200, `<directory><entry name="a&#10;&#27;"/><entry name="../../x"/></directory>`)},
		{"redirects elsewhere", redirect("/obs--web-page/steal")},
		{"refuses with escapes", say(401, "<status code=\"x\"><summary>\x1b[31mno</summary></status>", "WWW-Authenticate", `Basic realm="x"`)},
		{"wants a signature of much", say(401, "", "WWW-Authenticate", `Signature realm="`+strings.Repeat("A", 5000)+`",headers="(created)"`)},
		{"entities", say(200, `<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><directory>&b;</directory>`)},
		{"a bomb of gzip", func(w http.ResponseWriter, _ *http.Request, _ string) {
			w.Header().Set("Content-Encoding", "gzip")
			w.Write(packed("<directory>", " ", 1<<30, "</directory>"))
		}},
		{"a head of 100 MiB", func(w http.ResponseWriter, _ *http.Request, _ string) {
			conn, out, err := w.(http.Hijacker).Hijack()
			if err != nil {
				return
			}
			defer conn.Close()
			io.WriteString(out, "HTTP/1.1 200 OK\r\n")
			for i := range 100 {
				fmt.Fprintf(out, "X-%d: %s\r\n", i, strings.Repeat("a", mib))
			}
			out.Flush()
		}},
		{"10,000 cookies", func(w http.ResponseWriter, _ *http.Request, _ string) {
			for i := range 10000 {
				http.SetCookie(w, &http.Cookie{Name: fmt.Sprint("c", i), Value: "x"})
			}
			io.WriteString(w, "<directory/>")
		}},
		{"ends before it has come", hangUp("100000", "<directory>")},
		{"says 2^62 bytes", hangUp("4611686018427387904", "<directory>")},
		{"no content", say(204, "")},
		{"JSON", say(200, `{"directory":[]}`, "Content-Type", "application/json")},
		{"another document", say(200, `<services><service name="x"/></services>`)},
		{"entry without a name", say(200, `<directory><entry/></directory>`)},
		{"entry of a name of 10 MiB", say(200, `<directory><entry name="`+strings.Repeat("a", 10*mib)+`"/></directory>`)},
		{"redirects to itself", redirect("/obs--redirects-to-itself/")},
		{"redirects to a file", redirect("file:///etc/passwd")},
		{"redirects to another port", redirect("http://127.0.0.1:1/steal")},
		{"redirects with a password", redirect("http://u:stolen@127.0.0.1:1/")},
		{"redirects with escapes", redirect("http://\x1b[31m/")},
		{"redirects without end", func(w http.ResponseWriter, r *http.Request, rest string) {
			redirect("/obs--redirects-without-end/"+fmt.Sprint(len(rest))+"/"+rest)(w, r, rest)
		}},
		{"is busy without end", say(503, "", "Retry-After", "0")},
		{"is busy for 2^62 seconds", say(503, "", "Retry-After", "4611686018427387904")},
		{"binaries of 2^63 bytes and times before all", directories(`<binary filename="kernel-default-1-1.x86_64.rpm" size="9223372036854775808" mtime="-9223372036854775809"/>`)},
		{"binaries that lead up", directories(`<binary filename="../../../etc/passwd.rpm" size="1" mtime="1"/>`)},
		{"binaries with escapes", directories(`<binary filename="kernel-default-&#10;&#x202e;1-1.x86_64.rpm" size="1" mtime="1"/>`)},
		{"500 binaries", directories(strings.Join(numbered(500, `<binary filename="lib%d-1-1.x86_64.rpm" size="1" mtime="1"/>`), ""))},
		{"300,000 packages with modules", directories(strings.Join(numbered(300000, `<binary filename="x-kmp-default-%d-1.x86_64.rpm" size="1" mtime="1"/>`), ""))},
		{"300,000 kernels", directories(strings.Join(numbered(300000, `<binary filename="kernel-default-%d-1.x86_64.rpm" size="1" mtime="1"/>`), ""))},
		{"summary with escapes", say(404, `<status code="unknown"><summary>&#27;[31mA&#10;ok all fine&#8238;</summary></status>`)},
	}
}

// directories answers each listing with one package, in which the binaries are.
func directories(binaries string) answer {
	return func(w http.ResponseWriter, r *http.Request, rest string) {
		switch {
		case strings.HasSuffix(rest, "/_meta"):
			io.WriteString(w, `<project name="P"><repository name="r"><arch>x86_64</arch></repository></project>`)
		case strings.HasSuffix(rest, "/_builddepinfo"):
			io.WriteString(w, `<builddepinfo><package name="k"><source>k</source><subpkg>kernel-default</subpkg></package></builddepinfo>`)
		case strings.HasSuffix(rest, "/_jobhistory"):
			io.WriteString(w, `<jobhistlist/>`)
		case r.URL.Query().Get("view") == "binaryversions":
			io.WriteString(w, `<binaryversionlist><binaryversions package="k">`+binaries+`</binaryversions></binaryversionlist>`)
		case strings.Contains(rest, "/x86_64/"):
			io.WriteString(w, `<binarylist>`+binaries+`</binarylist>`)
		default:
			io.WriteString(w, `<directory><entry name="k"/></directory>`)
		}
	}
}

// plans are files for rebuild --plan, which asks OBS nothing before it has read them.
func (c *Corpus) plans() {
	const kind = "plan"
	plan := func(name string, data func() []byte) {
		c.file(kind, name, "plan.json", data, "rebuild --dry-run --plan $DIR/plan.json")
	}
	plan("nothing", bytesOf(""))
	plan("null", bytesOf("null"))
	plan("5 million arrays in arrays", filled("", "[", 5000000, ""))
	plan("5 million steps", filled(`{"schema":1,"steps":[`, "{},", 5000000, "{}]}"))
	plan("5 million notes", filled(`{"schema":1,"notes":[`, `"",`, 5000000, `""]}`))
	plan("80 MiB of blanks", filled("", " ", 80*mib, ""))
	plan("key with escapes", bytesOf(`{"\u001b[31m":1}`))
	plan("package leads up", bytesOf(`{"schema":1,"steps":[{"project":"../../x","repository":"r","arch":"a","package":"p?cmd=wipe","wave":1,"why":[]}]}`))
	plan("wave 2^63", bytesOf(`{"schema":1,"steps":[{"project":"P","repository":"r","arch":"a","package":"p","wave":9223372036854775808}]}`))
	plan("steps after themselves", bytesOf(`{"schema":1,"steps":[{"project":"P","repository":"r","arch":"a","package":"p","after":["P/r/a/p"]}]}`))
	plan("another server's", bytesOf(`{"schema":1,"api":"https://evil.example","steps":[{"project":"P","repository":"r","arch":"a","package":"p"}]}`))
	c.add(kind, "pipe", func(d Dir) { d.Fifo("plan.json") }, "rebuild --plan $DIR/plan.json", "rebuild --dry-run --plan $DIR/plan.json")
	for i := range c.Cases {
		if c.Cases[i].Kind == kind {
			c.Cases[i].Env = []string{"OSC_APIURL=$WEB/obs--web-page", "OSC_USERNAME=u", "OSC_PASSWORD=secret", "OSC_ALLOW_HTTP=1"}
		}
	}
}

// slug is a case's name as a part of a URL.
func slug(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '-'
	}, name)
}

// Handler is the server that the cases ask.
func Handler(t testing.TB) http.Handler {
	answers := map[string]answer{}
	set := func(name string, a answer) {
		if answers[slug(name)] != nil {
			t.Fatalf("two answers of %s", slug(name))
		}
		answers[slug(name)] = a
	}
	for _, a := range indexes() {
		set("index: "+a.name, a.answer)
	}
	for _, p := range primaries() {
		set("primary: "+p.name, repository(p.data))
	}
	for _, a := range obsAnswers() {
		set("obs: "+a.name, a.answer)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		if a := answers[name]; a != nil {
			a(w, r, rest)
			return
		}
		w.WriteHeader(http.StatusNotFound)
	})
}
