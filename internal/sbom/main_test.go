// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"testing"
)

// Every module that the program is built from has a license that may be passed on, and
// the same program gives the same document.
func TestProgram(t *testing.T) {
	program := filepath.Join(t.TempDir(), "obs-btf-guard")
	if out, err := exec.Command("go", "build", "-o", program, "../../cmd/obs-btf-guard").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var one, two bytes.Buffer
	for _, w := range []*bytes.Buffer{&one, &two} {
		if err := run(program, w); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(one.Bytes(), two.Bytes()) {
		t.Error("two documents of one program")
	}
	var d document
	if err := json.Unmarshal(one.Bytes(), &d); err != nil {
		t.Fatal(err)
	}
	if len(d.Components) < 10 {
		t.Errorf("%d components", len(d.Components))
	}
	for _, c := range d.Components {
		if c.Name == "" || c.Version == "" || len(c.Licenses) != 1 || c.Name != "std" && len(c.Hashes) != 1 {
			t.Errorf("%+v", c)
		}
	}
}

func TestLicenseOf(t *testing.T) {
	const bsd = "Redistributions in binary form must reproduce the above copyright notice\n"
	for _, tt := range []struct{ text, want string }{
		{"Apache License\n     Version 2.0, January 2004", "Apache-2.0"},
		{bsd, "BSD-2-Clause"},
		{bsd + "Neither the name of X nor the names of its contributors", "BSD-3-Clause"},
		{"Permission is hereby granted, free of charge, to any person", "MIT"},
		{"It has been put into the public domain by its authors", publicDomain},
		{"GNU GENERAL PUBLIC LICENSE Version 2", ""},
		{"GNU LESSER GENERAL PUBLIC LICENSE", ""},
		{"All rights reserved.", ""},
	} {
		if got, err := licenseOf(tt.text); got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("%q: %q, %v, want %q", tt.text, got, err, tt.want)
		}
	}
}
