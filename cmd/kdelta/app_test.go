package main

import (
	"bufio"
	"bytes"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kdelta/kdelta/store"
	"github.com/kdelta/kdelta/store/storetest"
)

// A shell runs the command inside of the test, with its own streams.
type shell struct {
	t     *testing.T
	db    string
	stdin io.Reader
	// terminal says that a person looks at the output.
	terminal bool
	// plan are faults of the store.
	plan storetest.Plan
}

func newShell(t *testing.T) *shell {
	return &shell{t: t, db: filepath.Join(t.TempDir(), "test.db"), stdin: strings.NewReader("")}
}

type outcome struct {
	stdout, stderr string
	code           int
}

// run runs the command with args on the shell's database.
func (s *shell) run(args ...string) outcome {
	s.t.Helper()
	var stdout, stderr bytes.Buffer
	a := &app{
		stdin: s.stdin, stdout: bufio.NewWriter(&stdout), stderr: &stderr,
		stdoutTTY: s.terminal, stderrTTY: s.terminal, width: 80, now: time.Now, openStore: s.open,
	}
	if !s.terminal {
		a.width = 0
	}
	code := run(append([]string{"--db", s.db}, args...), a)
	return outcome{stdout.String(), stderr.String(), code}
}

// ok runs the command and expects exit code 0.
func (s *shell) ok(args ...string) string {
	s.t.Helper()
	out := s.run(args...)
	if out.code != exitDone {
		s.t.Fatalf("kdelta %s: exit code %d\n%s", strings.Join(args, " "), out.code, out.stderr)
	}
	return out.stdout
}

// open is openSQLite with the shell's faults.
func (s *shell) open(path string, readOnly bool) (store.Store, error) {
	st, err := openSQLite(path, readOnly)
	if err != nil || s.plan == nil {
		return st, err
	}
	return storetest.Faulty(st, s.plan), nil
}
