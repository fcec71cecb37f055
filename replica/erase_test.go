package replica

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/kdelta/kdelta/store/memory"
	"github.com/kdelta/kdelta/store/sqlite"
	"github.com/kdelta/kdelta/transport"
	"github.com/kdelta/kdelta/transport/pipe"
)

// eraseWorld is some replicas of one space, each in a database file of its own, in which namespace "p" is erasable.
type eraseWorld struct {
	t        *testing.T
	dir      string
	replicas map[string]*Replica
	stores   map[string]*sqlite.Store
}

func newEraseWorld(t *testing.T, names ...string) *eraseWorld {
	t.Helper()
	w := &eraseWorld{t: t, dir: t.TempDir(), replicas: make(map[string]*Replica), stores: make(map[string]*sqlite.Store)}
	for i, name := range names {
		opts := testOptions(byte(i + 1))
		opts.ManualCompaction = true
		if i == 0 {
			r, err := Open(t.Context(), w.store(name), opts)
			w.add(name, r, err)
			w.do(r.SetSettings(t.Context(), "p", Settings{Strategy: "lww", Erasable: true}))
			continue
		}
		w.join(name, names[0], opts)
	}
	return w
}

func (w *eraseWorld) store(name string) *sqlite.Store {
	w.t.Helper()
	if err := os.Mkdir(filepath.Join(w.dir, name), 0o700); err != nil {
		w.t.Fatal(err)
	}
	st, err := sqlite.Open(filepath.Join(w.dir, name, "kdelta.db"))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = st.Close() })
	w.stores[name] = st
	return st
}

func (w *eraseWorld) join(name, of string, opts Options) *Replica {
	w.t.Helper()
	invite, err := w.replicas[of].Invite(w.t.Context(), InviteOptions{})
	if err != nil {
		w.t.Fatal(err)
	}
	r, err := Join(w.t.Context(), w.store(name), invite, opts)
	return w.add(name, r, err)
}

func (w *eraseWorld) add(name string, r *Replica, err error) *Replica {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
	w.replicas[name] = r
	return r
}

func (w *eraseWorld) do(v Version, err error) Version {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
	return v
}

func (w *eraseWorld) erase(name, key string, opts ...EraseOption) Erased {
	w.t.Helper()
	done, err := w.replicas[name].Erase(w.t.Context(), key, opts...)
	if err != nil || done.Owed {
		w.t.Fatalf("%+v, %v", done, err)
	}
	return done
}

// sync syncs two replicas, which then hold the same.
func (w *eraseWorld) sync(a, b string) {
	w.t.Helper()
	ra, rb, err := SyncPair(w.t.Context(), w.replicas[a], w.replicas[b])
	if err != nil || !ra.Equal || ra.Diverged || rb.Diverged || len(ra.Refused)+len(rb.Refused) > 0 {
		w.t.Fatalf("%+v, %+v, %v", ra, rb, err)
	}
	w.same(a, b)
}

// same compares what two replicas that hold the same come to, and verifies both.
func (w *eraseWorld) same(a, b string) {
	w.t.Helper()
	sa, sb := w.status(a), w.status(b)
	if sa.StateDigest != sb.StateDigest {
		w.t.Fatal("equal versions, and other states")
	}
	for _, name := range []string{a, b} {
		mustVerify(w.t, w.replicas[name])
	}
}

func (w *eraseWorld) status(name string) Status {
	w.t.Helper()
	st, err := w.replicas[name].Status(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return st
}

func (w *eraseWorld) shows(name, key, want string) {
	w.t.Helper()
	var got json.RawMessage
	_, err := w.replicas[name].Get(w.t.Context(), key, &got)
	if want == "" && !errors.Is(err, ErrNotFound) || want != "" && (err != nil || string(got) != want) {
		w.t.Fatalf("%s: %s shows %s, %v; want %q", name, key, got, err, want)
	}
}

// scrubbed does what a replica does in its idle time.
func (w *eraseWorld) scrubbed(name string) {
	w.t.Helper()
	if owed, err := w.replicas[name].scrub(w.t.Context()); owed || err != nil {
		w.t.Fatalf("still owed: %t, %v", owed, err)
	}
}

// holds reports whether a text stands anywhere in the files of a replica.
func (w *eraseWorld) holds(name, text string) bool {
	w.t.Helper()
	return holdsText(w.t, filepath.Join(w.dir, name), text)
}

func holdsText(t *testing.T, dir, text string) bool {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files in %s, %v", len(files), dir, err)
	}
	for _, f := range files {
		b, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(b, []byte(text)) {
			return true
		}
	}
	return false
}

// secret is a text that no compression takes apart, the n-th.
func secret(n int) string {
	return fmt.Sprintf("%x-%d-qjzkvbxw", uint64(0x9e3779b97f4a7c15)*uint64(n+3), n)
}

