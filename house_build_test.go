package kdelta_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

// wasmLimit is what the core may weigh in a browser: bytes of the module,
// stripped, after gzip -9.
const wasmLimit = 1_000_000

// core lists what a browser runs, beside its own adapters. "x/..." includes
// what is under x.
var core = []string{
	"internal/...", "identity", "transport", "transport/pipe", "crdt/...",
	"history", "query", "store", "store/memory", "protocol", "replica",
}

// TestCoreBuildsForWASM compiles the core for js/wasm, then links a program
// that keeps everything exported by the core's public packages and weighs it.
// An application can only weigh more by what it brings itself.
func TestCoreBuildsForWASM(t *testing.T) {
	packages := corePackages(t)
	if len(packages) == 0 {
		t.Fatal("no package of the core exists: the table core does not fit the tree")
	}
	args := []string{"build"}
	for _, dir := range packages {
		args = append(args, "./"+dir)
	}
	runGo(t, []string{"GOOS=js", "GOARCH=wasm"}, args...)

	module := filepath.Join(t.TempDir(), "core.wasm")
	overlay, main := keepAll(t, packages)
	runGo(t, []string{"GOOS=js", "GOARCH=wasm"},
		"build", "-overlay", overlay, "-trimpath", "-ldflags=-s -w", "-o", module, main)
	raw, packed := weigh(t, module)
	t.Logf("the whole core of %d packages as WASM: %d bytes, %d after gzip -9 (limit %d)", len(packages), raw, packed, wasmLimit)
	if packed > wasmLimit {
		t.Errorf("the core weighs %d bytes after gzip -9, %d above the limit: find what came in with `GOOS=js GOARCH=wasm go list -deps`",
			packed, packed-wasmLimit)
	}
}

// TestBuildsWithoutCGO builds every package and links every program the way a
// machine without a C compiler does.
func TestBuildsWithoutCGO(t *testing.T) {
	env := []string{"CGO_ENABLED=0"}
	runGo(t, env, "build", "./...")
	for _, p := range loadHouse(t, os.DirFS(".")).packages {
		if shipped := p.shipped(); len(shipped) > 0 && shipped[0].syntax.Name.Name == "main" && !browserOnly(t, p.dir) {
			runGo(t, env, "build", "-o", filepath.Join(t.TempDir(), "program"), "./"+p.dir)
		}
	}
}

// browserOnly reports whether a folder has nothing to build for this machine.
func browserOnly(t *testing.T, dir string) bool {
	t.Helper()
	here := build.Default
	here.CgoEnabled = false
	_, err := here.ImportDir(filepath.FromSlash(dir), 0)
	var none *build.NoGoError
	if err != nil && !errors.As(err, &none) {
		t.Fatalf("%s: %v", dir, err)
	}
	return err != nil
}

// corePackages lists the folders of the core that exist.
func corePackages(t *testing.T) (dirs []string) {
	t.Helper()
	table := map[string]bool{}
	for _, name := range core {
		table[name] = true
	}
	for _, p := range loadHouse(t, os.DirFS(".")).packages {
		if _, ok := lookup(table, p.dir); ok && !isKit(p.dir) && len(p.shipped()) > 0 {
			dirs = append(dirs, p.dir)
		}
	}
	return dirs
}

// keepAll writes a program that refers to every exported function and method of
// the public packages among dirs. The program lies in an overlay: the go
// command sees it inside the module, the tree does not change. Generic code is
// left out, since only its uses weigh anything.
func keepAll(t *testing.T, dirs []string) (overlay, main string) {
	t.Helper()
	var imports, kept strings.Builder
	for i, dir := range dirs {
		names := exportedFuncs(t, dir)
		if within(dir, "internal") || len(names) == 0 {
			continue
		}
		fmt.Fprintf(&imports, "import p%d %q\n", i, modulePath+"/"+dir)
		for _, name := range names {
			kept.WriteString("\t" + strings.ReplaceAll(name, "$", fmt.Sprintf("p%d.", i)) + ",\n")
		}
	}
	src := "package main\n\n" + imports.String() + "\nvar kept = []any{\n" + kept.String() + "}\n\nfunc main() { println(len(kept)) }\n"
	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	written := filepath.Join(dir, "main.go")
	seen := filepath.Join(root, "internal", "wasmsize", "main.go")
	replace, err := json.Marshal(map[string]map[string]string{"Replace": {seen: written}})
	if err != nil {
		t.Fatal(err)
	}
	overlay = filepath.Join(dir, "overlay.json")
	for name, data := range map[string][]byte{written: []byte(src), overlay: replace} {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return overlay, "./internal/wasmsize"
}

// exportedFuncs lists what a js/wasm build of dir exports, as expressions with $
// for the package: "$New", "(*$Store).Close".
func exportedFuncs(t *testing.T, dir string) (names []string) {
	t.Helper()
	wasm := build.Default
	wasm.GOOS, wasm.GOARCH, wasm.CgoEnabled = "js", "wasm", false
	found, err := wasm.ImportDir(filepath.FromSlash(dir), 0)
	if err != nil {
		t.Fatalf("%s: %v", dir, err)
	}
	for _, name := range found.GoFiles {
		f, err := parser.ParseFile(token.NewFileSet(), path.Join(dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || !fn.Name.IsExported() || fn.Type.TypeParams != nil {
				continue
			}
			if fn.Recv == nil {
				names = append(names, "$"+fn.Name.Name)
			} else if receiver := receiverName(fn); ast.IsExported(receiver) {
				names = append(names, "(*$"+receiver+")."+fn.Name.Name)
			}
		}
	}
	return names
}

// receiverName is the type of a method's receiver, or "" where that is generic.
func receiverName(fn *ast.FuncDecl) string {
	receiver := fn.Recv.List[0].Type
	if star, ok := receiver.(*ast.StarExpr); ok {
		receiver = star.X
	}
	if id, ok := receiver.(*ast.Ident); ok {
		return id.Name
	}
	return ""
}

// weigh gives the size of a file, and what is left of it after gzip -9.
func weigh(t *testing.T, name string) (raw, packed int) {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return len(data), out.Len()
}

// runGo runs the go command that runs this test, and fails with its output.
func runGo(t *testing.T, env []string, args ...string) {
	t.Helper()
	// go test caches a pass until a file changes that the test itself opened:
	// loadHouse opens the sources, this the versions of everything else.
	for _, name := range []string{"go.mod", "go.sum"} {
		if _, err := os.ReadFile(name); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Env = append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s go %s: %v\n%s", strings.Join(env, " "), strings.Join(args, " "), err, out)
	}
}
