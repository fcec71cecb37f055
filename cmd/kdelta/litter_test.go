package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// What a backup and a restore that were killed have left goes with the next one, and what is young stays.
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
}
