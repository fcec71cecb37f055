//go:build unix

package sqlite

import (
	"bufio"
	"errors"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/kdelta/kdelta/store"
)

// hinder makes the process one to which modes apply, or for which there is no room on any disk: no file grows beyond a few bytes.
func hinder(by string) error {
	if by == "modes" {
		return dropPrivileges()
	}
	const few = 16
	signal.Ignore(syscall.SIGXFSZ)
	return syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: few, Max: few})
}

// dropPrivileges makes the process one that modes apply to.
func dropPrivileges() error {
	if os.Geteuid() != 0 {
		return nil
	}
	const nobody = 65534
	return errors.Join(syscall.Setgroups(nil), syscall.Setgid(nobody), syscall.Setuid(nobody))
}

// TestAFolderThatMayNotBeWrittenTo reads databases as somebody who may look into their folder and do nothing else there.
func TestAFolderThatMayNotBeWrittenTo(t *testing.T) {
	for name, d := range drivers() {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "app.db")
			allow := func(folder, files os.FileMode) {
				t.Helper()
				found, err := filepath.Glob(path + "*")
				for _, file := range found {
					err = errors.Join(err, os.Chmod(file, files))
				}
				if err = errors.Join(err, os.Chmod(filepath.Dir(dir), 0o755), os.Chmod(dir, folder)); err != nil {
					t.Fatal(err)
				}
			}
			t.Cleanup(func() { allow(0o755, 0o644) })
			write := func(n uint64) *Store {
				t.Helper()
				allow(0o755, 0o644)
				s, err := open(d, path, nil)
				if err == nil {
					err = writeNumbered(s, n)
				}
				if err != nil {
					t.Fatal(err)
				}
				allow(0o555, 0o444)
				return s
			}
			shut := func(s *Store) {
				t.Helper()
				allow(0o755, 0o644)
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				allow(0o555, 0o444)
			}
			look := func(want string) {
				t.Helper()
				_, end := looker(t, name, path, "modes", want)
				end()
			}

			s := write(1)
			look("1") // through the index that the writer keeps
			shut(s)

			again, end := looker(t, name, path, "modes", "1")
			again("1")
			s = write(2)
			again("open it again")
			shut(s)
			again("open it again")
			end()
			look("2")

			// The writer dies: its log stays, and nobody may make an index of it.
			s = write(3)
			log, err := os.ReadFile(path + "-wal")
			if err != nil {
				t.Fatal(err)
			}
			shut(s)
			allow(0o755, 0o644)
			if err := os.WriteFile(path+"-wal", log, 0o644); err != nil {
				t.Fatal(err)
			}
			allow(0o555, 0o444)
			look("open the database once as a user who may write to its folder")
		})
	}
}

// TestAFullDisk reads databases where the index of the log cannot be made for want of room.
func TestAFullDisk(t *testing.T) {
	for name, d := range drivers() {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "app.db")
			write := func(n uint64) *Store {
				t.Helper()
				s, err := open(d, path, nil)
				if err == nil {
					err = writeNumbered(s, n)
				}
				if err != nil {
					t.Fatal(err)
				}
				return s
			}
			s := write(1)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			again, end := looker(t, name, path, "space", "1")
			s = write(2)
			again("open it again")
			end()
			log, err := os.ReadFile(path + "-wal")
			if err := errors.Join(err, s.Close()); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path+"-wal", log, 0o600); err != nil { // as a writer leaves it that died
				t.Fatal(err)
			}
			_, end = looker(t, name, path, "space", store.ErrFull.Error())
			end()
		})
	}
}

// looker starts a process that opens a database for reading, with something in its way, and says what it sees, which must
// contain want. It looks once more for each call of again.
func looker(t *testing.T, driver, path, by, want string) (again func(want string), end func()) {
	t.Helper()
	cmd := child(t, "look", driver, path)
	cmd.Env = append(cmd.Env, hinderEnv+"="+by)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	end = func() {
		t.Helper()
		if err := errors.Join(in.Close(), cmd.Wait()); err != nil {
			t.Error(err)
		}
	}
	lines := bufio.NewScanner(out)
	check := func(want string) {
		t.Helper()
		if !lines.Scan() || !strings.Contains(lines.Text(), want) {
			end()
			t.Fatalf("with its %s hindered it reads %q, want %q", by, lines.Text(), want)
		}
	}
	check(want)
	return func(want string) {
		t.Helper()
		if _, err := io.WriteString(in, "look\n"); err != nil {
			t.Fatal(err)
		}
		check(want)
	}, end
}
