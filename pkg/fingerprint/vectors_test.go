// SPDX-License-Identifier: Apache-2.0

package fingerprint_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/internal/btftest/fixture"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/fingerprint"
)

// docs is a file of the folder docs.
func docs(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(fixture.Testdata(t), "..", "docs", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestVectors checks this implementation against the vectors of
// docs/fingerprint.md, whose digests another one computed.
func TestVectors(t *testing.T) {
	var vectors struct {
		Version int
		Tables  []struct {
			Name, BTF, Types, Strings, Fingerprint string
		}
		Refused  []struct{ Name, BTF string }
		Tokens   []struct{ Flavor, Fingerprint, Token string }
		NoTokens []string `json:"no_tokens"`

		Requirements   []struct{ Token, KernelRelease, Requirement string }
		NoRequirements []string `json:"no_requirements"`
	}
	if err := json.Unmarshal(docs(t, "fingerprint-vectors.json"), &vectors); err != nil {
		t.Fatal(err)
	}
	if vectors.Version != 1 || len(vectors.Tables) == 0 || len(vectors.Refused) == 0 || len(vectors.Tokens) == 0 || len(vectors.NoTokens) == 0 ||
		len(vectors.Requirements) == 0 || len(vectors.NoRequirements) == 0 {
		t.Fatalf("version %d, and a list is empty", vectors.Version)
	}
	parse := func(digits string) *btf.Table {
		data, err := hex.DecodeString(digits)
		if err != nil {
			t.Fatal(err)
		}
		table, _ := btf.Parse(data, nil) // with a broken type, the table up to there
		return table
	}
	orders := map[string]bool{}
	for _, v := range vectors.Tables {
		t.Run(v.Name, func(t *testing.T) {
			table := parse(v.BTF)
			if table == nil {
				t.Fatal("cannot be read")
			}
			orders[table.Order.String()] = true
			f := fingerprint.Of(table)
			if f.Types.String() != v.Types || f.Strings.String() != v.Strings || f.Base.String() != v.Fingerprint {
				t.Errorf("types %s\nstrings %s\nfingerprint %s", f.Types, f.Strings, f.Base)
			}
		})
	}
	if len(orders) != 2 {
		t.Errorf("byte orders: %v, want both", orders)
	}
	for _, v := range vectors.Refused {
		t.Run(v.Name, func(t *testing.T) {
			if table := parse(v.BTF); table != nil {
				t.Errorf("has the fingerprint %s", fingerprint.Of(table).Base)
			}
		})
	}
	for _, v := range vectors.Tokens {
		digest, err := fingerprint.Parse(v.Fingerprint)
		if err != nil {
			t.Fatal(err)
		}
		if token := fingerprint.Token(v.Flavor, digest); token != v.Token {
			t.Errorf("%s, want %s", token, v.Token)
		}
		if flavor, d, ok := fingerprint.ParseToken(v.Token); !ok || flavor != v.Flavor || d != digest {
			t.Errorf("%s read as %q %v", v.Token, flavor, d)
		}
	}
	for _, name := range vectors.NoTokens {
		if _, _, ok := fingerprint.ParseToken(name); ok {
			t.Errorf("%q was read as a token", name)
		}
	}
	for _, v := range vectors.Requirements {
		if name := fingerprint.Requirement(v.Token, v.KernelRelease); name != v.Requirement {
			t.Errorf("%s, want %s", name, v.Requirement)
		}
		if token, release, ok := fingerprint.ParseRequirement(v.Requirement); !ok || token != v.Token || release != v.KernelRelease {
			t.Errorf("%s read as %q %q", v.Requirement, token, release)
		}
	}
	for _, name := range vectors.NoRequirements {
		if _, _, ok := fingerprint.ParseRequirement(name); ok {
			t.Errorf("%q was read as a requirement", name)
		}
	}
}

// TestVectorsPage checks that the page shows the vectors: each digest
// and each table that stands on it is one of theirs.
func TestVectorsPage(t *testing.T) {
	vectors := string(docs(t, "fingerprint-vectors.json"))
	shown := 0
	for line := range strings.Lines(string(docs(t, "fingerprint.md"))) {
		for _, word := range strings.FieldsFunc(line, func(r rune) bool { return !strings.ContainsRune("0123456789abcdef", r) }) {
			if len(word) < 64 {
				continue
			}
			if shown++; !strings.Contains(vectors, word) {
				t.Errorf("%s stands on the page and is in no vector", word)
			}
		}
	}
	if shown < 6 {
		t.Errorf("%d digests and tables on the page, want those of both byte orders", shown)
	}
}

// TestVectorsMade checks that the script makes the vectors as they are.
func TestVectorsMade(t *testing.T) {
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("python3 is not installed")
	}
	script := filepath.Join(fixture.Testdata(t), "..", "docs", "fingerprint-vectors.py")
	out, err := exec.CommandContext(t.Context(), "python3", script).Output()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(out, docs(t, "fingerprint-vectors.json")) {
		t.Errorf("%s writes something else than docs/fingerprint-vectors.json", script)
	}
}
