package main

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"
)

// writes keeps what was written, call by call.
type writes []string

func (w *writes) Write(p []byte) (int, error) {
	*w = append(*w, string(p))
	return len(p), nil
}

// TestAPersonSeesLinesAsTheyCome: on a terminal a listing that takes long shows each line when it is there; in a pipe, many at once.
func TestAPersonSeesLinesAsTheyCome(t *testing.T) {
	s := newShell(t)
	var keys []string
	for i := range 40 { // more than are looked for at first
		keys = append(keys, fmt.Sprintf("notes/%02d\n", i))
		s.ok("set", strings.TrimSpace(keys[i]), `1`)
	}
	list := func(terminal bool, args ...string) writes {
		var out writes
		a := &app{
			stdin: s.stdin, stdout: bufio.NewWriter(&out), stderr: io.Discard, stdoutTTY: terminal, plain: true, now: time.Now,
			openStore: openSQLite,
		}
		if code := run(append([]string{"--db", s.db}, args...), a); code != exitDone {
			t.Fatalf("%v: exit code %d", args, code)
		}
		return out
	}
	for _, args := range [][]string{{"list", "notes"}, {"list", "notes", "--at", "now"}} {
		if got := list(true, args...); !slices.Equal(got, keys) {
			t.Errorf("%v on a terminal writes %q", args, got)
		}
		if got := list(false, args...); len(got) != 1 || got[0] != strings.Join(keys, "") {
			t.Errorf("%v in a pipe writes %q", args, got)
		}
	}
}
