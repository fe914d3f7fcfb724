// SPDX-License-Identifier: Apache-2.0

package obs_test

import (
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/internal/obs"
)

func TestParseDistURL(t *testing.T) {
	const md5 = "5d2c1b7e9f3a48606b0e7d5c2f914a83"
	const at = "obs://build.opensuse.org/openSUSE:Factory/standard/"
	factory := func(pkg string) obs.DistURL {
		return obs.DistURL{Server: "build.opensuse.org", Project: "openSUSE:Factory", Repository: "standard", Revision: md5, Package: pkg}
	}
	for _, tc := range []struct {
		name, url string
		want      obs.DistURL // the zero value for what is none
	}{
		{"package", at + md5 + "-kernel-default", factory("kernel-default")},
		{"dashes and digits", at + md5 + "-gcc13-32bit", factory("gcc13-32bit")},
		{"multibuild flavor", at + md5 + "-kernel-source:kernel-default", factory("kernel-source:kernel-default")},
		{"part of a product", at + md5 + "-_product:openSUSE-dvd", factory("_product:openSUSE-dvd")},
		{"maintenance", "obs://build.suse.de/SUSE:Maintenance:1234/SUSE_SLE-15-SP6_Update/" + md5 + "-kernel-default.SUSE_SLE-15-SP6_Update",
			obs.DistURL{Server: "build.suse.de", Project: "SUSE:Maintenance:1234", Repository: "SUSE_SLE-15-SP6_Update", Revision: md5, Package: "kernel-default.SUSE_SLE-15-SP6_Update"}},
		{"git commit", "obs://localhost/home:me/x/" + md5 + "01234567-a",
			obs.DistURL{Server: "localhost", Project: "home:me", Repository: "x", Revision: md5 + "01234567", Package: "a"}},
		{"git commit with SHA-256", "obs://localhost/home:me/x/" + md5 + md5 + "-a",
			obs.DistURL{Server: "localhost", Project: "home:me", Repository: "x", Revision: md5 + md5, Package: "a"}},
		{"empty", "", obs.DistURL{}},
		{"rpm's word for none", "(none)", obs.DistURL{}},
		{"other scheme", "https://build.opensuse.org/openSUSE:Factory/standard/" + md5 + "-a", obs.DistURL{}},
		{"no server", "obs:///openSUSE:Factory/standard/" + md5 + "-a", obs.DistURL{}},
		{"no project", "obs://build.opensuse.org//standard/" + md5 + "-a", obs.DistURL{}},
		{"project with an empty part", "obs://build.opensuse.org/a::b/standard/" + md5 + "-a", obs.DistURL{}},
		{"no repository", "obs://build.opensuse.org/a//" + md5 + "-a", obs.DistURL{}},
		{"repository with a colon", "obs://build.opensuse.org/a/b:c/" + md5 + "-a", obs.DistURL{}},
		{"path upwards", "obs://build.opensuse.org/../standard/" + md5 + "-a", obs.DistURL{}},
		{"no revision", at + "-a", obs.DistURL{}},
		{"short revision", at + md5[1:] + "-a", obs.DistURL{}},
		{"revision in capitals", at + "5D2C1B7E9F3A48606B0E7D5C2F914A83-a", obs.DistURL{}},
		{"no package", at + md5 + "-", obs.DistURL{}},
		{"no dash", at + md5, obs.DistURL{}},
		{"empty flavor", at + md5 + "-a:", obs.DistURL{}},
		{"two flavors", at + md5 + "-a:b:c", obs.DistURL{}},
		{"reserved package", at + md5 + "-_project", obs.DistURL{}},
		{"slash in the package", at + md5 + "-a/b", obs.DistURL{}},
		{"line end", at + md5 + "-a\nb", obs.DistURL{}},
		{"space", at + md5 + "-a b", obs.DistURL{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, ok := obs.ParseDistURL(tc.url)
			if got != tc.want || ok != (tc.want != obs.DistURL{}) {
				t.Errorf("ParseDistURL(%q) = %+v, %t, want %+v", tc.url, got, ok, tc.want)
			}
		})
	}
}

// TestElsewhere tells an API that is surely not that of the server in a DISTURL.
func TestElsewhere(t *testing.T) {
	for _, tc := range []struct {
		server, api string
		want        bool
	}{
		{"build.opensuse.org", "https://api.opensuse.org", false},
		{"build.suse.de", "https://api.opensuse.org/prefix", true},
		{"build.example.org", "https://api.example.com:444", true},
		{"loopback.test", "http://127.0.0.1:15352", false},
		{"loopback.test", "http://[::1]:15352", false},
		{"build.example.org", "http://obs", false},
	} {
		if got := obs.Elsewhere(tc.server, tc.api); got != tc.want {
			t.Errorf("%s by %s: %t", tc.server, tc.api, got)
		}
	}
}
