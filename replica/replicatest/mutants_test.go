package replicatest

import (
	"context"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

var mutantsFlag = flag.Bool("mutants", false, "run TestMutants with -short too")

// mutant is one bug planted in the engine.
type mutant struct{ name, invariant, file, before, after string }

// eachAlone lets each version that came be a commit of its own, where others have one for a pack.
var eachAlone = mutant{
	name:   "each-version-alone",
	file:   "replica/slice.go",
	before: "i > from && a.c.full() && !a.whole",
	after:  "i > from && !a.whole",
}

// readMutants reads testdata/mutants.
func readMutants(t *testing.T) (mutants []mutant) {
	t.Helper()
	files, err := filepath.Glob("testdata/mutants/*.txt")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d mutants, %v", len(files), err)
	}
	for _, file := range files {
		mutants = append(mutants, readMutant(t, file))
	}
	return mutants
}

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
	return mutant{strings.TrimSuffix(filepath.Base(path), ".txt"), invariant, strings.TrimSpace(file), before, after}
}

// TestMutantsFit: whoever changes the engine hears at once that a mutant has lost its place in it.
func TestMutantsFit(t *testing.T) {
	plantAll(t, "../..", append(readMutants(t), eachAlone))
}

// TestMutants plants bugs in the engine, one at a time, and asks that the worlds find each of them. They must not find what is
// none, wherever a crash cuts a pack in two.
func TestMutants(t *testing.T) {
	if testing.Short() && !*mutantsFlag {
		t.Skip("it builds the engine anew: run it with -mutants")
	}
	mutants := readMutants(t)
	worlds := buildPlanted(t, append(mutants, eachAlone))
	for _, m := range mutants {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			out, err := runPlanted(t, worlds, m.name, 600)
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
	t.Run(eachAlone.name, func(t *testing.T) {
		t.Parallel()
		if out, err := runPlanted(t, worlds, eachAlone.name, 60); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	})
}

// runPlanted runs the worlds of the first seeds with a mutant, in the order of their seeds.
func runPlanted(t *testing.T, worlds, name string, seeds int) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, worlds, "-test.run", "^TestWorld$", "-seeds", strconv.Itoa(seeds))
	cmd.Env = append(os.Environ(), plantEnv+"="+name, "GOMAXPROCS=1")
	out, err := cmd.CombinedOutput()
	return string(out), err
}
