package replica

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/store"
	"github.com/kdelta/kdelta/store/memory"
)

// Descents that are made together come to what each comes to alone, however little they may keep between them.
func TestDescentsTogether(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			w := randomWorld(t, seed)
			r := w.replicas[0]
			all := logged(t, r, "")
			for _, e := range []LogEntry{all[0], all[len(all)/2], all[len(all)*9/10]} {
				for _, p := range []Point{e.Version, TimePoint(e.Wall())} {
					w.ok(nil, r.view(t.Context(), func(s *snap) error { return sameTogether(t, s, p) }))
				}
			}
		})
	}
}

func sameTogether(t *testing.T, s *snap, p Point) error {
	at, err := p.resolve(s)
	if err != nil {
		return err
	}
	for _, room := range []int{0, 500, 5000, maxTogetherKept} {
		var looks []pastLook
		var want []*crdt.State
		for row, err := range s.docs("", "") {
			if err != nil {
				return err
			}
			doc, err := store.DecodeDoc(row.Value)
			if err != nil {
				return err
			}
			alone, err := logOf(s, string(row.Key), &doc).fold(at.member(s))
			if err != nil {
				return err
			}
			look, err := s.lookAt(string(row.Key), at)
			if err != nil {
				return err
			}
			looks, want = append(looks, look), append(want, alone.state)
		}
		if len(want) < 4 {
			t.Fatalf("%d keys prove little", len(want))
		}
		for i := range looks {
			state, err := s.endFirst(t.Context(), looks[i:], room)
			if err != nil {
				return err
			}
			if !bytes.Equal(state.Append(nil), want[i].Append(nil)) {
				t.Errorf("key %d at %v with room for %d bytes comes to another state", i, p, room)
			}
		}
	}
	return nil
}

// A key at a point costs a few of its versions, though it was written by two at once long before.
func TestPastOfAKeyReadsFewVersions(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	w := &careWorld{t: t}
	for i := range 2 {
		st := memory.New()
		opts := testOptions(byte(i + 1))
		opts.ManualCompaction = true
		var r *Replica
		var err error
		if i == 0 {
			r, err = Open(ctx, st, opts)
		} else {
			r, err = Join(ctx, st, w.invite(w.replicas[0]), opts)
		}
		w.add(st, r, err)
	}
	a, b := w.replicas[0], w.replicas[1]
	w.ok(a.SetSettings(ctx, "f", Settings{Strategy: "fields"}))
	w.sync(a, b)
	set := func(r *Replica, n int) Version {
		v, err := r.Update(ctx, func(tx *Tx) error {
			return errors.Join(tx.Set("n/1", n), tx.Set("f/1", map[string]any{fmt.Sprint("m", n%7): n}))
		})
		w.ok(v, err)
		return v
	}
	set(a, 1)
	set(b, 2)
	w.sync(a, b)
	var middle Version
	for i := range 400 {
		if v := set(a, i); i == 200 {
			middle = v
		}
	}
	for key, most := range map[string]int{"n/1": 34, "f/1": 66} {
		for _, p := range []Point{middle, TimePoint(middle.Wall())} {
			a.runs.clear()
			var got map[string]int
			var n int
			var dst any = &n
			if key == "f/1" {
				dst = &got
			}
			w.ok(a.At(p).Get(ctx, key, dst))
			if key == "n/1" && n != 200 || key == "f/1" && got["m4"] != 200 {
				t.Errorf("%s at %v shows %d, %v", key, p, n, got)
			}
			if read := len(a.runs.rows); read > most {
				t.Errorf("%s at %v reads %d versions of 402, want %d at most", key, p, read, most)
			}
		}
	}
}
