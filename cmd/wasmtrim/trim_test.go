package main

import (
	"errors"
	"go/build"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestTrimmedModuleRuns builds a program that grows its stack, collects garbage, switches goroutines and recovers, and runs
// it trimmed: it ends with status 0 if all of that went right.
func TestTrimmedModuleRuns(t *testing.T) {
	dir := t.TempDir()
	whole, small := filepath.Join(dir, "whole.wasm"), filepath.Join(dir, "small.wasm")
	compile := exec.CommandContext(t.Context(), "go", "build", "-ldflags=-s -w", "-o", whole, "./testdata/program.go")
	compile.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm")
	if out, err := compile.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := run([]string{whole, small}); err != nil {
		t.Fatal(err)
	}
	before, err := os.Stat(whole)
	if err != nil {
		t.Fatal(err)
	}
	after, err := os.Stat(small)
	if err != nil {
		t.Fatal(err)
	}
	if after.Size() >= before.Size() {
		t.Errorf("trimmed: %d bytes, before %d", after.Size(), before.Size())
	}
	if err := run([]string{small, filepath.Join(dir, "twice.wasm")}); !errors.Is(err, errShape) {
		t.Errorf("trimmed twice: %v, want an error of shape", err)
	}
	if _, err := exec.LookPath("node"); err != nil {
		t.Log("node is not installed: the module was not run")
		return
	}
	program := exec.CommandContext(t.Context(), "node", filepath.Join(build.Default.GOROOT, "lib", "wasm", "wasm_exec_node.js"), small)
	program.Env = append(os.Environ(), "GOGC=1")
	if out, err := program.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestStrangersAreLeft(t *testing.T) {
	for name, data := range map[string]string{
		"nothing":   "",
		"a text":    "not a module",
		"no data":   header,
		"cut short": header + "\x0b\x7f\x01",
	} {
		if out, err := trim([]byte(data)); out != nil || !errors.Is(err, errShape) {
			t.Errorf("%s: %v, want an error of shape", name, err)
		}
	}
}
