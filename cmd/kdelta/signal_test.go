package main

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// Ctrl-C ends a command that waits for its standard input, and nothing is written.
func TestInterruptWhileWaitingForInput(t *testing.T) {
	for _, args := range [][]string{{"set", "a/b", "-"}, {"import", "a", "-"}} {
		db := filepath.Join(t.TempDir(), "x.db")
		cmd := exec.Command("kdelta", append([]string{"--db", db}, args...)...)
		stdin, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_ = cmd.Wait() // its exit code is looked at below
		}()
		// What fills a pipe that nobody reads from is waited for: once it is written, the command reads, and its
		// signal handler is in place.
		if _, err := stdin.Write(bytes.Repeat([]byte(" "), 200_000)); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			_ = cmd.Process.Kill()
			t.Fatalf("kdelta %s did not end", strings.Join(args, " "))
		}
		if code := cmd.ProcessState.ExitCode(); code != exitFailed || stderr.String() != "kdelta: interrupted\n" {
			t.Errorf("kdelta %s: exit code %d, %s", strings.Join(args, " "), code, stderr.String())
		}
		if _, err := os.Stat(db); err == nil {
			t.Errorf("kdelta %s made a file", strings.Join(args, " "))
		}
	}
}

// Ctrl-C is how a watch is ended.
func TestInterruptOfAWatch(t *testing.T) {
	s := newShell(t)
	s.ok("set", "a/b", "1")
	cmd := exec.Command("kdelta", "--db", s.db, "watch", "--since", "0")
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stuck := time.AfterFunc(10*time.Second, func() { _ = cmd.Process.Kill() })
	defer stuck.Stop()
	if line, err := bufio.NewReader(stdout).ReadString('\n'); err != nil || !strings.Contains(line, "a/b  1") {
		t.Errorf("it told %q, %v", line, err)
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil || stderr.Len() > 0 {
		t.Errorf("it ended with %v, %s", err, stderr.String())
	}
}

// newFIFO makes a pipe that has a name: who reads from it waits until somebody writes, and the other way round.
func newFIFO(t *testing.T) string {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("its pipes stand in no folder")
	}
	path := filepath.Join(t.TempDir(), "fifo")
	if out, err := exec.Command("mkfifo", path).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return path
}

// What a command of --exec has started may outlive the watch: it ends all the same.
func TestInterruptOfAWatchWhoseCommandHangs(t *testing.T) {
	fifo := newFIFO(t)
	s := newShell(t)
	s.ok("set", "a/b", "1")
	cmd := exec.Command("kdelta", "--db", s.db, "watch", "--since", "0", "--exec", "cat "+fifo+"; true")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stuck := time.AfterFunc(30*time.Second, func() { _ = cmd.Process.Kill() })
	defer stuck.Stop()
	hanging, err := os.OpenFile(fifo, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = hanging.Close() }()
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
}

// What a command of --exec leaves running is not waited for, though it holds on to the output: the next event is told.
func TestACommandOfAWatchThatLeavesSomethingRunning(t *testing.T) {
	fifo := newFIFO(t)
	s := newShell(t)
	s.ok("set", "a/1", "1")
	s.ok("set", "a/2", "2")
	out := s.ok("watch", "--since", "0", "-n", "2", "--exec", "cat "+fifo+" & echo $KDELTA_KEY")
	if out != "a/1\na/2\n" {
		t.Errorf("it printed %q", out)
	}
	left, err := os.OpenFile(fifo, os.O_WRONLY, 0) // ends what was left
	if err != nil {
		t.Fatal(err)
	}
	if err := left.Close(); err != nil {
		t.Fatal(err)
	}
}
