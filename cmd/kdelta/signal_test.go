package main

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
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
