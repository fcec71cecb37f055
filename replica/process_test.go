package replica_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kdelta/kdelta/replica"
	"github.com/kdelta/kdelta/store/sqlite"
)

func durability(name string) sqlite.Option {
	if name == "full" {
		return sqlite.Durability(sqlite.Full)
	}
	return sqlite.Durability(sqlite.Normal)
}

// childWrite writes count versions to one file: PATH LABEL COUNT DURABILITY. Each tenth adds to a counter, each
// twentieth to a number in a register, by compare and set.
func childWrite(args []string) error {
	ctx := context.Background()
	count, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	f, err := openFile(args[0], durability(args[3]))
	if err != nil {
		return err
	}
	for i := range count {
		switch {
		case i%20 == 5:
			_, err = f.Update(ctx, incremented)
		case i%10 == 0:
			_, err = f.Add(ctx, "shared/counter", 1)
		default:
			_, err = f.Set(ctx, fmt.Sprintf("p/%s-%04d", args[1], i), i)
		}
		if err != nil {
			return fmt.Errorf("write %d: %w", i, err)
		}
	}
	return f.Close()
}

func incremented(tx *replica.Tx) error {
	var n int
	if _, err := tx.Get("shared/number", &n); err != nil && !errors.Is(err, replica.ErrNotFound) {
		return err
	}
	return tx.Set("shared/number", n+1)
}

// childRead reads a file that others write, until its input ends: what it has seen once never goes away.
func childRead(args []string) error {
	ctx := context.Background()
	f, err := openFile(args[0], durability("normal"))
	if err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = io.Copy(io.Discard, os.Stdin)
	}()
	keys, versions, counter := 0, 0, 0
	for last := false; ; {
		select {
		case <-ended:
			last = true
		default:
		}
		n, v, err := countAll(ctx, f.Replica)
		if err != nil {
			return err
		}
		var c int
		if _, err := f.Get(ctx, "shared/counter", &c); err != nil && !errors.Is(err, replica.ErrNotFound) {
			return err
		}
		if n < keys || v < versions || c < counter {
			return fmt.Errorf("saw %d keys, %d versions, the counter at %d after %d, %d, %d", n, v, c, keys, versions, counter)
		}
		keys, versions, counter = n, v, c
		if last {
			fmt.Println(keys, versions, counter)
			return f.Close()
		}
	}
}

func countAll(ctx context.Context, r *replica.Replica) (keys, versions int, err error) {
	for _, err := range r.List(ctx, "") {
		if err != nil {
			return 0, 0, fmt.Errorf("List: %w", err)
		}
		keys++
	}
	for e, err := range r.Log(ctx, "") {
		if err != nil {
			return 0, 0, fmt.Errorf("Log: %w", err)
		}
		versions++
		if len(e.Ops) == 0 && e.Seq == 0 {
			return 0, 0, fmt.Errorf("the log has an empty entry")
		}
		if versions == 300 {
			break // enough of it for each look; the test looks at all
		}
	}
	return keys, versions, nil
}

// Two processes write to one file while a third reads: everything is there, and the dots of the author that they share
// have no gap.
func TestTwoProcessesWriteOneFile(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		durability string
		each       int
	}{{"normal", 2000}, {"full", 200}} {
		t.Run(c.durability, func(t *testing.T) {
			each := c.each
			if testing.Short() {
				each /= 10
			}
			path := filepath.Join(t.TempDir(), "shared.db")
			stop := startReader(t, path)
			one, _ := startChild(t, "write", path, "one", strconv.Itoa(each), c.durability)
			two, _ := startChild(t, "write", path, "two", strconv.Itoa(each), c.durability)
			if err := errors.Join(one.Wait(), two.Wait()); err != nil {
				t.Fatalf("a writer failed: %v", err)
			}
			if seen, want := stop(), 2*(each-each/10-each/20)+2; seen != want {
				t.Errorf("the reader saw %d keys in the end, want %d", seen, want)
			}
			checkShared(t, path, each)
		})
	}
}

