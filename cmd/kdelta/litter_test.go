package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// What a backup, a restore and an adoption that were killed have left goes with the next one, or with compact, and what is young
// stays.
func TestLeftByKilledProcesses(t *testing.T) {
	s := newShell(t)
	s.ok("set", "a/b", "1")
	dir := filepath.Dir(s.db)
	const gone = "1073741824-5" // no process has that number
	long := time.Now().Add(-2 * time.Hour)
	lies := func(name string) bool {
		_, err := os.Stat(filepath.Join(dir, name))
		return !errors.Is(err, fs.ErrNotExist)
	}
	old, young, folder := unfinishedBackup+gone, unfinishedBackup+gone+"6", unfinishedRestore+gone
	err := errors.Join(
		os.WriteFile(filepath.Join(dir, old), nil, 0o600), os.Chtimes(filepath.Join(dir, old), long, long),
		os.WriteFile(filepath.Join(dir, young), nil, 0o600),
		os.MkdirAll(filepath.Join(dir, folder), 0o700), os.Chtimes(filepath.Join(dir, folder), long, long),
	)
	if err != nil {
		t.Fatal(err)
	}
	backup := filepath.Join(dir, "x.bak")
	s.ok("backup", backup)
	if lies(old) || !lies(young) {
		t.Errorf("after a backup the old one lies there %t, the young one %t", lies(old), lies(young))
	}
	s.db = filepath.Join(dir, "restored.db")
	s.ok("restore", backup)
	if lies(folder) {
		t.Error("after a restore the folder of the one before lies there")
	}

	adoption := unfinishedAdoption + gone
	leave := func() {
		t.Helper()
		err := errors.Join(
			os.MkdirAll(filepath.Join(dir, adoption), 0o700),
			os.WriteFile(filepath.Join(dir, adoption, "x.db"), nil, 0o600),
			os.Chtimes(filepath.Join(dir, adoption), long, long),
		)
		if err != nil {
			t.Fatal(err)
		}
	}
	leave()
	s.ok("compact")
	if lies(adoption) || !lies(young) {
		t.Errorf("after compact the folder of an adoption lies there %t, the young backup %t", lies(adoption), lies(young))
	}
	leave()
	invite := strings.TrimSpace(s.ok("invite"))
	s.db = filepath.Join(dir, "alone.db")
	s.ok("set", "a/c", "1")
	s.ok("join", "--adopt", invite)
	if lies(adoption) {
		t.Error("after an adoption the folder of the one before lies there")
	}
}
