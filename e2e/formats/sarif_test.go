// SPDX-License-Identifier: Apache-2.0

package formats

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"
	"github.com/xeipuuv/gojsonschema"
)

// schema is the JSON schema of SARIF 2.1.0. go-sarif has it as a constant that it
// keeps to itself, and validates with it what its own types took over, which is
// not the bytes that a consumer reads.
func schema(t *testing.T) *gojsonschema.Schema {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/owenrumney/go-sarif/v3").Output()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(strings.TrimSpace(string(dir)), "pkg/report/v210/sarif/schema.go")
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var text string
	ast.Inspect(file, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok && v.Names[0].Name == "schema" {
			if literal, ok := v.Values[0].(*ast.BasicLit); ok {
				text, err = strconv.Unquote(literal.Value)
			}
		}
		return err == nil
	})
	if err != nil || text == "" {
		t.Fatalf("no schema in %s (%v)", path, err)
	}
	s, err := gojsonschema.NewSchema(gojsonschema.NewStringLoader(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// violations lists what the schema has against a document.
func violations(t *testing.T, s *gojsonschema.Schema, document []byte) (out []string) {
	t.Helper()
	res, err := s.Validate(gojsonschema.NewBytesLoader(document))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range res.Errors() {
		out = append(out, e.String())
	}
	return out
}

// TestSARIF compares the logs with the schema and has a consumer count what is in
// them.
func TestSARIF(t *testing.T) {
	s := schema(t)
	for _, tt := range trials {
		t.Run(tt.name, func(t *testing.T) {
			data := output(t, tt.args, tt.status, "sarif")
			for _, v := range violations(t, s, data) {
				t.Errorf("schema: %s", v)
			}
			var log sarif.Report
			if err := json.Unmarshal(data, &log); err != nil {
				t.Fatal(err)
			}
			if len(log.Runs) != 1 || len(log.Runs[0].Invocations) != 1 {
				t.Fatalf("not one run in\n%s", data)
			}
			run := log.Runs[0]
			if i := run.Invocations[0]; *i.ExitCode != tt.status || *i.ExecutionSuccessful != (tt.status < 2) {
				t.Errorf("exit status %d, successful %v", *i.ExitCode, *i.ExecutionSuccessful)
			}
			levels, suppressed := map[string]int{}, 0
			var alerts []string
			for _, r := range run.Results {
				levels[r.Level]++
				suppressed += len(r.Suppressions)
				line, _, _ := strings.Cut(*r.Message.Text, "\n")
				alerts = append(alerts, line)
				if rule := run.Tool.Driver.Rules[r.RuleIndex]; *rule.ID != *r.RuleID { // 3.52.5 of the standard
					t.Errorf("%s: the rule at its index is %s", line, *rule.ID)
				}
			}
			if !maps.Equal(levels, tt.levels) || suppressed != tt.hushed {
				t.Errorf("%v, %d suppressed, want %v, %d", levels, suppressed, tt.levels, tt.hushed)
			}
			if !holds(alerts, tt.alert) {
				t.Errorf("no %q in\n%s", tt.alert, strings.Join(alerts, "\n"))
			}
		})
	}
}

// TestSARIFSchema proves that the schema can find fault.
func TestSARIFSchema(t *testing.T) {
	s := schema(t)
	good := output(t, []string{"check", "--no-db", "new", "--against", "old"}, 1, "sarif")
	type object = map[string]any
	for name, spoil := range map[string]func(log, run, result object){
		"no version":      func(log, _, _ object) { delete(log, "version") },
		"other version":   func(log, _, _ object) { log["version"] = "2.0.0" },
		"no tool":         func(_, run, _ object) { delete(run, "tool") },
		"no message":      func(_, _, result object) { delete(result, "message") },
		"unknown level":   func(_, _, result object) { result["level"] = "fatal" },
		"unknown field":   func(_, _, result object) { result["severity"] = "error" },
		"no such URI":     func(_, _, result object) { locations(result)["artifactLocation"] = object{"uri": "a b:c%"} },
		"index as string": func(_, _, result object) { result["ruleIndex"] = "1" },
		"no success": func(_, run, _ object) {
			delete(run["invocations"].([]any)[0].(object), "executionSuccessful")
		},
	} {
		t.Run(name, func(t *testing.T) {
			var log object
			if err := json.Unmarshal(good, &log); err != nil {
				t.Fatal(err)
			}
			run := log["runs"].([]any)[0].(object)
			spoil(log, run, run["results"].([]any)[0].(object))
			bad, err := json.Marshal(log)
			if err != nil {
				t.Fatal(err)
			}
			if len(violations(t, s, bad)) == 0 {
				t.Error("the schema has nothing against it")
			}
		})
	}
}

func locations(result map[string]any) map[string]any {
	return result["locations"].([]any)[0].(map[string]any)["physicalLocation"].(map[string]any)
}