// startReader runs the process that reads; stop lets it read once more and returns how many keys it saw then.
func startReader(t *testing.T, path string) (stop func() int) {
	t.Helper()
	cmd := childCommand(t, "read", path)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	cmd.Stdout = &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return func() (keys int) {
		if err := errors.Join(in.Close(), cmd.Wait()); err != nil {
			t.Fatalf("the reader failed: %v", err)
		}
		if _, err := fmt.Sscan(out.String(), &keys); err != nil {
			t.Fatalf("the reader printed %q", out.String())
		}
		return keys
	}
}

// checkShared looks at what two writers left.
func checkShared(t *testing.T, path string, each int) {
	t.Helper()
	f := onFile(t, path)
	all := historyOf(t, f.Replica)
	if len(all) != 2*each {
		t.Fatalf("the log has %d versions, want %d", len(all), 2*each)
	}
	seqs := map[uint64]bool{}
	authors := map[string]bool{}
	for _, e := range all {
		seqs[e.Seq] = true
		authors[e.Author.String()] = true
	}
	if len(authors) != 1 {
		t.Errorf("two processes on one file wrote as %d authors", len(authors))
	}
	for seq := uint64(1); seq <= uint64(2*each); seq++ {
		if !seqs[seq] {
			t.Fatalf("dot %d is missing", seq)
		}
	}
	var number, counter int
	if _, err := f.Get(t.Context(), "shared/number", &number); err != nil || number != 2*(each/20) {
		t.Errorf("the number is %d, %v; want %d", number, err, 2*(each/20))
	}
	if _, err := f.Get(t.Context(), "shared/counter", &counter); err != nil || counter != 2*(each/10) {
		t.Errorf("the counter is %d, %v; want %d", counter, err, 2*(each/10))
	}
	for _, label := range []string{"one", "two"} {
		n := 0
		for row, err := range f.List(t.Context(), "p/"+label+"-") {
			if err != nil {
				t.Fatal(err)
			}
			i, err := strconv.Atoi(strings.TrimPrefix(row.Key, "p/"+label+"-"))
			if err != nil || string(row.Value) != strconv.Itoa(i) {
				t.Errorf("%s is %s, %v", row.Key, row.Value, err)
			}
			n++
		}
		if want := each - each/10 - each/20; n != want {
			t.Errorf("process %s left %d keys, want %d", label, n, want)
		}
	}
	showsTheLog(t, f.Replica)
}

// A Watch tells of what another process writes, all of it and in order, and goes on from a cursor in a third one.
func TestWatchOfAnotherProcess(t *testing.T) {
	t.Parallel()
	const n = 200
	path := filepath.Join(t.TempDir(), "watched.db")
	f := onFile(t, path)
	if _, err := f.Set(t.Context(), "p/first", 0); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	events := f.Watch(ctx, "p/")
	writer, _ := startChild(t, "write", path, "one", strconv.Itoa(n), "normal")
	keys := n - n/10 - n/20
	var told []replica.Event
	for e, err := range events {
		if err != nil {
			t.Fatalf("after %d events: %v", len(told), err)
		}
		if told = append(told, e); len(told) == keys {
			break
		}
	}
	if err := writer.Wait(); err != nil {
		t.Fatal(err)
	}
	for i, e := range told {
		if i > 0 && e.Changes[0].Key <= told[i-1].Changes[0].Key || e.Remote || e.Reset {
			t.Fatalf("event %d is %+v behind %+v", i, e, told[max(i, 1)-1])
		}
	}
	again := onFile(t, path)
	for e, err := range again.Watch(ctx, "p/", replica.Since(told[keys/2].Cursor)) {
		if err != nil || e.Version.ID != told[keys/2+1].Version.ID {
			t.Fatalf("another replica goes on with %+v, %v; want %s", e, err, told[keys/2+1].Version)
		}
		break
	}
}
