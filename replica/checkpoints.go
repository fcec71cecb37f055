package replica

import (
	"errors"
	"fmt"
	"slices"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/internal/canon"
	"github.com/kdelta/kdelta/store"
)

// checkpointEvery is how many versions on a key lie between two stored states of it, at least.
const checkpointEvery = 32

// checkpointDue reports whether the state of a key is stored behind its n-th version: behind every 32nd, and where more versions
// than that stand beside each other, none of which covers another, behind as many as these: the row holds all of them.
func checkpointDue(n uint64, tops int) bool {
	every := uint64(checkpointEvery)
	for every < uint64(tops) {
		every *= 2
	}
	return n%every == 0
}

// checkpointKey is the key of a row of Checkpoints: what the key's state was after its n-th version in the order of
// application.
func checkpointKey(key string, n uint64) []byte {
	return append(append([]byte(key), 0), store.IntKey(n)...)
}

// putCheckpoint stores the state of a key as it is now, of whose tops the stamps are known.
func (c *commit) putCheckpoint(e *entry) error {
	c.value = e.state.Append(c.value[:0])
	c.rowBuf = appendCheckpoint(c.rowBuf[:0], e.row.Last, e.tops, c.value)
	return c.tx.Put(store.Checkpoints, checkpointKey(e.key, e.row.Count), c.rowBuf)
}

// appendCheckpoint appends the bytes of a row of Checkpoints: the newest version's dot, the tops, which ascend by their dots, the
// state.
func appendCheckpoint(b []byte, last uint64, tops []top, state []byte) []byte {
	b = canon.AppendArray(b, 3)
	b = canon.AppendUint(b, last)
	b = canon.AppendArray(b, len(tops))
	for i := range tops {
		b = canon.AppendUint(b, uint64(tops[i].lv))
		b = tops[i].stamp.Append(b)
	}
	return canon.AppendBytes(b, state)
}

// A checkpoint is a row of Checkpoints, decoded but for the state.
type checkpoint struct {
	// n is behind how many versions on the key it stands, last the newest of them, tops are those that no other one covers.
	n     uint64
	last  history.LV
	tops  []top
	state []byte
}

func decodeCheckpoint(row store.Row) (c checkpoint, err error) {
	if i := len(row.Key) - 8; i >= 0 {
		c.n = store.KeyInt(row.Key[i:])
	}
	r := canon.NewReader(row.Value)
	_, _ = r.Array()
	last, _ := r.Uint()
	c.last = history.LV(last)
	n, err := r.Array()
	for i := 0; i < n && err == nil; i++ {
		lv, _ := r.Uint()
		t := top{lv: history.LV(lv)}
		t.stamp, err = clock.ReadStamp(&r)
		c.tops = append(c.tops, t)
	}
	state, stateErr := r.Bytes()
	c.state = slices.Clone(state)
	if err = errors.Join(err, stateErr, r.End()); err != nil {
		err = fmt.Errorf("%w: a checkpoint: %w", store.ErrCorrupt, err)
	}
	return c, err
}

// folded is the state of a checkpoint with what it was folded from; of the zero checkpoint the state in which nothing was
// written.
func (c *checkpoint) folded() (folded, error) {
	f := folded{state: &crdt.State{}, tops: slices.Clone(c.tops)}
	if c.last == 0 {
		return f, nil
	}
	var err error
	if f.state, err = crdt.DecodeState(c.state); err != nil {
		err = fmt.Errorf("%w: a checkpoint: %w", store.ErrCorrupt, err)
	}
	return f, err
}

// checkpoint is the last one behind more than above and at most n versions on the key, the zero one if there is none.
func (k keyLog) checkpoint(above, n uint64) (c checkpoint, err error) {
	r := store.Range{From: checkpointKey(k.key, above+1), To: checkpointKey(k.key, n+1), Reverse: true}
	for row, err := range k.s.tx.Scan(store.Checkpoints, r) {
		if err != nil {
			return c, err
		}
		return decodeCheckpoint(row)
	}
	return c, nil
}

// newest are the last dots of the newest versions on the key, among them all that no other version covers.
func (k keyLog) newest() (lvs []history.LV, err error) {
	before, err := k.checkpoint(0, k.count)
	if err != nil {
		return nil, err
	}
	covered := false
	err = k.walk(before.last, func(v *stored, l link) (bool, error) {
		lvs, covered = append(lvs, v.lv), l.all
		return !l.all, nil
	})
	if !covered {
		for i := range before.tops {
			lvs = append(lvs, before.tops[i].lv)
		}
	}
	return lvs, err
}

// included reports whether a point, and the part of the log that is looked at, hold all that a checkpoint includes.
func (k keyLog) included(c *checkpoint, in member) (bool, error) {
	if c.last > k.last {
		return false, nil
	}
	for i := range c.tops {
		if ok, err := in(c.tops[i].lv, &c.tops[i].stamp); err != nil || !ok {
			return false, err
		}
	}
	return true, nil
}

// newestCheckpoint finds the newest checkpoint of which a point holds every version, the zero one if there is none, and a dot
// that no version of the point has been applied behind.
//
// What includes a checkpoint includes those before it, so it is found by halving. Of a version that the point does not hold it
// holds none that covers it: where all that were applied behind a checkpoint cover it, that the point does not hold the
// checkpoint means that it holds none of them.
func (k keyLog) newestCheckpoint(in member) (found checkpoint, next history.LV, err error) {
	next = k.last
	low, high := uint64(0), k.count/checkpointEvery // in units of so many versions: the one that is sought is within
	chain := k.apart/checkpointEvery + 1
	for low < high {
		middle := (low + high + 1) / 2
		if chain > low && chain <= high {
			middle = chain // there is one: what is behind it is a chain, and nothing tells more
		}
		c, err := k.checkpoint(low*checkpointEvery, middle*checkpointEvery)
		if err != nil {
			return found, 0, err
		}
		included, err := k.included(&c, in)
		switch {
		case err != nil:
			return found, 0, err
		case c.n == 0:
			low = middle
		case included:
			found, low = c, middle
		default:
			high = c.n/checkpointEvery - 1
			if high+1 >= chain {
				next = min(next, c.last)
			}
		}
	}
	return found, next, nil
}

// heldBy is the part of the log down from where the versions of a point may begin.
func (k keyLog) heldBy(in member) (keyLog, error) {
	_, next, err := k.newestCheckpoint(in)
	return k.upTo(next), err
}
