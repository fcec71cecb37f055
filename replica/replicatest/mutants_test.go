package replicatest

import (
	"context"
	"errors"
	"flag"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

var mutantsFlag = flag.Bool("mutants", false, "run TestMutants with -short too")

// mutant is one bug planted in the engine.
type mutant struct{ invariant, file, before, after string }

// readMutant reads testdata/mutants/NAME.txt: the invariant that breaks, the file, and the text to replace in it.
func readMutant(t *testing.T, path string) mutant {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(b), "--- before\n")
	before, after, ok2 := strings.Cut(rest, "--- after\n")
	invariant, file, ok3 := strings.Cut(strings.TrimPrefix(head, "invariant: "), "\nfile: ")
	if !ok || !ok2 || !ok3 {
		t.Fatalf("%s is not a mutant: want invariant, file, before and after", path)
	}
	return mutant{invariant, strings.TrimSpace(file), before, after}
}

// TestMutants plants each bug in a copy of the module, and asks that the world finds it.
func TestMutants(t *testing.T) {
	if testing.Short() && !*mutantsFlag {
		t.Skip("it builds the engine once for each mutant: run it with -mutants")
	}
	files, err := filepath.Glob("testdata/mutants/*.txt")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d mutants, %v", len(files), err)
	}
	root := t.TempDir()
	copyModule(t, "../..", root)
	slots := make(chan struct{}, runtime.GOMAXPROCS(0)) // a build is mostly one package behind the other
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			t.Parallel()
			m := readMutant(t, file)
			slots <- struct{}{}
			defer func() { <-slots }()
			out, err := m.run(t, root, 600)
			var exit *exec.ExitError
			switch {
			case err == nil:
				t.Errorf("nobody sees it: %s", m.invariant)
			case !errors.As(err, &exit) || !strings.Contains(out, "replay: "):
				t.Fatalf("the worlds did not run: %v\n%s", err, out)
			default:
				_, found, _ := strings.Cut(out, "seed ")
				first, _, _ := strings.Cut("seed "+found, "\n")
				t.Logf("%s\nfound by %s", m.invariant, first)
			}
		})
	}
}

// TestSlices runs worlds in which each version that came is a commit of its own, where others have one for a pack: they must
// hold as well, wherever a crash cuts a pack in two.
func TestSlices(t *testing.T) {
	if testing.Short() && !*mutantsFlag {
		t.Skip("it builds the engine anew: run it with -mutants")
	}
	root := t.TempDir()
	copyModule(t, "../..", root)
	m := mutant{
		file:   "replica/slice.go",
		before: "i > from && a.c.full() && !a.whole",
		after:  "i > from && !a.whole",
	}
	if out, err := m.run(t, root, 60); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// run builds the worlds with the mutant in place of its file, and runs those of the first seeds.
func (m *mutant) run(t *testing.T, root string, seeds int) (string, error) {
	path := filepath.Join(root, m.file)
	src, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Count(string(src), m.before) != 1 {
		t.Fatalf("%s holds the text to replace %d times: the mutant must follow the code", m.file, strings.Count(string(src), m.before))
	}
	dir := t.TempDir()
	changed, overlay := filepath.Join(dir, filepath.Base(m.file)), filepath.Join(dir, "overlay.json")
	text := strings.Replace(string(src), m.before, m.after, 1)
	if err := os.WriteFile(changed, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(overlay, []byte(`{"Replace":{"`+filepath.ToSlash(path)+`":"`+filepath.ToSlash(changed)+`"}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", "test", "-overlay", overlay, "-vet=off", "./replica/replicatest", "-run", "^TestWorld$", "-seeds", strconv.Itoa(seeds))
	cmd.Dir = root
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// copyModule copies what the go command needs, and nothing of version control.
func copyModule(t *testing.T, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		top, _, _ := strings.Cut(filepath.ToSlash(name), "/")
		switch {
		case d.IsDir() && (strings.HasPrefix(d.Name(), ".") && name != "." || d.Name() == "testdata" || top == "cmd" || top == "bench" || top == "tools"):
			return fs.SkipDir
		case d.IsDir():
			return os.MkdirAll(filepath.Join(to, name), 0o700)
		case strings.HasSuffix(name, "_test.go") && top != "replica", !strings.HasSuffix(name, ".go") && top != "go.mod" && top != "go.sum":
			return nil
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, name), b, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
}
