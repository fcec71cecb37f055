package replicatest

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// To build the engine takes longer than most mutants take to be found, so one build holds them all (Untch, Offutt and Harrold,
// "Mutation analysis using mutant schemata", 1993). A function that a mutant changes begins with its body as the mutant has it,
// for when that one is planted:
//
//	func (r *Replica) f(a int) (b int, err error) {
//		if planted == "name" {
//			return func() (b int, err error) { … }()
//		}
//		…
//	}

// plantEnv names the mutant that is planted while a program runs.
const plantEnv = "KDELTA_MUTANT"

// planted declares, in each package with mutants, which one is planted.
const planted = "package %s\n\nimport \"os\"\n\nvar planted = os.Getenv(%q)\n"

// buildPlanted builds the worlds with all mutants in the engine, and returns the program.
func buildPlanted(t *testing.T, mutants []mutant) string {
	t.Helper()
	dir := t.TempDir()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	replace := make(map[string]string)
	for file, text := range plantAll(t, root, mutants) {
		replace[filepath.Join(root, file)] = filepath.Join(dir, strings.ReplaceAll(file, "/", "_"))
		if err := os.WriteFile(replace[filepath.Join(root, file)], []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "overlay.json"), overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	worlds := filepath.Join(dir, "worlds.test")
	cmd := exec.CommandContext(t.Context(), "go", "test", "-c", "-vet=off", "-overlay", filepath.Join(dir, "overlay.json"), "-o", worlds, "./replica/replicatest")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return worlds
}

// plantAll returns the files that mutants change, as they are with all of them, by their paths below root; and for each
// package one that declares which mutant is planted.
func plantAll(t *testing.T, root string, mutants []mutant) map[string]string {
	t.Helper()
	byFile := make(map[string][]mutant)
	for _, m := range mutants {
		byFile[m.file] = append(byFile[m.file], m)
	}
	files := make(map[string]string)
	for file, mutants := range byFile {
		src, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			t.Fatal(err)
		}
		text, pkg, err := plant(string(src), mutants)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		files[file], files[filepath.Dir(file)+"/planted.go"] = text, fmt.Sprintf(planted, pkg, plantEnv)
	}
	return files
}

// plant adds mutants to the functions of a file, and returns it with the name of its package.
func plant(src string, mutants []mutant) (text, pkg string, err error) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "", src, parser.SkipObjectResolution)
	if err != nil {
		return "", "", err
	}
	offset := func(p token.Pos) int { return fset.Position(p).Offset }
	bodies := make(map[int]string) // what is to stand at an offset
	for _, m := range mutants {
		if n := strings.Count(src, m.before); n != 1 {
			return "", "", fmt.Errorf("it holds the text to replace %d times: mutant %s must follow the code", n, m.name)
		}
		at := strings.Index(src, m.before)
		fn := functionAround(file, fset.File(file.Pos()).Pos(at), len(m.before))
		if fn == nil {
			return "", "", fmt.Errorf("mutant %s must change the body of one function", m.name)
		}
		begin, end := offset(fn.Body.Lbrace), offset(fn.Body.Rbrace)+1
		body := src[begin:at] + m.after + src[at+len(m.before):end]
		call := fmt.Sprintf("func() %s(); return", body)
		if r := fn.Type.Results; r != nil {
			call = fmt.Sprintf("return func() %s %s()", src[offset(r.Pos()):offset(r.End())], body)
		}
		bodies[begin+1] += fmt.Sprintf("\nif planted == %q {\n%s\n}\n", m.name, call)
	}
	text = src
	for _, at := range slices.Backward(slices.Sorted(maps.Keys(bodies))) {
		text = text[:at] + bodies[at] + text[at:]
	}
	return text, file.Name.Name, nil
}

// functionAround is the function in whose body n bytes from a position lie, nil for none.
func functionAround(file *ast.File, at token.Pos, n int) *ast.FuncDecl {
	for _, d := range file.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && fn.Body != nil && fn.Body.Lbrace < at && int(at)+n <= int(fn.Body.Rbrace)+1 {
			return fn
		}
	}
	return nil
}
