package storetest_test

import (
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"github.com/kdelta/kdelta/store"
	"github.com/kdelta/kdelta/store/memory"
	"github.com/kdelta/kdelta/store/storetest"
)

// TestFaultyWithoutFaults shows that the wrapper adds nothing of its own.
func TestFaultyWithoutFaults(t *testing.T) {
	storetest.Run(t, storetest.Adapter{
		Open: func(context.Context, string) (store.Store, error) {
			return storetest.Faulty(memory.New(), nil), nil
		},
	})
}

// script writes three transactions of two rows each, row n of transaction i holding i, and returns which were
// acknowledged. It goes on after an error, as a program would.
func script(s store.Store) (acked []uint64, errs []error) {
	for i := uint64(1); i <= 3; i++ {
		err := s.Update(context.Background(), func(tx store.Tx) error {
			v := binary.BigEndian.AppendUint64(nil, i)
			if err := tx.Put(store.Runs, store.IntKey(2*i), v); err != nil {
				return err
			}
			return tx.Put(store.Runs, store.IntKey(2*i+1), v)
		})
		if err == nil {
			acked = append(acked, i)
		} else {
			errs = append(errs, err)
		}
	}
	return acked, errs
}

// found lists the transactions that a store holds whole; half of one fails the test.
func found(t *testing.T, s store.Store) []uint64 {
	t.Helper()
	var whole []uint64
	rows := map[uint64]int{}
	err := s.View(t.Context(), func(tx store.Tx) error {
		for row, err := range tx.Scan(store.Runs, store.Range{}) {
			if err != nil {
				return err
			}
			rows[binary.BigEndian.Uint64(row.Value)]++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, n := range rows {
		if n != 2 {
			t.Errorf("transaction %d left %d of 2 rows", i, n)
		}
		whole = append(whole, i)
	}
	slices.Sort(whole)
	return whole
}

func TestFaults(t *testing.T) {
	full, busy, crash := store.ErrFull, store.ErrBusy, storetest.ErrCrashed
	tests := []struct {
		name         string
		fault        storetest.Fault
		acked, found []uint64
	}{
		{"full at a write", storetest.Fault{Site: storetest.Write, Nth: 4, Err: full}, []uint64{1, 3}, []uint64{1, 3}},
		{"full for ever", storetest.Fault{Site: storetest.Write, Nth: 3, Times: -1, Err: full}, []uint64{1}, []uint64{1}},
		{"full at a commit", storetest.Fault{Site: storetest.Commit, Nth: 2, Err: full}, []uint64{1, 3}, []uint64{1, 3}},
		{"busy twice", storetest.Fault{Site: storetest.Begin, Nth: 1, Times: 2, Err: busy}, []uint64{3}, []uint64{3}},
		{"commit with a lost answer", storetest.Fault{Site: storetest.Commit, Nth: 2, After: true, Err: busy}, []uint64{1, 3}, []uint64{1, 2, 3}},
		{"crash before a begin", storetest.Fault{Site: storetest.Begin, Nth: 2, Err: crash}, []uint64{1}, []uint64{1}},
		{"crash after a begin", storetest.Fault{Site: storetest.Begin, Nth: 2, After: true, Err: crash}, []uint64{1}, []uint64{1}},
		{"crash before a write", storetest.Fault{Site: storetest.Write, Nth: 4, Err: crash}, []uint64{1}, []uint64{1}},
		{"crash after a write", storetest.Fault{Site: storetest.Write, Nth: 4, After: true, Err: crash}, []uint64{1}, []uint64{1}},
		{"crash before a commit", storetest.Fault{Site: storetest.Commit, Nth: 2, Err: crash}, []uint64{1}, []uint64{1}},
		{"crash after a commit", storetest.Fault{Site: storetest.Commit, Nth: 2, After: true, Err: crash}, []uint64{1}, []uint64{1, 2}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			disk := memory.New()
			s := storetest.Faulty(disk, storetest.Plan{test.fault})
			acked, errs := script(s)
			if !slices.Equal(acked, test.acked) {
				t.Errorf("acknowledged %v, want %v", acked, test.acked)
			}
			for _, err := range errs {
				if !errors.Is(err, test.fault.Err) {
					t.Errorf("error %v, want the injected %v", err, test.fault.Err)
				}
			}
			if got := found(t, disk.Clone()); !slices.Equal(got, test.found) {
				t.Errorf("a restart finds %v, want %v", got, test.found)
			}
			if want := test.fault.Err == crash; s.Crashed() != want {
				t.Errorf("Crashed() = %v, want %v", s.Crashed(), want)
			}
		})
	}
}

// TestEverySite walks a crash through each site of the script: what was acknowledged is there, nothing is there in
// part, and at most the one transaction that was under way is there without having been acknowledged.
func TestEverySite(t *testing.T) {
	dry := storetest.Faulty(memory.New(), nil)
	script(dry)
	for _, site := range []storetest.Site{storetest.Begin, storetest.Write, storetest.Commit} {
		if dry.Count(site) == 0 {
			t.Fatalf("the script has no %s", site)
		}
		for n := 1; n <= dry.Count(site); n++ {
			for _, after := range []bool{false, true} {
				disk := memory.New()
				acked, _ := script(storetest.Faulty(disk, storetest.Plan{{Site: site, Nth: n, After: after, Err: storetest.ErrCrashed}}))
				got := found(t, disk)
				if len(got) < len(acked) || len(got) > len(acked)+1 || !slices.Equal(got[:len(acked)], acked) {
					t.Errorf("crash at %s %d (after: %v): acknowledged %v, found %v", site, n, after, acked, got)
				}
			}
		}
	}
}

func TestSwallowedWriteErrorDoomsTheUpdate(t *testing.T) {
	disk := memory.New()
	s := storetest.Faulty(disk, storetest.Plan{{Site: storetest.Write, Nth: 1, Err: store.ErrFull}})
	err := s.Update(t.Context(), func(tx store.Tx) error {
		_ = tx.Put(store.Meta, []byte("a"), []byte("1"))
		_ = tx.Put(store.Meta, []byte("b"), []byte("1"))
		return nil
	})
	if !errors.Is(err, store.ErrFull) {
		t.Errorf("Update = %v, want ErrFull", err)
	}
	if _, err := disk.GetOne(t.Context(), store.Meta, []byte("b")); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a row of the failed Update is there: %v", err)
	}
}

func TestTheDeadStayDead(t *testing.T) {
	s := storetest.Faulty(memory.New(), storetest.Plan{{Site: storetest.Read, Nth: 1, Err: storetest.ErrCrashed}})
	nothing := func(store.Tx) error { return nil }
	_, get := s.GetOne(t.Context(), store.Meta, []byte("k"))
	_, changed := s.ChangeCounter(t.Context())
	for name, err := range map[string]error{
		"GetOne": get, "ChangeCounter": changed,
		"View": s.View(t.Context(), nothing), "Update": s.Update(t.Context(), nothing),
	} {
		if !errors.Is(err, storetest.ErrCrashed) {
			t.Errorf("%s = %v, want ErrCrashed", name, err)
		}
	}
	if err := s.Close(); err != nil {
		t.Errorf("Close = %v", err)
	}
}
