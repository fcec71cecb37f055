package replica

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/iotest"

	"github.com/kdelta/kdelta/store"
	"github.com/kdelta/kdelta/store/memory"
)

func backedUp(t testing.TB, r *Replica, o BackupOptions) []byte {
	t.Helper()
	var b bytes.Buffer
	rep, err := r.Backup(context.Background(), &b, o)
	if err != nil || rep.Bytes != int64(b.Len()) || rep.Keys == o.NoKeys {
		t.Fatalf("%+v of %d bytes, %v", rep, b.Len(), err)
	}
	return b.Bytes()
}

// visible is all that a replica shows, as lines.
func visible(t testing.TB, r *Replica) []string {
	t.Helper()
	var lines []string
	for _, prefix := range []string{"", "."} {
		for row, err := range r.List(context.Background(), prefix) {
			if err != nil {
				t.Fatal(err)
			}
			lines = append(lines, fmt.Sprint(row.Key, " ", string(row.Value), " ", row.Version, " ", row.Conflicts))
		}
	}
	return lines
}

func mustVerify(t testing.TB, r *Replica) {
	t.Helper()
	rep, err := r.Verify(context.Background(), nil)
	if err != nil || len(rep.Damage) > 0 {
		t.Fatalf("verify: %v, %q", err, rep.Damage)
	}
}

func TestBackupComesBack(t *testing.T) {
	w := newCareWorld(t)
	ctx := t.Context()
	for i, r := range w.replicas {
		before, err := r.Status(ctx)
		w.ok(nil, err)
		b := backedUp(t, r, BackupOptions{})
		var done, total uint64
		restored, rep, err := Restore(ctx, memory.New(), bytes.NewReader(b), testOptions(8),
			func(d, t uint64) { done, total = d, t })
		if err != nil {
			t.Fatalf("replica %d: %v", i, err)
		}
		if rep.Versions != before.Versions || rep.Bytes != int64(len(b)) || !rep.Keys || done != total || done != before.Dots {
			t.Errorf("replica %d: %+v, progress %d of %d", i, rep, done, total)
		}
		mustVerify(t, restored)
		after, err := restored.Status(ctx)
		w.ok(nil, err)
		if after.StateDigest != before.StateDigest || after.Versions != before.Versions || after.Space != before.Space {
			t.Errorf("replica %d: restored %+v, want %+v", i, after, before)
		}
		if got, want := visible(t, restored), visible(t, r); !slices.Equal(got, want) {
			t.Errorf("replica %d shows\n%q, want\n%q", i, got, want)
		}
		if again := backedUp(t, restored, BackupOptions{}); len(again) < len(b)/2 {
			t.Errorf("replica %d: the backup of what was restored has %d bytes, of %d", i, len(again), len(b))
		}
	}
}

// TestRestoredDatabaseGoesOn: what is restored writes as an author of its own, while the original goes on.
func TestRestoredDatabaseGoesOn(t *testing.T) {
	w := newCareWorld(t)
	ctx := t.Context()
	a, b := w.replicas[0], w.replicas[1]
	st := memory.New()
	restored, _, err := Restore(ctx, st, bytes.NewReader(backedUp(t, a, BackupOptions{})), testOptions(8), nil)
	w.ok(nil, err)
	w.ok(a.Set(ctx, "notes/after", "original"))
	v, err := restored.Set(ctx, "notes/restored", "mine")
	w.ok(nil, err)
	was, err := a.Status(ctx)
	w.ok(nil, err)
	if v.Author == was.Author {
		t.Error("the restored database writes as the author of the original")
	}
	for range 2 {
		w.sync(a, b)
		w.sync(restored, b)
	}
	w.sync(a, restored)
	first := visible(t, a)
	for i, r := range []*Replica{a, b, restored} {
		mustVerify(t, r)
		if got := visible(t, r); !slices.Equal(got, first) {
			t.Errorf("replica %d shows\n%q, want\n%q", i, got, first)
		}
		st, err := r.Status(ctx)
		w.ok(nil, err)
		if len(st.Forks) != 1 {
			t.Errorf("replica %d knows of forks %v, want the one that was there before", i, st.Forks)
		}
	}
}