// TestEraseDestroys: what was erased is in no file any more, of the device that erased it or of another one, be it loose or packed, in
// a value, a conflict or a checkpoint; and everything else stays as it was.
func TestEraseDestroys(t *testing.T) {
	w := newEraseWorld(t, "a", "b")
	ctx := t.Context()
	a, b := w.replicas["a"], w.replicas["b"]
	kept := w.do(a.Set(ctx, "p/kept", secret(1000)))
	for i := range 70 { // with checkpoints
		w.do(a.Set(ctx, "p/1", map[string]any{"text": secret(i)}))
	}
	w.sync("a", "b")
	if err := a.Compact(ctx, nil); err != nil {
		t.Fatal(err)
	}
	w.do(a.Set(ctx, "p/1", secret(71)))
	w.do(b.Set(ctx, "p/1", secret(72))) // a conflict
	w.sync("a", "b")
	w.do(a.Set(ctx, "p/1", secret(73))) // which is closed
	w.do(a.SetAdd(ctx, "p/set", []any{secret(74), secret(75)}))
	w.do(a.Set(ctx, "p/kept", secret(1001)))
	w.sync("a", "b")
	if err := b.Compact(ctx, nil); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a", "b"} {
		if !w.holds(name, secret(72)) {
			t.Fatalf("%s does not hold what is to be erased: nothing is proved", name)
		}
	}
	if done := w.erase("a", "p/1"); done.Values != 73 || len(done.Versions) != 1 {
		t.Errorf("%+v", done)
	}
	w.erase("a", "p/set")
	w.shows("a", "p/1", "")
	mustVerify(t, a)
	w.sync("a", "b")
	w.scrubbed("b")
	for _, name := range []string{"a", "b"} {
		w.shows(name, "p/1", "")
		w.shows(name, "p/set", "")
		w.shows(name, "p/kept", `"`+secret(1001)+`"`)
		for i := range 76 {
			if w.holds(name, secret(i)) {
				t.Errorf("%s still holds the value %d", name, i)
			}
		}
		if !w.holds(name, secret(1000)) || !w.holds(name, secret(1001)) {
			t.Errorf("%s lost more than was erased", name)
		}
		var old string
		if _, err := w.replicas[name].At(kept).Get(ctx, "p/kept", &old); err != nil || old != secret(1000) {
			t.Errorf("%s: the past says %q, %v", name, old, err)
		}
		n := 0
		for e, err := range w.replicas[name].Log(ctx, "p/1") {
			if err != nil {
				t.Fatal(err)
			}
			for _, op := range e.Ops {
				if op.Op == "put" {
					n++
					if !op.Erased || op.Value != nil {
						t.Errorf("%s: %s shows %s, erased %t", name, e.Version, op.Value, op.Erased)
					}
				}
			}
		}
		if n != 73 {
			t.Errorf("%s: the log shows %d of 73 puts", name, n)
		}
	}
	w.do(b.Set(ctx, "p/1", "again"))
	w.sync("a", "b")
	w.shows("a", "p/1", `"again"`)
}

// TestErasedIsNotSent: a replica that joins later, and a backup, get the versions without what was erased, and can tell why.
func TestErasedIsNotSent(t *testing.T) {
	w := newEraseWorld(t, "a")
	ctx := t.Context()
	a := w.replicas["a"]
	for i := range 40 {
		w.do(a.Set(ctx, fmt.Sprint("p/", i%3), secret(i)))
	}
	w.erase("a", "p/1")
	w.do(a.Set(ctx, "p/1", secret(100)))
	var backup bytes.Buffer
	if _, err := a.Backup(ctx, &backup, BackupOptions{}); err != nil {
		t.Fatal(err)
	}
	restored, _, err := Restore(ctx, memory.New(), bytes.NewReader(backup.Bytes()), testOptions(7), nil)
	if err != nil {
		t.Fatal(err)
	}
	mustVerify(t, restored)
	r := w.join("late", "a", testOptions(8))
	near, far := pipe.New()
	sent := &tapped{Conn: near}
	done := make(chan error, 1)
	go func() {
		_, err := r.Sync(ctx, far)
		done <- err
	}()
	if _, err := a.Sync(ctx, sent); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	w.same("a", "late")
	for i := 1; i < 40; i += 3 {
		for where, b := range map[string][]byte{"the backup": backup.Bytes(), "what was sent": sent.sent} {
			if bytes.Contains(b, []byte(secret(i))) {
				t.Errorf("the value %d is in %s", i, where)
			}
		}
		if w.holds("late", secret(i)) {
			t.Errorf("the value %d is in the database of who came late", i)
		}
	}
	for where, b := range map[string][]byte{"the backup": backup.Bytes(), "what was sent": sent.sent} {
		if !bytes.Contains(b, []byte(secret(2))) {
			t.Errorf("what was not erased cannot be found in %s: nothing is proved", where)
		}
	}
	w.shows("late", "p/1", `"`+secret(100)+`"`)
	w.shows("late", "p/2", `"`+secret(38)+`"`)
	w.do(restored.Set(ctx, "p/9", 1))
	if ra, _, err := SyncPair(ctx, restored, r); err != nil || !ra.Equal || ra.Diverged {
		t.Fatalf("%+v, %v", ra, err)
	}
}

// tapped hears what is sent over a link.
type tapped struct {
	transport.Conn
	sent []byte
}

func (c *tapped) Send(ctx context.Context, frame []byte) error {
	c.sent = append(c.sent, frame...)
	return c.Conn.Send(ctx, frame)
}
