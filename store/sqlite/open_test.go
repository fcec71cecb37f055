package sqlite

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/kdelta/kdelta/store"
)

func openTest(t *testing.T, d door, path string, opts ...Option) *Store {
	t.Helper()
	s, err := open(d, path, opts)
	if err != nil {
		t.Fatalf("Open(%q): %v", path, err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}

func putTest(t *testing.T, s *Store, table store.Table, key string, value []byte) {
	t.Helper()
	if err := s.Update(t.Context(), func(tx store.Tx) error { return tx.Put(table, []byte(key), value) }); err != nil {
		t.Fatalf("Put(%s, %q): %v", table, key, err)
	}
}

func wantMeta(t *testing.T, s *Store, key, want string) {
	t.Helper()
	got, err := s.GetOne(t.Context(), store.Meta, []byte(key))
	if err != nil || string(got) != want {
		t.Errorf("%s = %q, %v; want %q", key, got, err, want)
	}
}

// rawConn opens the file beside the store, as the sqlite3 tool would.
func rawConn(t *testing.T, d door, path string) *conn {
	t.Helper()
	c, err := d.connect(path, "rwc")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.close() })
	return c
}

func mustExec(t *testing.T, c *conn, sql string) {
	t.Helper()
	if err := c.exec(sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func TestOddNames(t *testing.T) {
	names := []string{
		"plain.db", "with space", "a?b", "a#b", "100%", "%41", "a&mode=memory", "ünï", "a'b\"c", "a+b;c=d", "-dash", ":colon",
		"trailing.", "tab\tnewline\n", "[x]*{y}|z$~!@^()", "file:x",
	}
	eachDriver(t, func(t *testing.T, d door) {
		for _, name := range names {
			dir := t.TempDir()
			s := openTest(t, d, filepath.Join(dir, "odd?#%", name), Durability(Normal))
			putTest(t, s, store.Meta, "name", []byte(name))
			if err := s.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
			entries, err := os.ReadDir(filepath.Join(dir, "odd?#%"))
			if err != nil || len(entries) != 1 || entries[0].Name() != name {
				t.Errorf("the folder of %q holds %v, %v", name, entries, err)
			}
			wantMeta(t, openTest(t, d, filepath.Join(dir, "odd?#%", name), ReadOnly()), "name", name)
		}
	})
}

func TestModes(t *testing.T) {
	if runtime.GOOS == "windows" {
		return
	}
	eachDriver(t, func(t *testing.T, d door) {
		dir := filepath.Join(t.TempDir(), "a", "b")
		s := openTest(t, d, filepath.Join(dir, "data.db"))
		putTest(t, s, store.Meta, "k", []byte("v"))
		if err := s.WriteSidecar([]byte("x")); err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		err := filepath.WalkDir(filepath.Dir(dir), func(path string, e fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := e.Info()
			want := fs.FileMode(0o600)
			if e.IsDir() {
				want = 0o700
			}
			if err == nil && info.Mode().Perm() != want {
				t.Errorf("%s has mode %v, want %v", path, info.Mode().Perm(), want)
			}
			seen[e.Name()] = true
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"data.db", "data.db-wal", "data.db-shm", "data.db-instance"} {
			if !seen[name] {
				t.Errorf("%s is not there", name)
			}
		}
		if len(seen) != 6 { // the four and the two folders
			t.Errorf("files left over: %v", seen)
		}
	})
}

func TestSymbolicLink(t *testing.T) {
	eachDriver(t, func(t *testing.T, d door) {
		dir := t.TempDir()
		target, link := filepath.Join(dir, "real", "data.db"), filepath.Join(dir, "link.db")
		putTest(t, openTest(t, d, target), store.Meta, "k", []byte("v"))
		if err := os.Symlink(target, link); err != nil {
			t.Fatal(err)
		}
		s := openTest(t, d, link)
		wantMeta(t, s, "k", "v")
		putTest(t, s, store.Meta, "k", []byte("w"))
		wantMeta(t, openTest(t, d, target), "k", "w")
		if s.Sidecar() != s.Path()+"-instance" || filepath.Base(filepath.Dir(s.Path())) != "real" {
			t.Errorf("Path() = %s, Sidecar() = %s; want them beside the real file", s.Path(), s.Sidecar())
		}
		if err := os.Symlink(filepath.Join(dir, "nothing"), filepath.Join(dir, "dangling")); err != nil {
			t.Fatal(err)
		}
		if _, err := open(d, filepath.Join(dir, "dangling"), nil); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Open of a dangling link: %v, want fs.ErrNotExist", err)
		}
	})
}

func TestRefused(t *testing.T) {
	eachDriver(t, func(t *testing.T, d door) {
		dir := t.TempDir()
		text := filepath.Join(dir, "text")
		if err := os.WriteFile(text, []byte(strings.Repeat("this is not a database\n", 100)), 0o600); err != nil {
			t.Fatal(err)
		}
		foreign := filepath.Join(dir, "foreign.db")
		c := rawConn(t, d, foreign)
		mustExec(t, c, "CREATE TABLE t(x); INSERT INTO t VALUES(1)")
		newer := filepath.Join(dir, "newer.db")
		if err := openTest(t, d, newer).Close(); err != nil {
			t.Fatal(err)
		}
		c = rawConn(t, d, newer)
		mustExec(t, c, "PRAGMA user_version = 99")
		logged := filepath.Join(dir, "logged.db")
		c = rawConn(t, d, logged)
		mustExec(t, c, "PRAGMA journal_mode = WAL; CREATE TABLE t(x)")
		if err := c.close(); err != nil {
			t.Fatal(err)
		}
		tests := []struct {
			path string
			opts []Option
			want error
			says string
		}{
			{"", nil, nil, "store/memory"},
			{":memory:", nil, nil, "store/memory"},
			{dir, nil, store.ErrForeign, "folder"},
			{"/dev/null", nil, store.ErrForeign, "device"},
			{text, nil, store.ErrForeign, "not an SQLite file"},
			{foreign, nil, store.ErrForeign, "another program"},
			{foreign, []Option{ReadOnly()}, store.ErrForeign, "another program"},
			{logged, []Option{ReadOnly()}, store.ErrForeign, "another program"},
			{newer, nil, store.ErrNewerSchema, "schema 99"},
			{newer, []Option{ReadOnly()}, store.ErrNewerSchema, "schema 99"},
			{filepath.Join(dir, "missing.db"), []Option{ReadOnly()}, fs.ErrNotExist, "missing.db"},
			{filepath.Join(text, "below", "x.db"), nil, nil, "not a directory"},
		}
		for _, test := range tests {
			before, _ := os.ReadFile(test.path)
			files, err := os.ReadDir(dir)
			if err != nil {
				t.Fatal(err)
			}
			s, err := open(d, test.path, test.opts)
			if err == nil {
				t.Errorf("Open(%q) succeeded", test.path)
				_ = s.Close()
				continue
			}
			if test.want != nil && !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("Open(%q) = %v; want %v with %q", test.path, err, test.want, test.says)
			}
			if after, _ := os.ReadFile(test.path); string(after) != string(before) {
				t.Errorf("Open(%q) changed the file that it refused", test.path)
			}
			if there, err := os.ReadDir(dir); err != nil || len(there) != len(files) {
				t.Errorf("Open(%q) left %v beside it, %v", test.path, there, err)
			}
		}
	})
}

func TestReadOnly(t *testing.T) {
	eachDriver(t, func(t *testing.T, d door) {
		path := filepath.Join(t.TempDir(), "data.db")
		writer := openTest(t, d, path)
		putTest(t, writer, store.Meta, "k", []byte("1"))
		s := openTest(t, d, path, ReadOnly())
		wantMeta(t, s, "k", "1")
		putTest(t, writer, store.Meta, "k", []byte("2"))
		wantMeta(t, s, "k", "2")
		err := s.Update(t.Context(), func(store.Tx) error {
			t.Error("fn ran")
			return nil
		})
		if !errors.Is(err, store.ErrReadOnly) {
			t.Errorf("Update = %v, want ErrReadOnly", err)
		}
		if err := s.WriteSidecar(nil); !errors.Is(err, store.ErrReadOnly) {
			t.Errorf("WriteSidecar = %v, want ErrReadOnly", err)
		}
	})
}

// TestBusy holds the write lock from another connection, which to SQLite is as good as another process.
func TestBusy(t *testing.T) {
	eachDriver(t, func(t *testing.T, d door) {
		path := filepath.Join(t.TempDir(), "data.db")
		s := openTest(t, d, path)
		putTest(t, s, store.Meta, "k", []byte("1"))
		other := rawConn(t, d, path)
		mustExec(t, other, "BEGIN IMMEDIATE")
		nothing := func(store.Tx) error {
			t.Error("fn ran")
			return nil
		}

		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
		defer cancel()
		err := s.Update(ctx, nothing)
		if !errors.Is(err, store.ErrBusy) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Update = %v, want ErrBusy and the context's error", err)
		}
		if err != nil && strings.Contains(err.Error(), "locked") {
			t.Errorf("Update = %q: what SQLite says is not for users", err)
		}
		impatient := openTest(t, d, path, BusyTimeout(30*time.Millisecond))
		if err := impatient.Update(t.Context(), nothing); !errors.Is(err, store.ErrBusy) || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Update with BusyTimeout = %v, want ErrBusy alone", err)
		}
		wantMeta(t, s, "k", "1") // readers do not wait

		done := make(chan error, 1)
		go func() {
			done <- s.Update(context.Background(), func(tx store.Tx) error { return tx.Put(store.Meta, []byte("k"), []byte("2")) })
		}()
		mustExec(t, other, "COMMIT")
		if err := <-done; err != nil {
			t.Errorf("Update that waited: %v", err)
		}
		wantMeta(t, s, "k", "2")
	})
}

