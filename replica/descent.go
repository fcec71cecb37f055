package replica

import (
	"bytes"
	"container/heap"
	"context"
	"slices"
	"unsafe"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/history"
)

// A descent goes down the log of a key to the versions that make up its state at a point: past those that the point does not
// hold, to the newest checkpoint that it holds all of, or to a version that leaves nothing of what was there before. It looks at
// one version at a time, so that many descents can share the rows that they read.
type descent struct {
	log keyLog
	in  member
	// start is the dot to begin at, next that of the version to look at, 0 at the end.
	start, next history.LV
	// base is where the fold begins. It is not sought yet while sought is false.
	base   checkpoint
	sought bool
	// kept are the versions behind base that the point holds, newest first, with size bytes of ops.
	kept []keyVersion
	size int
	// room is what several descents may keep together, nil for any number of bytes. One that finds none left ends before it is
	// done: it is full.
	room *int
	full bool
}

// keyVersion is what a version does to one key.
type keyVersion struct {
	top
	first, prev history.LV
	all         bool
	ops         []crdt.Op
}

// fold computes the key's state at a point.
func (k keyLog) fold(in member) (folded, error) {
	d, err := k.descend(in)
	if err != nil {
		return folded{}, err
	}
	return d.alone()
}

// descend begins where the point's versions may begin, as the checkpoints tell.
func (k keyLog) descend(in member) (*descent, error) {
	base, start, err := k.newestCheckpoint(in)
	d := &descent{log: k, in: in, start: start, next: start, base: base, sought: true}
	d.stop()
	return d, err
}

// descendFrom begins at a version; those that were applied after it are known not to be held.
func (k keyLog) descendFrom(lv history.LV, in member) *descent {
	return &descent{log: k.upTo(lv), in: in, start: lv, next: lv}
}

// stop ends the descent where base is reached.
func (d *descent) stop() {
	if d.sought && d.next <= d.base.last {
		d.next = 0
	}
}

// alone goes down to the end, from the start again where there was no room.
func (d *descent) alone() (folded, error) {
	if d.full {
		d.again(nil)
	}
	for d.next > 0 {
		v, err := d.log.s.version(d.next)
		if err == nil {
			err = d.take(v)
		}
		if err != nil {
			return folded{}, err
		}
	}
	return d.folded()
}

// again begins anew.
func (d *descent) again(room *int) { d.next, d.room, d.full = d.start, room, false }

// take looks at the version that is next.
func (d *descent) take(v *stored) error {
	l, err := d.log.linkOf(v)
	if err != nil {
		return err
	}
	stamp := v.Stamp()
	held, err := d.in(v.lv, &stamp)
	if err != nil {
		return err
	}
	d.next = l.prev
	if held {
		if err := d.keep(v, l); err != nil {
			return err
		}
	}
	d.stop()
	return nil
}

// keep adds a version that the point holds.
func (d *descent) keep(v *stored, l link) error {
	ops := v.opsOn(d.log.key)
	if l.all && slices.ContainsFunc(ops, func(op crdt.Op) bool { return op.Code == crdt.CodePut }) {
		d.base, d.sought, d.next = checkpoint{}, true, 0 // a put leaves nothing of what it covers
	} else if !d.sought {
		var err error
		if d.base, _, err = d.log.newestCheckpoint(d.in); err != nil {
			return err
		}
		if d.sought = true; v.lv <= d.base.last {
			return nil
		}
	}
	size := int(unsafe.Sizeof(keyVersion{}))
	for i := range ops {
		size += int(unsafe.Sizeof(ops[i])) + len(ops[i].Body)
	}
	if d.size += size; d.room != nil {
		if *d.room -= size; *d.room < 0 {
			*d.room += d.size
			d.kept, d.size, d.next, d.full = nil, 0, 0, true
			return nil
		}
	}
	ops = slices.Clone(ops)
	for i := range ops { // they lie in the memory of the row
		ops[i].Key, ops[i].Body = d.log.key, bytes.Clone(ops[i].Body)
	}
	d.kept = append(d.kept, keyVersion{
		top: top{v.lv, v.Stamp()}, first: v.first(), prev: l.prev, all: l.all, ops: ops,
	})
	return nil
}

// folded is what the versions come to that were kept.
func (d *descent) folded() (folded, error) {
	f, err := d.base.folded()
	if err != nil {
		return f, err
	}
	f.holds = d.in
	for i := range slices.Backward(d.kept) {
		if err := d.log.step(&f, &d.kept[i]); err != nil {
			return f, err
		}
	}
	return f, nil
}

// byNext is a heap of descents, the one that looks at the newest version on top.
type byNext []*descent

func (h byNext) Len() int           { return len(h) }
func (h byNext) Less(i, j int) bool { return h[i].next > h[j].next }
func (h byNext) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *byNext) Push(x any)        { *h = append(*h, x.(*descent)) }

func (h *byNext) Pop() any {
	last := len(*h) - 1
	x := (*h)[last]
	*h = (*h)[:last]
	return x
}

// descendAll takes many descents down together, the one that is highest first, so that each row of the history is read once.
func (s *snap) descendAll(ctx context.Context, descents []*descent) error {
	ahead := slices.DeleteFunc(byNext(slices.Clone(descents)), func(d *descent) bool { return d.next == 0 })
	heap.Init(&ahead)
	for len(ahead) > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		d := ahead[0]
		v, err := s.version(d.next)
		if err == nil {
			err = d.take(v)
		}
		if err != nil {
			return err
		}
		if d.next == 0 {
			heap.Pop(&ahead)
		} else {
			heap.Fix(&ahead, 0)
		}
	}
	return nil
}