func TestBackupWithoutKeys(t *testing.T) {
	w := newCareWorld(t)
	ctx := t.Context()
	a := w.replicas[0]
	b := backedUp(t, a, BackupOptions{NoKeys: true})
	member := []byte(nil)
	err := a.view(ctx, func(s *snap) error {
		m, err := a.snapshot(s.tx)
		secret := m.member.Secret()
		member = secret[:]
		return err
	})
	w.ok(nil, err)
	if bytes.Contains(b, member) {
		t.Error("a backup without keys holds the space's secret")
	}
	if _, _, err := Restore(ctx, memory.New(), bytes.NewReader(b), testOptions(8), nil); !errors.Is(err, ErrBackupKeys) {
		t.Errorf("restored without keys: %v, want ErrBackupKeys", err)
	}
	other, err := Open(ctx, memory.New(), testOptions(7))
	w.ok(nil, err)
	st := memory.New()
	w.ok(Join(ctx, st, w.invite(other), testOptions(8)))
	if _, _, err := Restore(ctx, st, bytes.NewReader(b), testOptions(8), nil); !errors.Is(err, ErrUsed) {
		t.Errorf("restored into another space: %v, want ErrUsed", err)
	}
	st = memory.New()
	w.ok(Join(ctx, st, w.invite(a), testOptions(8)))
	restored, rep, err := Restore(ctx, st, bytes.NewReader(b), testOptions(8), nil)
	if err != nil || rep.Keys {
		t.Fatalf("%+v, %v", rep, err)
	}
	if got, want := visible(t, restored), visible(t, a); !slices.Equal(got, want) {
		t.Errorf("it shows\n%q, want\n%q", got, want)
	}
}

func TestRestoreRefusesAUsedStore(t *testing.T) {
	w := newCareWorld(t)
	b := backedUp(t, w.replicas[0], BackupOptions{})
	before := rowsOf(t, w.stores[0])
	if _, _, err := Restore(t.Context(), w.stores[0], bytes.NewReader(b), testOptions(8), nil); !errors.Is(err, ErrUsed) {
		t.Errorf("restored over data: %v, want ErrUsed", err)
	}
	if after := rowsOf(t, w.stores[0]); len(after) != len(before) {
		t.Errorf("%d rows became %d", len(before), len(after))
	}
}

