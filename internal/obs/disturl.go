// SPDX-License-Identifier: Apache-2.0

package obs

import (
	"net"
	"net/url"
	"strings"
)

// DistURL says which source a package was built from, and where:
//
//	obs://<server>/<project>/<repository>/<revision>-<package>
//
// as BSSched/BuildJob.pm of OBS writes it.
type DistURL struct {
	Server     string // name of the OBS instance, "build.opensuse.org"
	Project    string // "openSUSE:Factory"
	Repository string // "standard"
	Revision   string // srcmd5 of the source: 32 hex digits, or a git commit
	Package    string // "kernel-default"; a multibuild flavor is behind a colon, "kernel-source:kernel-default"
}

// ParseDistURL reads what stands in a package's DISTURL tag. ok is false for
// anything that OBS would not have written: packages built elsewhere have other
// URLs there or none. The rules for names are those of BSVerify.pm.
func ParseDistURL(s string) (d DistURL, ok bool) {
	rest, ok := strings.CutPrefix(s, "obs://")
	parts := strings.Split(rest, "/")
	if !ok || len(parts) != 4 || strings.ContainsFunc(s, func(c rune) bool { return c <= ' ' || c == 0x7f }) {
		return DistURL{}, false
	}
	revision, pkg, _ := strings.Cut(parts[3], "-")
	d = DistURL{Server: parts[0], Project: parts[1], Repository: parts[2], Revision: revision, Package: pkg}
	switch len(revision) {
	case 32, 40, 64: // srcmd5, git with SHA-1, git with SHA-256
	default:
		return DistURL{}, false
	}
	if strings.Trim(revision, "0123456789abcdef") != "" || d.Server == "" {
		return DistURL{}, false
	}
	for name := range strings.SplitSeq(d.Project, ":") {
		if !isName(name) {
			return DistURL{}, false
		}
	}
	if strings.Contains(d.Repository, ":") || !isName(d.Repository) {
		return DistURL{}, false
	}
	name, flavor, flavored := strings.Cut(pkg, ":")
	switch {
	case name == "_product" || name == "_patchinfo": // the packages that begin with "_"
	case !isName(name):
		return DistURL{}, false
	}
	if flavored && (strings.Contains(flavor, ":") || !isName(flavor)) {
		return DistURL{}, false
	}
	return d, true
}

// isName reports whether a name may stand in OBS: not empty, and not one of
// those that OBS keeps for itself.
func isName(s string) bool {
	return s != "" && s[0] != '_' && s[0] != '.'
}

// Elsewhere reports whether the server that a DISTURL names is surely not that of an
// API: build.opensuse.org has its API at api.opensuse.org.
func Elsewhere(server, api string) bool {
	domain := func(host string) string {
		labels := strings.Split(host, ".")
		return strings.Join(labels[max(0, len(labels)-2):], ".")
	}
	u, err := url.Parse(api)
	if err != nil || net.ParseIP(u.Hostname()) != nil || !strings.Contains(u.Hostname(), ".") {
		return false
	}
	return domain(u.Hostname()) != domain(server)
}
