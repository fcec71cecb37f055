package replica_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kdelta/kdelta/replica"
	"github.com/kdelta/kdelta/store/sqlite"
)

// childEnv, where it is set, makes the test binary another process that does what it names.
const childEnv = "KDELTA_REPLICA_TEST_CHILD"

func TestMain(m *testing.M) {
	work, args := os.Getenv(childEnv), os.Args[1:]
	var err error
	switch work {
	case "":
		os.Exit(m.Run())
	case "write":
		err = childWrite(args)
	case "read":
		err = childRead(args)
	case "work":
		err = childWork(args)
	case "sync":
		err = childSync(args)
	default:
		err = fmt.Errorf("a child cannot %q", work)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "child:", err)
		os.Exit(1)
	}
}

// childCommand is the test binary as another process.
func childCommand(t *testing.T, work string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, args...)
	cmd.Env = append(os.Environ(), childEnv+"="+work)
	cmd.Stderr = os.Stderr
	return cmd
}

// startChild starts another process and returns it with the lines that it prints.
func startChild(t *testing.T, work string, args ...string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := childCommand(t, work, args...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, bufio.NewScanner(out)
}

// fileReplica is a replica in an SQLite file.
type fileReplica struct {
	*replica.Replica
	store *sqlite.Store
}

func openFile(path string, opts ...sqlite.Option) (*fileReplica, error) {
	st, err := sqlite.Open(path, opts...)
	if err != nil {
		return nil, err
	}
	r, err := replica.Open(context.Background(), st, replica.Options{})
	if err != nil {
		return nil, errors.Join(err, st.Close())
	}
	return &fileReplica{r, st}, nil
}

func (f *fileReplica) Close() error { return errors.Join(f.Replica.Close(), f.store.Close()) }

// onFile opens a replica in a file until the test ends or it is closed.
func onFile(t *testing.T, path string, opts ...sqlite.Option) *fileReplica {
	t.Helper()
	f, err := openFile(path, opts...)
	if err != nil {
		t.Fatalf("opening %s: %v", filepath.Base(path), err)
	}
	t.Cleanup(func() { _ = f.Close() }) // most tests have closed it
	return f
}

// joinedFile makes a replica in a new file that belongs to the space of another one.
func joinedFile(t *testing.T, path string, host *replica.Replica, opts ...sqlite.Option) *fileReplica {
	t.Helper()
	invite, err := host.Invite(t.Context(), replica.InviteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	st, err := sqlite.Open(path, opts...)
	if err != nil {
		t.Fatal(err)
	}
	r, err := replica.Join(t.Context(), st, invite, replica.Options{})
	if err != nil {
		t.Fatal(err)
	}
	f := &fileReplica{r, st}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func closeFile(t *testing.T, f *fileReplica) {
	t.Helper()
	if err := f.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
}

// history is what the log says: the versions by id, after a look at their parents, clocks and numbers.
func historyOf(t *testing.T, r *replica.Replica) map[string]replica.LogEntry {
	t.Helper()
	all := map[string]replica.LogEntry{}
	for e, err := range r.Log(t.Context(), "") {
		if err != nil {
			t.Fatalf("Log: %v", err)
		}
		if _, twice := all[e.ID.String()]; twice {
			t.Errorf("the log has %s twice", e.Version)
		}
		all[e.ID.String()] = e
	}
	for _, e := range all {
		for _, p := range e.Parents {
			if _, ok := all[p.ID.String()]; !ok {
				t.Errorf("the log lacks %s, a parent of %s", p, e.Version)
			}
		}
	}
	return all
}

// sameState fails unless replicas hold the same versions and show the same, to the byte.
func sameState(t *testing.T, replicas ...*replica.Replica) {
	t.Helper()
	want := stateOf(t, replicas[0])
	for i, r := range replicas[1:] {
		if got := stateOf(t, r); got != want {
			t.Errorf("replica %d says\n%s\nand not, as the first does,\n%s", i+1, lacking(got, want), lacking(want, got))
		}
	}
}

// lacking are the lines of a text that another one does not have.
func lacking(text, other string) string {
	has := map[string]bool{}
	for line := range strings.Lines(other) {
		has[line] = true
	}
	var out strings.Builder
	for line := range strings.Lines(text) {
		if !has[line] {
			out.WriteString(line)
		}
	}
	return out.String()
}

// stateOf is all that a replica shows, as text.
func stateOf(t *testing.T, r *replica.Replica) string {
	t.Helper()
	status, err := r.Status(t.Context())
	if err != nil {
		t.Fatalf("Status: %v", err)
	}
	var text strings.Builder
	fmt.Fprintf(&text, "%d versions, state %x, heads %v\n", status.Versions, status.StateDigest, status.Heads)
	for _, prefix := range []string{"", "."} {
		text.WriteString(listed(t, r, prefix))
		for c, err := range r.Conflicts(t.Context(), prefix, replica.ConflictQuery{All: true}) {
			if err != nil {
				t.Fatalf("Conflicts: %v", err)
			}
			fmt.Fprintf(&text, "conflict %s%s %s by %q: %v / %v, base %s, %s\n",
				c.Key, c.Path, c.Status, c.ClosedBy, c.Chosen, c.Others, c.Base, c.Why)
		}
	}
	return text.String()
}

// listed is what a reader lists under a prefix, as text.
func listed(t *testing.T, r replica.Reader, prefix string) string {
	t.Helper()
	var text strings.Builder
	for row, err := range r.List(t.Context(), prefix) {
		if err != nil {
			t.Fatalf("List: %v", err)
		}
		fmt.Fprintf(&text, "%s = %s (%s %s, %d conflicts)\n", row.Key, row.Value, row.Kind, row.Version, row.Conflicts)
	}
	return text.String()
}

// showsTheLog fails unless what is stored of each key is what its history says: the rows are kept up step by step, At
// computes anew.
func showsTheLog(t *testing.T, r *replica.Replica) {
	t.Helper()
	status, err := r.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	now, computed := listed(t, r, ""), listed(t, r.At(replica.Frontier(status.Heads)), "")
	if now != computed {
		t.Errorf("the rows say\n%s\nthe history says\n%s", now, computed)
	}
}

// syncPair syncs two replicas, which must end equal.
func syncPair(t *testing.T, a, b *replica.Replica) (ra, rb replica.SyncReport) {
	t.Helper()
	ra, rb, err := replica.SyncPair(t.Context(), a, b)
	if err != nil {
		t.Fatalf("SyncPair: %v", err)
	}
	if !ra.Equal || !rb.Equal || ra.Diverged || rb.Diverged {
		t.Fatalf("after SyncPair the two are not equal:\n%+v\n%+v", ra, rb)
	}
	return ra, rb
}

// wrote takes what a write returned and fails the test if it is an error.
func wrote(t *testing.T) func(replica.Version, error) replica.Version {
	t.Helper()
	return func(v replica.Version, err error) replica.Version {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}