// TestBusyOpen opens a file that somebody else holds whole, as during a migration.
func TestBusyOpen(t *testing.T) {
	eachDriver(t, func(t *testing.T, d door) {
		path := filepath.Join(t.TempDir(), "data.db")
		other := rawConn(t, d, path)
		mustExec(t, other, "BEGIN EXCLUSIVE")
		if _, err := open(d, path, []Option{BusyTimeout(30 * time.Millisecond)}); !errors.Is(err, store.ErrBusy) {
			t.Errorf("Open = %v, want ErrBusy", err)
		}
		type opened struct {
			s   *Store
			err error
		}
		done := make(chan opened, 1)
		go func() {
			s, err := open(d, path, nil)
			done <- opened{s, err}
		}()
		mustExec(t, other, "COMMIT")
		got := <-done
		if got.err != nil {
			t.Fatalf("Open that waited: %v", got.err)
		}
		if err := got.s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
}

func TestFull(t *testing.T) {
	eachDriver(t, func(t *testing.T, d door) {
		s := openTest(t, d, filepath.Join(t.TempDir(), "data.db"))
		putTest(t, s, store.Meta, "k", []byte("before"))
		mustExec(t, s.writer, "PRAGMA max_page_count = 1") // at once: as full as it is
		big := make([]byte, 1<<20)
		err := s.Update(t.Context(), func(tx store.Tx) error {
			if err := tx.Put(store.Meta, []byte("k"), []byte("after")); err != nil {
				t.Errorf("Put of a row that fits: %v", err)
			}
			if err := tx.Put(store.Meta, []byte("big"), big); !errors.Is(err, store.ErrFull) {
				t.Errorf("Put = %v, want ErrFull", err)
			}
			if err := tx.Put(store.Meta, []byte("k"), []byte("later")); !errors.Is(err, store.ErrFull) {
				t.Errorf("Put after a failure = %v, want the failure again", err)
			}
			return nil // swallowed
		})
		if !errors.Is(err, store.ErrFull) {
			t.Errorf("Update that swallowed a failure = %v, want ErrFull", err)
		}
		wantMeta(t, s, "k", "before")
		mustExec(t, s.writer, "PRAGMA max_page_count = 1000000")
		putTest(t, s, store.Meta, "big", big)
		wantMeta(t, s, "big", string(big))
	})
}

// TestDamage overwrites a page in the middle of the file.
func TestDamage(t *testing.T) {
	eachDriver(t, func(t *testing.T, d door) {
		path := filepath.Join(t.TempDir(), "data.db")
		s := openTest(t, d, path)
		for n := range uint64(200) {
			putTest(t, s, store.Runs, string(store.IntKey(n)), make([]byte, 1000))
		}
		if err := s.Check(t.Context()); err != nil {
			t.Errorf("Check of a sound file: %v", err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		for page := int64(20); page < 40; page++ {
			if _, err := f.WriteAt([]byte(strings.Repeat("garbage!", 512)), page*4096); err != nil {
				t.Fatal(err)
			}
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		s = openTest(t, d, path)
		if err := s.Check(t.Context()); !errors.Is(err, store.ErrCorrupt) {
			t.Errorf("Check = %v, want ErrCorrupt", err)
		}
		err = s.View(t.Context(), func(tx store.Tx) error {
			for _, err := range tx.Scan(store.Runs, store.Range{}) {
				if err != nil {
					return err
				}
			}
			return nil
		})
		if !errors.Is(err, store.ErrCorrupt) {
			t.Errorf("Scan over the damage = %v, want ErrCorrupt", err)
		}
	})
}

func TestATransactionThatIsOver(t *testing.T) {
	eachDriver(t, func(t *testing.T, d door) {
		s := openTest(t, d, filepath.Join(t.TempDir(), "data.db"))
		var kept store.Tx
		if err := s.Update(t.Context(), func(tx store.Tx) error {
			kept = tx
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if err := kept.Put(store.Meta, []byte("k"), []byte("v")); !errors.Is(err, store.ErrClosed) {
			t.Errorf("Put = %v, want ErrClosed", err)
		}
		if _, err := kept.Get(store.Meta, []byte("k")); !errors.Is(err, store.ErrClosed) {
			t.Errorf("Get = %v, want ErrClosed", err)
		}
		for _, err := range kept.Scan(store.Meta, store.Range{}) {
			if !errors.Is(err, store.ErrClosed) {
				t.Errorf("Scan = %v, want ErrClosed", err)
			}
		}
		if _, err := s.GetOne(t.Context(), store.Meta, []byte("k")); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("the late Put was written: %v", err)
		}
	})
}
