//go:build !js

package temporary_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/kdelta/kdelta/internal/temporary"
)

// TestSweep removes what a process that is gone has left long ago, and nothing else.
func TestSweep(t *testing.T) {
	gone := exec.Command(os.Args[0], "-test.run", "^$")
	if err := gone.Run(); err != nil {
		t.Fatal(err)
	}
	dead := strconv.Itoa(gone.Process.Pid)
	dir := t.TempDir()
	old := time.Now().Add(-2 * time.Hour)
	make := func(name string, at time.Time) {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	f, err := temporary.File(dir, "a.db-instance-")
	if err != nil {
		t.Fatal(err)
	}
	own := filepath.Base(f.Name())
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	make(own, old)
	folder, err := temporary.Folder(dir, "."+dead+"-1-kept-")
	if err != nil {
		t.Fatal(err)
	}
	left := filepath.Join(dir, ".restore-"+dead+"-7")
	if err := os.MkdirAll(filepath.Join(left, "inner"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(left, old, old); err != nil {
		t.Fatal(err)
	}
	make("a.db-instance-"+dead+"-123", old)
	kept := []string{
		own, filepath.Base(folder), "a.db-instance", "a.db-instance-" + dead, "a.db-instance-" + dead + "-x", "a.db-instance--1",
		"b.db-instance-" + dead + "-123", "a.db-instance-" + dead + "-124",
	}
	for _, name := range kept[2:7] {
		make(name, old)
	}
	make(kept[7], time.Now())
	temporary.Sweep(dir, "a.db-instance-", ".restore-")
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	slices.Sort(kept)
	if !slices.Equal(names, kept) {
		t.Errorf("what is left is %q, want %q", names, kept)
	}
	temporary.Sweep(filepath.Join(dir, "never made"), "a")
}
