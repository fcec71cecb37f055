package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/kdelta/kdelta/store"
	"github.com/kdelta/kdelta/store/storetest"
)

// A store that fails at any of its writes ends the command with its reason, and leaves what was there.
func TestStoreThatFails(t *testing.T) {
	s := newShell(t)
	s.ok("set", "a/b", "1")
	before := s.ok("export")
	for _, fault := range []error{store.ErrFull, store.ErrBusy} {
		for _, site := range []storetest.Site{storetest.Begin, storetest.Write, storetest.Commit} {
			for nth := 1; nth <= 3; nth++ {
				s.plan = storetest.Plan{{Site: site, Nth: nth, Times: -1, Err: fault}}
				out := s.run("set", "a/b", "2")
				s.plan = nil
				if out.code == exitDone && nth > 1 {
					continue // fewer events than nth
				}
				if out.code != exitFailed || out.stdout != "" || !strings.Contains(out.stderr, strings.TrimPrefix(fault.Error(), "store: ")) {
					t.Errorf("%v at %s %d: exit code %d, %q, %q", fault, site, nth, out.code, out.stdout, out.stderr)
				}
				if got := s.ok("export"); got != before {
					t.Errorf("%v at %s %d: the refused write is there: %s", fault, site, nth, got)
				}
			}
			s.ok("set", "a/b", "1")
		}
	}
}

// Space that runs out during an import takes the whole import back.
func TestDiskFullDuringImport(t *testing.T) {
	s := newShell(t)
	s.ok("set", "a/b", "1")
	rows := strings.Repeat(`{"n":1}`+"\n", 100)
	for _, nth := range []int{1, 50, 100} {
		s.stdin = strings.NewReader(rows)
		s.plan = storetest.Plan{{Site: storetest.Write, Nth: nth, Times: -1, Err: store.ErrFull}}
		out := s.run("import", "rows", "-")
		s.plan = nil
		if out.code != exitFailed || !strings.Contains(out.stderr, "no space left") {
			t.Errorf("write %d: exit code %d, %s", nth, out.code, out.stderr)
		}
		if got := s.ok("list", "rows"); got != "" {
			t.Errorf("write %d left %q", nth, got)
		}
	}
}

// A database of a later kdelta is left alone, byte for byte.
func TestNewerSchemaIsRefused(t *testing.T) {
	s := newShell(t)
	s.ok("set", "a/b", "1")
	other := newShell(t)
	other.ok("set", "a/b", "1")
	f, err := os.OpenFile(s.db, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	const userVersion = 60 // where SQLite's header has it, 4 bytes, big endian
	if _, err := f.WriteAt([]byte{0, 0, 0, 99}, userVersion); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(s.db)
	if err != nil {
		t.Fatal(err)
	}
	expectRefusal(t, s.run("get", "a/b"), exitFailed, "newer kdelta")
	expectRefusal(t, s.run("set", "a/b", "2"), exitFailed, "newer kdelta")
	expectRefusal(t, other.run("sync", s.db), exitFailed, "newer kdelta")
	after, err := os.ReadFile(s.db)
	if err != nil {
		t.Fatal(err)
	}
	if string(after) != string(before) {
		t.Error("the file was changed")
	}
}

// The id of a version names it by its first six digits or more, in either case.
func TestVersionsByTheirIDs(t *testing.T) {
	s := newShell(t)
	var first writtenJSON
	if err := json.Unmarshal([]byte(s.ok("--json", "set", "a/b", `"old"`)), &first); err != nil {
		t.Fatal(err)
	}
	s.ok("set", "a/b", `"new"`)
	for _, id := range []string{first.ID, first.ID[:6], strings.ToUpper(first.ID[:10]), first.Version} {
		if got := s.ok("get", "a/b", "--at", id); got != "\"old\"\n" {
			t.Errorf("--at %s: %s", id, got)
		}
	}
	for _, id := range []string{first.ID[:5], first.ID + "a", first.ID[:63] + "z"} {
		if out := s.run("get", "a/b", "--at", id); out.code != exitNotFound {
			t.Errorf("--at %s: exit code %d, %s", id, out.code, out.stderr)
		}
	}
}
