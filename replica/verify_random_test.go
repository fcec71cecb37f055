package replica

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/internal/canon"
	"github.com/kdelta/kdelta/store/memory"
)

// TestVerifyAgreesWithTheEngine plays random histories of three replicas, with conflicts, changes of strategy and a copied
// database, and expects Verify to come to every row that the engine wrote on the way, and a backup to come back.
func TestVerifyAgreesWithTheEngine(t *testing.T) {
	seeds := 10
	if testing.Short() {
		seeds = 5
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			w := randomWorld(t, uint64(seed))
			for i, r := range w.replicas {
				rep, err := r.Verify(t.Context(), nil)
				if err != nil || len(rep.Damage) > 0 {
					t.Errorf("replica %d: %v, %q", i, err, rep.Damage)
				}
			}
			a := w.replicas[0]
			restored, _, err := Restore(t.Context(), memory.New(), bytes.NewReader(backedUp(t, a, BackupOptions{})), testOptions(9), nil)
			if err != nil {
				t.Fatal(err)
			}
			mustVerify(t, restored)
			if got, want := visible(t, restored), visible(t, a); !slices.Equal(got, want) {
				t.Errorf("restored shows\n%q, want\n%q", got, want)
			}
		})
	}
}

func randomWorld(t *testing.T, seed uint64, after ...func(*careWorld)) *careWorld {
	ctx := t.Context()
	rnd := rand.New(rand.NewPCG(seed, 7))
	w := &careWorld{t: t}
	st := memory.New()
	r, err := Open(ctx, st, testOptions(1))
	w.add(st, r, err)
	for i := range 2 {
		st := memory.New()
		r, err := Join(ctx, st, w.invite(w.replicas[0]), testOptions(byte(i+2)))
		w.add(st, r, err)
	}
	for step := range 150 {
		r := w.replicas[rnd.IntN(len(w.replicas))]
		switch n := rnd.IntN(30); {
		case n < 6:
			// The copy and its original meet through others: without a sidecar they cannot tell each other apart.
			if peer := rnd.IntN(2) * 2; r != w.replicas[peer] {
				w.sync(r, w.replicas[peer])
			}
		case n == 6 && step > 40 && len(w.replicas) == 3:
			st := w.stores[1].Clone()
			r, err := Open(ctx, st, testOptions(4))
			w.add(st, r, err)
		case n == 7:
			strategies := []string{"lww", "fields", "mv", "max", "union"}
			w.ok(r.SetSettings(ctx, "n", Settings{Strategy: strategies[rnd.IntN(len(strategies))], Erasable: rnd.IntN(2) == 0}))
		default:
			randomWrite(ctx, t, r, rnd, step)
		}
		for _, look := range after {
			look(w)
		}
	}
	return w
}

// randomWrite writes a few keys at once. What cannot be done to a key at the moment is left out.
func randomWrite(ctx context.Context, t *testing.T, r *Replica, rnd *rand.Rand, step int) {
	_, err := r.Update(ctx, func(tx *Tx) error {
		for range 1 + rnd.IntN(3) {
			key := fmt.Sprint("n/", rnd.IntN(3))
			if rnd.IntN(4) == 0 {
				key = fmt.Sprint("other/", rnd.IntN(2))
			}
			var err error
			switch rnd.IntN(10) {
			case 0:
				err = tx.Delete(key)
			case 1:
				err = tx.Add(key, int64(step))
			case 2:
				err = tx.SetAdd(key, step%5, "x")
			case 3:
				err = tx.SetRemove(key, "x")
			case 4:
				err = tx.Set(key, step)
			case 5, 6:
				err = stageEdit(tx, key, rnd.IntN(4), step)
			default:
				err = tx.Set(key, map[string]any{"a": step % 3, fmt.Sprint("f", rnd.IntN(3)): map[string]any{"n": step}})
			}
			if err != nil && !errors.Is(err, ErrWrongKind) && !errors.Is(err, ErrNotFound) {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// stageEdit edits a text or a list, whatever the key holds. Positions are right by luck.
func stageEdit(tx *Tx, key string, kind, step int) error {
	var op crdt.Op
	var err error
	switch kind {
	case 0:
		op, err = crdt.ListSplice(key, 0, 0, []crdt.Value{canon.Null()})
	case 1:
		op, err = crdt.ListMove(key, step+1, 0)
	default:
		op, err = crdt.TextSplice(key, 0, step&1, fmt.Sprint("step ", step))
	}
	if err != nil {
		return err
	}
	return tx.stageContent(key, op)
}
