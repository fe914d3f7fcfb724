// SPDX-License-Identifier: Apache-2.0

package guard

import "github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"

// Describe takes over what an opened module says of itself. It keeps a Release that
// is set. After an error, which goes into m.Err, the module is malformed.
func (m *Module) Describe(opened *kernel.Module) error {
	m.Name = opened.Name
	m.Arch = opened.Arch
	m.InTree = opened.InTree()
	m.BTF, m.BTFBase, m.Distilled = opened.BTF, opened.BTFBase, opened.HasBTFBase
	m.bits, m.keepsLocals = opened.Bits, opened.KeepsLocals
	if m.release = opened.Release; m.Release == "" {
		m.Release = opened.Release
	}
	if err := m.readVersions(opened); err != nil {
		return err
	}
	m.thisModule, m.vermagic = opened.ThisModule, opened.Vermagic
	m.versioned = opened.Versions != nil || opened.ExtVersionCRCs != nil
	if len(m.BTF) == 0 && len(opened.BTFIDs) == 0 {
		return nil
	}
	return m.readSymbols(opened)
}

// readVersions takes over what decides which other kernels the module is linked
// into.
func (m *Module) readVersions(opened *kernel.Module) (err error) {
	if kernel.Outlives(m.Path) {
		m.Imports, err = opened.Imports()
	} else {
		m.needs, err = opened.Needs()
	}
	if err != nil {
		return err
	}
	m.Exports, err = opened.Exports()
	return err
}

// Bound reports whether a module fits nothing but the base that it was built on.
// One without BTF fits any, one with .BTF.base is made to fit when it is loaded.
// Of one that is malformed nothing is known, so that it counts.
func (m *Module) Bound() bool { return m.Err != nil || len(m.BTF) > 0 && !m.Distilled }

// ReadsBase reports whether the verdict on a module depends on the base.
func (m *Module) ReadsBase() bool { return m.Err != nil || len(m.BTF) > 0 }