func TestBackupOfNothing(t *testing.T) {
	r, err := Open(t.Context(), memory.New(), testOptions(1))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Backup(t.Context(), io.Discard, BackupOptions{}); !errors.Is(err, ErrNoSpace) {
		t.Errorf("%v, want ErrNoSpace", err)
	}
	if _, err := r.Invite(t.Context(), InviteOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Restore(t.Context(), memory.New(), bytes.NewReader(backedUp(t, r, BackupOptions{})), testOptions(2), nil); err != nil {
		t.Errorf("a backup of a space without versions: %v", err)
	}
}

// emptyStore reports whether nothing was written to a store.
func emptyStore(t testing.TB, st store.Store) bool {
	t.Helper()
	empty := true
	err := st.View(context.Background(), func(tx store.Tx) error {
		for _, table := range store.Tables() {
			for _, err := range tx.Scan(table, store.Range{}) {
				if err != nil {
					return err
				}
				empty = false
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return empty
}

// TestDamagedBackups cuts, changes and lengthens a backup: each is named, and leaves nothing behind.
func TestDamagedBackups(t *testing.T) {
	w := newCareWorld(t)
	b := backedUp(t, w.replicas[0], BackupOptions{})
	rnd := rand.New(rand.NewPCG(3, 4))
	damaged := map[string][]byte{"nothing": nil, "longer": append(bytes.Clone(b), 0), "twice": append(bytes.Clone(b), b...)}
	for range 150 {
		n := rnd.IntN(len(b))
		damaged[fmt.Sprint("cut at ", n)] = b[:n]
		flipped := bytes.Clone(b)
		flipped[n] ^= 1 << rnd.IntN(8)
		damaged[fmt.Sprint("flipped at ", n)] = flipped
	}
	for name, bad := range damaged {
		st := memory.New()
		_, _, err := Restore(t.Context(), st, bytes.NewReader(bad), testOptions(8), nil)
		if !errors.Is(err, ErrBackup) && !errors.Is(err, ErrBackupNewer) {
			t.Errorf("%s: %v, want ErrBackup", name, err)
		}
		if !emptyStore(t, st) {
			t.Errorf("%s: something was restored", name)
		}
	}
	newer := bytes.Clone(b)
	newer[len(backupMagic)]++
	if _, _, err := Restore(t.Context(), memory.New(), bytes.NewReader(newer), testOptions(8), nil); !errors.Is(err, ErrBackupNewer) {
		t.Errorf("a newer format: %v, want ErrBackupNewer", err)
	}
	broken := errors.New("the disk is gone")
	reader := io.MultiReader(bytes.NewReader(b[:len(b)/2]), iotest.ErrReader(broken))
	if _, _, err := Restore(t.Context(), memory.New(), reader, testOptions(8), nil); !errors.Is(err, broken) || errors.Is(err, ErrBackup) {
		t.Errorf("a reader that fails: %v, want its own error alone", err)
	}
}

// TestForgedBackup changes what the checksums are about, and makes these right again.
func TestForgedBackup(t *testing.T) {
	w := newCareWorld(t)
	ctx := t.Context()
	a := w.replicas[0]
	forge := func(change func(*backupHead)) []byte {
		var b bytes.Buffer
		out := &backupWriter{w: &b, sum: sha256.New()}
		err := a.view(ctx, func(s *snap) error {
			m, err := a.snapshot(s.tx)
			if err != nil {
				return err
			}
			held := s.heldNow()
			h := backupHead{
				space: s.space, versions: s.tip.versions, dots: uint64(s.tip.next) - 1, keys: true, tips: held.Tips, state: held.State,
			}
			change(&h)
			return errors.Join(out.start(&h), out.frame(frameMember, m.member.Append(nil)), out.packs(ctx, a, s, nil))
		})
		w.ok(nil, errors.Join(err, out.end()))
		return b.Bytes()
	}
	if _, _, err := Restore(ctx, memory.New(), bytes.NewReader(forge(func(*backupHead) {})), testOptions(8), nil); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*backupHead){
		"state":    func(h *backupHead) { h.state[0]++ },
		"tips":     func(h *backupHead) { h.tips[31]++ },
		"versions": func(h *backupHead) { h.versions-- },
		"space":    func(h *backupHead) { h.space[0]++ },
	} {
		st := memory.New()
		if _, _, err := Restore(ctx, st, bytes.NewReader(forge(change)), testOptions(8), nil); !errors.Is(err, ErrBackup) || !emptyStore(t, st) {
			t.Errorf("%s: %v, want ErrBackup and an empty store", name, err)
		}
	}
}

// FuzzRestore restores anything: no panic, and either an error and an empty store, or a database that is sound.
func FuzzRestore(f *testing.F) {
	w := newCareWorld(f)
	whole := backedUp(f, w.replicas[1], BackupOptions{})
	f.Add(whole)
	f.Add(whole[:len(backupMagic)+1])
	empty, err := Open(context.Background(), memory.New(), testOptions(1))
	w.ok(nil, err)
	w.ok(empty.Invite(context.Background(), InviteOptions{}))
	f.Add(backedUp(f, empty, BackupOptions{}))
	f.Fuzz(func(t *testing.T, b []byte) {
		st := memory.New()
		r, _, err := Restore(t.Context(), st, bytes.NewReader(b), testOptions(8), nil)
		if err != nil {
			if !emptyStore(t, st) {
				t.Errorf("%v, and the store is not empty", err)
			}
			return
		}
		mustVerify(t, r)
	})
}

// TestRestoreBreaksOff: where the code of whoever restores fails in the middle, be it a panic, nothing is restored.
func TestRestoreBreaksOff(t *testing.T) {
	w := newCareWorld(t)
	b := backedUp(t, w.replicas[0], BackupOptions{})
	st := memory.New()
	func() {
		defer func() {
			if p := recover(); p != "oops" {
				t.Errorf("the panic came back as %v", p)
			}
		}()
		_, _, err := Restore(t.Context(), st, bytes.NewReader(b), testOptions(8), func(uint64, uint64) { panic("oops") })
		t.Errorf("no panic but %v", err)
	}()
	r, _, err := Restore(t.Context(), st, bytes.NewReader(b), testOptions(8), nil)
	if err != nil {
		t.Fatalf("restoring after that: %v", err)
	}
	mustVerify(t, r)
}
