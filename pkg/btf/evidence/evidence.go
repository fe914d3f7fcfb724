// SPDX-License-Identifier: Apache-2.0

// Package evidence decides by a module's table alone whether the base it is read on is
// the base it was built on.
//
// A table read on a foreign base gives itself away: names begin in the middle of
// strings, functions have no prototypes, members do not fit into their structs.
// One such contradiction proves that the base is not the module's own, so none of
// them may be what an honest compiler, linker, pahole or strip makes. If there is none,
// the references that could have contradicted and did not are counted, and enough of
// them confirm the base. [Examine] does both.
package evidence

import (
	"fmt"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
)

// Proof is one kind of contradiction.
type Proof uint8

// The contradictions that a table alone can show.
const (
	NamePastEnd   Proof = iota // a name offset behind the last string
	NameMidString              // a name offset that is not the start of a string
	NameNoIdent                // a name that is no identifier
	TypePastEnd                // a reference to a type behind the last
	FuncNoProto                // a FUNC that does not point at a FUNC_PROTO
	EntryNoVar                 // a DATASEC entry that is not a VAR
	WrongKind                  // a reference to a kind that is impossible for its role
	MemberNoFit                // a member that overlaps the one before or overruns its struct
	FuncNoSymbol               // a FUNC that the module's symbol table does not have
	IDMisnamed                 // a number in .BTF_ids that names something else than it should

	numProofs
)

// The words for one and for several.
var proofWords = [numProofs][2]string{
	{"name past the end of the strings", "names past the end of the strings"},
	{"name that begins inside a string", "names that begin inside a string"},
	{"name that is no identifier", "names that are no identifiers"},
	{"reference past the last type", "references past the last type"},
	{"function without a prototype", "functions without a prototype"},
	{"section entry that is no variable", "section entries that are no variables"},
	{"reference to a kind that cannot stand there", "references to kinds that cannot stand there"},
	{"member that does not fit its struct", "members that do not fit their struct"},
	{"function that the module does not have", "functions that the module does not have"},
	{"number in .BTF_ids that names something else", "numbers in .BTF_ids that name something else"},
}

// Count puts a number of such contradictions into words.
func (p Proof) Count(n int) string {
	if n == 1 {
		return "1 " + proofWords[p][0]
	}
	return fmt.Sprintf("%d %s", n, proofWords[p][1])
}

// Evidence is what a table says for and against its base.
type Evidence struct {
	Against [numProofs]int    // how often each contradiction was met
	Example [numProofs]string // the first of each kind, in words

	// What could have contradicted and did not:
	BaseNames  int  // names that begin where a string of the base does
	OwnNames   int  // names that begin where a string of the module does
	BaseTypes  int  // references into the base that found a fitting kind or size
	Functions  int  // FUNCs found in the module's symbol table
	IDs        int  // numbers in .BTF_ids that name what they should
	SwappedIDs int  // and those that would in the other byte order
	FirstName  bool // a name at the module's first own byte: its strings begin where the base's end
}

// Contradicted reports whether the base is proven not to be the module's own.
func (e *Evidence) Contradicted() bool { return e.Against != [numProofs]int{} }

// Discount drops the kinds of contradiction that the base shows read by itself
// ([Examine] of the base). A base is its own base, so these come from the tools that
// wrote it, which wrote its modules as well.
func (e *Evidence) Discount(base *Evidence) {
	for p, n := range base.Against {
		if n > 0 {
			e.drop(Proof(p))
		}
	}
}

// drop drops a kind of contradiction.
func (e *Evidence) drop(p Proof) { e.Against[p], e.Example[p] = 0, "" }

// Figures that confirm a base. A shifted string table hits the start of a string
// about once in 17 times, a shifted type table a fitting kind about once in
// three, so these leave less than one chance in a thousand for either.
const (
	enoughOwnNames  = 3
	enoughBaseNames = 3
	enoughBaseTypes = 8
)

// Confirmed reports whether nothing contradicts the base and enough confirms
// it.
func (e *Evidence) Confirmed() bool {
	return !e.Contradicted() && e.FirstName &&
		e.OwnNames >= enoughOwnNames && e.BaseNames >= enoughBaseNames && e.BaseTypes >= enoughBaseTypes
}

// Reasons puts the evidence into sentences: each contradiction with its count
// and first example, or what confirms the base, or what too little of it there is.
func (e *Evidence) Reasons() []string {
	var out []string
	for p, n := range e.Against {
		if n > 0 {
			out = append(out, fmt.Sprintf("%s, first %s", Proof(p).Count(n), e.Example[p]))
		}
	}
	if out != nil {
		return out
	}
	if lacks := e.lacks(); lacks != nil {
		return []string{"too small to tell, though nothing contradicts this base: " + strings.Join(lacks, ", ")}
	}
	return []string{fmt.Sprintf("nothing contradicts this base; the module's own strings begin where the base's end, %d own names, %d base names and %d base types fit, %s with a symbol",
		e.OwnNames, e.BaseNames, e.BaseTypes, prose.Several(e.Functions, "function"))}
}

// lacks lists what there is too little of to confirm the base.
func (e *Evidence) lacks() (out []string) {
	if !e.FirstName {
		out = append(out, "no name begins where the base's strings end")
	}
	for _, c := range []struct {
		n, enough int
		what      string
	}{{e.OwnNames, enoughOwnNames, "own names"}, {e.BaseNames, enoughBaseNames, "base names"}, {e.BaseTypes, enoughBaseTypes, "base types"}} {
		if c.n < c.enough {
			out = append(out, fmt.Sprintf("%s fit: %d of %d needed", c.what, c.n, c.enough))
		}
	}
	return out
}
