package sqlite

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/kdelta/kdelta/store"
)

// The tests of this file run the test binary again as another process, which does what childEnv says.
const (
	childEnv  = "KDELTA_SQLITE_TEST_CHILD"  // what to do: "write", "count" or "look"
	driverEnv = "KDELTA_SQLITE_TEST_DRIVER" // a name of drivers()
	pathEnv   = "KDELTA_SQLITE_TEST_PATH"
	hinderEnv = "KDELTA_SQLITE_TEST_HINDER" // what stands in the way of "look": "modes" or "space"
)

func TestMain(m *testing.M) {
	var err error
	switch os.Getenv(childEnv) {
	case "write":
		err = childWrite()
	case "count":
		err = childCount()
	case "look":
		err = childLook()
	default:
		os.Exit(m.Run())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func child(t *testing.T, what, driver, path string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), childEnv+"="+what, driverEnv+"="+driver, pathEnv+"="+path)
	cmd.Stderr = os.Stderr
	return cmd
}

func childOpen(opts ...Option) (*Store, error) {
	return open(drivers()[os.Getenv(driverEnv)], os.Getenv(pathEnv), opts)
}

// writeNumbered is transaction n: rows in three tables that must be there together.
func writeNumbered(s *Store, n uint64) error {
	return s.Update(context.Background(), func(tx store.Tx) error {
		doc := store.Doc{Kind: "register", Value: fmt.Appendf(nil, "%d", n), Seq: n, Last: n}
		return errors.Join(
			tx.Put(store.Runs, store.IntKey(n), make([]byte, n%3000)),
			tx.Put(store.Docs, fmt.Appendf(nil, "n/%d", n), doc.Append(nil)),
			tx.Put(store.Meta, []byte("newest"), binary.BigEndian.AppendUint64(nil, n)),
		)
	})
}

// newest is the number of the newest transaction, 0 before the first.
func newest(s *Store) (uint64, error) {
	v, err := s.GetOne(context.Background(), store.Meta, []byte("newest"))
	if errors.Is(err, store.ErrNotFound) {
		return 0, nil
	} else if err != nil {
		return 0, err
	}
	return binary.BigEndian.Uint64(v), nil
}

// childWrite writes numbered transactions until it is killed and prints the number of each that was acknowledged.
func childWrite() error {
	s, err := childOpen(Durability(Normal))
	if err != nil {
		return err
	}
	n, err := newest(s)
	for err == nil {
		n++
		if err = writeNumbered(s, n); err == nil {
			_, err = fmt.Println(n)
		}
	}
	return err
}

// childLook opens the file for reading, as somebody to whom modes apply or for whom there is no room, and prints the number of the newest transaction
// or why it cannot: now, and again for each line that it is given.
func childLook() error {
	if err := hinder(os.Getenv(hinderEnv)); err != nil {
		return err
	}
	s, err := childOpen(ReadOnly())
	if err != nil {
		_, err = fmt.Println(err)
		return err
	}
	for lines := bufio.NewScanner(os.Stdin); ; {
		n, err := newest(s)
		if err == nil {
			_, err = fmt.Println(n)
		} else {
			_, err = fmt.Println(err)
		}
		if err != nil || !lines.Scan() {
			return errors.Join(err, s.Close())
		}
	}
}

// TestKill kills a writing process 30 times at drawn instants: what it acknowledged is there, and whole.
func TestKill(t *testing.T) {
	for name, d := range drivers() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "killed.db")
			draw := rand.New(rand.NewPCG(7, 7))
			acked := uint64(0)
			for range 30 {
				acked = max(acked, killedChild(t, name, path, time.Duration(draw.IntN(20_000))*time.Microsecond))
				checkNumbered(t, d, path, acked)
			}
			if acked < 30 {
				t.Errorf("only %d transactions in all: the kills came before the writes", acked)
			}
		})
	}
}

