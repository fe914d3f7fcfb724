// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"cmp"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/rpm"
)

// compareEVR orders packages as rpm does: by epoch, version and release.
func compareEVR(p, q *Package) int {
	return cmp.Or(rpm.CompareVersions(p.epoch, q.epoch), rpm.CompareVersions(p.version, q.version), rpm.CompareVersions(p.release, q.release))
}
