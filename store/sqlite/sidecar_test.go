package sqlite

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"testing"
	"time"
)

func TestSidecar(t *testing.T) {
	eachDriver(t, func(t *testing.T, d door) {
		dir := t.TempDir()
		s := openTest(t, d, filepath.Join(dir, "data.db"))
		left := s.Sidecar() + "-1073741824-5" // of a process that was killed
		long := time.Now().Add(-2 * time.Hour)
		if err := errors.Join(os.WriteFile(left, nil, 0o600), os.Chtimes(left, long, long)); err != nil {
			t.Fatal(err)
		}
		if b, err := s.ReadSidecar(); b != nil || err != nil {
			t.Errorf("ReadSidecar where there is none = %x, %v", b, err)
		}
		for _, want := range [][]byte{[]byte("first"), bytes.Repeat([]byte{7}, slotBytes), {1}} {
			if err := s.WriteSidecar(want); err != nil {
				t.Fatal(err)
			}
			if got, err := s.ReadSidecar(); err != nil || !bytes.Equal(got, want) {
				t.Errorf("ReadSidecar = %x, %v; want %x", got, err, want)
			}
		}
		there, err := filepath.Glob(filepath.Join(dir, "*-instance*"))
		if err != nil || len(there) != 1 || there[0] != s.Sidecar() {
			t.Errorf("files of the sidecar: %v, %v; want %s alone", there, err, s.Sidecar())
		}
		if err := s.WriteSidecar(make([]byte, slotBytes+1)); err == nil {
			t.Error("WriteSidecar of more than a slot holds: no error")
		}
		if got, err := s.ReadSidecar(); err != nil || !bytes.Equal(got, []byte{1}) {
			t.Errorf("ReadSidecar = %x, %v; want what was written before", got, err)
		}
		if err := os.WriteFile(s.Sidecar(), make([]byte, 10*sidecarLimit), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := s.ReadSidecar(); err != nil || len(got) > sidecarLimit {
			t.Errorf("ReadSidecar of a huge file: %d bytes, %v", len(got), err)
		}
		if err := s.WriteSidecar([]byte("again")); err != nil {
			t.Fatal(err)
		}
		if got, err := s.ReadSidecar(); err != nil || string(got) != "again" {
			t.Errorf("ReadSidecar = %x, %v; want what was written over the huge file", got, err)
		}
	})
}

func TestFileIdentity(t *testing.T) {
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a.db"), filepath.Join(dir, "b.db")
	identity := func(path string) string {
		t.Helper()
		s := openTest(t, native(), path)
		id, err := s.FileIdentity()
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		return id
	}
	first := identity(a)
	if runtime.GOOS == "linux" && !regexp.MustCompile(`^\d+:\d+$`).MatchString(first) {
		t.Errorf("FileIdentity = %q, want device:inode", first)
	}
	if again := identity(a); again != first {
		t.Errorf("FileIdentity became %q from %q", again, first)
	}
	raw, err := os.ReadFile(a)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(b, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" && identity(b) == first {
		t.Error("a copy has the identity of the original")
	}
	if err := os.Rename(a, filepath.Join(dir, "c.db")); err != nil {
		t.Fatal(err)
	}
	if moved := identity(filepath.Join(dir, "c.db")); moved != first {
		t.Errorf("FileIdentity became %q from %q by a rename", moved, first)
	}
}

func TestBootID(t *testing.T) {
	s := openTest(t, native(), filepath.Join(t.TempDir(), "data.db"))
	if id := s.BootID(); runtime.GOOS == "linux" && id == "" || id != s.BootID() {
		t.Errorf("BootID = %q, then %q", id, s.BootID())
	}
}
