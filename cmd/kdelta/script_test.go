package main

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

var rewrite = flag.Bool("rewrite", false, "rewrite golden files with what was printed")

// atExit is for the race detector, with which each of the processes that the tests start would sleep for a second before it
// ends, to see what its goroutines still do.
const atExit = "atexit_sleep_ms=20"

// TestMain lets the test binary be the real command: the scripts and the kill test run it as a process of its own.
func TestMain(m *testing.M) {
	if _, set := os.LookupEnv("GORACE"); !set {
		_ = os.Setenv("GORACE", atExit) // fails for names that cannot be
	}
	testscript.Main(m, map[string]func(){"kdelta": main, "kdelta-writer": writeUntilKilled})
}

// TestScripts runs testdata/script: one script a command, to be read as its manual.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                "testdata/script",
		RequireUniqueNames: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("XDG_DATA_HOME", env.WorkDir+"/data")
			env.Setenv("TZ", "UTC")
			env.Setenv("GORACE", os.Getenv("GORACE"))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"code": scriptCode, "invite": scriptInvite, "drawn": scriptDrawn, "node": scriptNode, "eventually": scriptEventually,
			"cursor": scriptCursor,
		},
	})
}

// scriptCode is "code N COMMAND …": the command ends with exit code N.
func scriptCode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N COMMAND [ARG…]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("%s: %v", args[1], err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// scriptInvite is "invite DB": the variable INVITE becomes an invite into the space of that database.
func scriptInvite(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: invite DB")
	}
	ts.Check(ts.Exec("kdelta", "--db", args[0], "invite"))
	ts.Setenv("INVITE", strings.TrimSpace(ts.ReadFile("stdout")))
}

// scriptDrawn is "drawn FILE": the drawing that the last command printed, with the versions' names and nothing else.
func scriptDrawn(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: drawn FILE")
	}
	var b strings.Builder
	for row := range strings.Lines(ts.ReadFile("stdout")) {
		drawing, _, _ := strings.Cut(strings.TrimSuffix(row, "\n"), "  20")
		b.WriteString(drawing + "\n")
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(b.String()), 0o600))
}

// scriptPatience bounds what a script waits for; nothing that works comes near it.
const scriptPatience = 20 * time.Second

// scriptNode is "node DB": once a node runs on that database, the variable NODE becomes the address that it is reached at, and ADDR the
// one that it listens at.
func scriptNode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: node DB")
	}
	var n nodeJSON
	for end := time.Now().Add(scriptPatience); n.Listening == ""; time.Sleep(10 * time.Millisecond) {
		text, err := os.ReadFile(ts.MkAbs(args[0]) + nodeSuffix)
		if err == nil {
			ts.Check(json.Unmarshal(text, &n))
		}
		if time.Now().After(end) {
			ts.Fatalf("no node listens for %s", args[0])
		}
	}
	ts.Setenv("NODE", n.Listening)
	ts.Setenv("ADDR", strings.TrimSuffix(strings.TrimPrefix(n.Listening, "ws://"), syncPath))
}

// scriptEventually is "eventually PATTERN COMMAND …": the command, run again and again, comes to print what matches.
func scriptEventually(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: eventually PATTERN COMMAND [ARG…]")
	}
	want, err := regexp.Compile("(?m)" + args[0])
	ts.Check(err)
	for end := time.Now().Add(scriptPatience); ; time.Sleep(10 * time.Millisecond) {
		err := ts.Exec(args[1], args[2:]...)
		if err == nil && want.MatchString(ts.ReadFile("stdout")) {
			return
		}
		if time.Now().After(end) {
			ts.Fatalf("%s never printed %q: %v", strings.Join(args[1:], " "), args[0], err)
		}
	}
}

// scriptCursor is "cursor": the variable CURSOR becomes the cursor of the last event that was printed.
func scriptCursor(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: cursor")
	}
	var event eventJSON
	lines := strings.Split(strings.TrimSpace(ts.ReadFile("stdout")), "\n")
	ts.Check(json.Unmarshal([]byte(lines[len(lines)-1]), &event))
	ts.Setenv("CURSOR", event.Cursor)
}

// golden compares got with the file at path, or rewrites that.
func golden(t *testing.T, path, got string) {
	t.Helper()
	if *rewrite {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("differs from %s (go test -rewrite accepts it):\n%s", path, got)
	}
}