// killedChild runs a writing child, kills it some time after its first acknowledgement, and returns the last one.
func killedChild(t *testing.T, driver, path string, after time.Duration) (acked uint64) {
	t.Helper()
	cmd := child(t, "write", driver, path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if acked == 0 {
			time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
		}
		if acked, err = strconv.ParseUint(lines.Text(), 10, 64); err != nil {
			t.Fatalf("the child printed %q", lines.Text())
		}
	}
	if err := cmd.Wait(); cmd.ProcessState.Exited() {
		t.Fatalf("the child ended by itself: %v", err)
	}
	return acked
}

// checkNumbered opens the file and checks that it holds transactions 1 to at least acked, each of them whole.
func checkNumbered(t *testing.T, d door, path string, acked uint64) {
	t.Helper()
	s, err := open(d, path, nil)
	if err != nil {
		t.Fatalf("Open after a kill: %v", err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}()
	if err := s.Check(t.Context()); err != nil {
		t.Errorf("Check after a kill: %v", err)
	}
	last, err := newest(s)
	if err != nil || last < acked {
		t.Fatalf("the newest transaction is %d, %v; %d was acknowledged", last, err, acked)
	}
	err = s.View(t.Context(), func(tx store.Tx) error {
		n := uint64(0)
		for row, err := range tx.Scan(store.Runs, store.Range{}) {
			if err != nil {
				return err
			}
			n++
			if got := store.KeyInt(row.Key); got != n || uint64(len(row.Value)) != n%3000 {
				return fmt.Errorf("run %d has number %d and %d bytes", n, got, len(row.Value))
			}
			if _, err := tx.Get(store.Docs, fmt.Appendf(nil, "n/%d", n)); err != nil {
				return fmt.Errorf("document %d: %w", n, err)
			}
		}
		if n != last {
			return fmt.Errorf("%d runs, but the newest transaction is %d", n, last)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// countTimes is how often each of two processes adds to the counter.
const countTimes = 2000

func addToCounter(s *Store) error {
	return s.Update(context.Background(), func(tx store.Tx) error {
		var n uint64
		switch v, err := tx.Get(store.Meta, []byte("counter")); {
		case err == nil:
			n = binary.BigEndian.Uint64(v)
		case !errors.Is(err, store.ErrNotFound):
			return err
		}
		return tx.Put(store.Meta, []byte("counter"), binary.BigEndian.AppendUint64(nil, n+1))
	})
}

func childCount() error {
	s, err := childOpen(Durability(Normal))
	if err != nil {
		return err
	}
	for range countTimes {
		if err := addToCounter(s); err != nil {
			return err
		}
	}
	return s.Close()
}

// TestTwoProcesses lets two processes make the database at once and add to one counter.
func TestTwoProcesses(t *testing.T) {
	for name, d := range drivers() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "folder", "shared.db")
			one, two := child(t, "count", name, path), child(t, "count", name, path)
			for _, cmd := range []*exec.Cmd{one, two} {
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
			}
			for _, cmd := range []*exec.Cmd{one, two} {
				if err := cmd.Wait(); err != nil {
					t.Errorf("a process failed: %v", err)
				}
			}
			s, err := open(d, path, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			v, err := s.GetOne(t.Context(), store.Meta, []byte("counter"))
			if err != nil || binary.BigEndian.Uint64(v) != 2*countTimes {
				t.Errorf("the counter is %x, %v; want %d", v, err, 2*countTimes)
			}
		})
	}
}

// TestOpenAtOnce opens one new database from many goroutines.
func TestOpenAtOnce(t *testing.T) {
	eachDriver(t, func(t *testing.T, d door) {
		path := filepath.Join(t.TempDir(), "new", "new.db")
		const openers = 8
		errs := make(chan error, openers)
		for range openers {
			go func() {
				s, err := open(d, path, []Option{Durability(Normal)})
				if err == nil {
					err = errors.Join(addToCounter(s), s.Close())
				}
				errs <- err
			}()
		}
		for range openers {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
		s := openTest(t, d, path)
		if v, err := s.GetOne(t.Context(), store.Meta, []byte("counter")); err != nil || binary.BigEndian.Uint64(v) != openers {
			t.Errorf("the counter is %x, %v; want %d", v, err, openers)
		}
	})
}
