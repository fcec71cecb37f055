package kdelta_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"go/build"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// wasmLimit is what a module with the core may weigh in a browser, trimmed, by
// Go's gzip at its best level, which is within 0.7 % of gzip -9: what was
// promised, 1 MB. See doc/decisions/2026-11-24-wasm-size.md.
const wasmLimit = 1_000_000

// wasmSmall are the flags for a small module: no inlining where it makes code
// longer and nothing faster that counts.
var wasmSmall = []string{
	"build", "-trimpath", "-ldflags=-s -w",
	"-gcflags=" + modulePath + "/...=-l", "-gcflags=fmt=-l", "-gcflags=strings=-l", "-gcflags=time=-l",
	"-gcflags=context=-l", "-gcflags=sort=-l", "-gcflags=log=-l", "-gcflags=os=-l", "-gcflags=syscall=-l", "-gcflags=syscall/js=-l",
}

// core lists what a browser runs, beside its own adapters. "x/..." includes
// what is under x.
var core = []string{
	"internal/...", "identity", "transport", "transport/pipe", "transport/ws", "transport/noise", "crdt/...",
	"history", "history/pack", "query", "store", "store/memory", "protocol", "replica",
}

// TestCoreBuildsForWASM compiles the core for js/wasm, then links the small
// application in internal/wasmsize and weighs it.
func TestCoreBuildsForWASM(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds the core twice")
	}
	packages := corePackages(t)
	if len(packages) == 0 {
		t.Fatal("no package of the core exists: the table core does not fit the tree")
	}
	args := []string{"build"}
	for _, dir := range packages {
		args = append(args, "./"+dir)
	}
	runGo(t, []string{"GOOS=js", "GOARCH=wasm"}, args...)

	module := buildTrimmed(t, wasmSmall...)
	runWASM(t, module)
	raw, packed := weigh(t, module)
	t.Logf("a module with the core: %d bytes, %d after gzip -9 (limit %d)", raw, packed, wasmLimit)
	if packed > wasmLimit {
		t.Errorf("a module with the core weighs %d bytes after gzip -9, %d above the limit: find what came in with `GOOS=js GOARCH=wasm go list -deps ./internal/wasmsize`",
			packed, packed-wasmLimit)
	}
}

// TestUnoptimizedCoreRunsTrimmed runs the small application trimmed when the
// core is compiled without optimization: nearly all is a variable then, in the
// frame, whose words cmd/wasmtrim must not take for the compiler's own.
func TestUnoptimizedCoreRunsTrimmed(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds the core once more")
	}
	runWASM(t, buildTrimmed(t, "build", "-trimpath", "-gcflags="+modulePath+"/...=-N -l"))
}

// buildTrimmed builds the small application and trims it.
func buildTrimmed(t *testing.T, build ...string) (module string) {
	t.Helper()
	dir := t.TempDir()
	linked, module := filepath.Join(dir, "linked.wasm"), filepath.Join(dir, "core.wasm")
	runGo(t, []string{"GOOS=js", "GOARCH=wasm"}, append(slices.Clone(build), "-o", linked, "./internal/wasmsize")...)
	runGo(t, nil, "run", "./cmd/wasmtrim", linked, module)
	return module
}

// TestBuildsWithoutCGO builds every package and links every program the way a
// machine without a C compiler does.
func TestBuildsWithoutCGO(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds everything once more")
	}
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

// runWASM runs a module, if there is a node to run it.
func runWASM(t *testing.T, module string) {
	t.Helper()
	if _, err := exec.LookPath("node"); err != nil {
		t.Log("node is not installed: the module was not run")
		return
	}
	host := filepath.Join(build.Default.GOROOT, "lib", "wasm", "wasm_exec_node.js")
	if out, err := exec.CommandContext(t.Context(), "node", "--stack-size=8192", host, module).CombinedOutput(); err != nil {
		t.Errorf("the trimmed module does not run: %v\n%s", err, out)
	}
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
