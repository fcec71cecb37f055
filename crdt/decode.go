package crdt

import (
	"math/bits"
	"slices"

	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/internal/canon"
)

// DecodeState reads what State.Append wrote; the values of the result alias b. Any other bytes are refused with an error
// that wraps ErrState.
func DecodeState(b []byte) (*State, error) {
	d := decoder{r: canon.NewReader(b)}
	d.exactly(stateItems)
	if d.uint() != stateFormat {
		d.refuse("a format that this version does not know")
	}
	flags := d.uint()
	if flags > allFlags {
		d.refuse("flags that this version does not know")
	}
	s := &State{
		branched: flags&flagBranched != 0, unknown: flags&flagUnknown != 0, held: kinds(flags >> kindShift),
	}
	d.readStamps()
	d.readRoots(s)
	d.readFields(s)
	s.tombs = d.versions()
	s.counter = d.counter()
	d.readSet(s)
	s.text = d.versions()
	s.list = d.versions()
	told, standing := s.held, s.standing()
	if standing&^(told|deletes) != 0 {
		d.refuse("a value that no op made")
	}
	if s.held |= standing; s.held.lasting() != told {
		d.refuse("deletes that the flags deny, or should not tell")
	}
	for _, used := range d.used {
		if !used {
			d.refuse("a version that nothing refers to")
		}
	}
	if d.err == nil {
		d.err = d.r.End()
	}
	if d.err != nil {
		return nil, faultOf(ErrState, "fold it again from the versions", d.err)
	}
	return s, nil
}

// standing is the kinds that the state holds something of.
func (s *State) standing() (k kinds) {
	for _, part := range []struct {
		kind kinds
		some bool
	}{
		{documents, len(s.roots)+len(s.fields) > 0},
		{counters, s.counter != nil},
		{sets, len(s.set) > 0},
		{texts, len(s.text) > 0},
		{lists, len(s.list) > 0},
		{deletes, len(s.tombs) > 0},
	} {
		if part.some {
			k |= part.kind
		}
	}
	return k
}

// decoder reads an encoded state. The first error stays, and later reads return zero values.
type decoder struct {
	r      canon.Reader
	err    error
	stamps []clock.Stamp
	used   []bool
	aside  []clock.Stamp // of the entry read last: that of the next one is often the same
}

func (d *decoder) refuse(what string) {
	if d.err == nil {
		d.err = &decodeError{what: what}
	}
}

type decodeError struct{ what string }

func (e *decodeError) Error() string { return e.what }

func (d *decoder) note(err error) {
	if d.err == nil {
		d.err = err
	}
}

// count reads the header of an array; after an error it is 0, so that loops end.
func (d *decoder) count() int {
	n, err := d.r.Array()
	d.note(err)
	if d.err != nil {
		return 0
	}
	return n
}

func (d *decoder) exactly(n int) {
	if d.count() != n {
		d.refuse("an array of another length than is due")
	}
}

func (d *decoder) uint() uint64 {
	n, err := d.r.Uint()
	d.note(err)
	return n
}

func (d *decoder) value() Value {
	v, err := d.r.Value()
	d.note(err)
	return v
}

func (d *decoder) readStamps() {
	for range d.count() {
		at, err := clock.ReadStamp(&d.r)
		d.note(err)
		if n := len(d.stamps); n > 0 && !d.stamps[n-1].Less(at) {
			d.refuse("versions that are not unique and ascending")
		}
		if d.err != nil {
			return
		}
		d.stamps = append(d.stamps, at)
	}
	d.used = make([]bool, len(d.stamps))
}

// version reads an index into the stamps.
func (d *decoder) version() clock.Stamp {
	i := d.uint()
	if d.err == nil && i >= uint64(len(d.stamps)) {
		d.refuse("a version that is not listed")
	}
	if d.err != nil {
		return clock.Stamp{}
	}
	d.used[i] = true
	return d.stamps[i]
}

// versions reads an ascending array of versions, nil if it is empty.
func (d *decoder) versions() []clock.Stamp {
	n := d.count()
	if n == 0 {
		return nil
	}
	if n > len(d.stamps) {
		d.refuse("more versions than are listed")
		return nil
	}
	out := make([]clock.Stamp, n)
	for i := range out {
		out[i] = d.version()
		if i > 0 && !out[i-1].Less(out[i]) {
			d.refuse("versions that do not ascend")
		}
	}
	return out
}

func (d *decoder) readRoots(s *State) {
	s.roots = s.room[:0]
	for range d.count() {
		d.exactly(3)
		e := entry{at: d.version(), killers: d.versions(), value: d.value()}
		if n := len(s.roots); n > 0 && !s.roots[n-1].at.Less(e.at) {
			d.refuse("roots that do not ascend")
		}
		if d.err != nil {
			return
		}
		s.roots = append(s.roots, e)
	}
}

func (d *decoder) readFields(s *State) {
	for range d.count() {
		d.exactly(2)
		path, depth, err := readPath(&d.r)
		d.note(err)
		f := field{path: string(path)}
		n := d.count()
		if n == 0 || n > len(d.stamps) {
			d.refuse("a field without entries, or with more than there are versions")
		}
		for i := 0; i < n && d.err == nil; i++ {
			f.entries = append(f.entries, d.readEntry(depth))
			if i > 0 && !f.entries[i-1].at.Less(f.entries[i].at) {
				d.refuse("entries that do not ascend")
			}
		}
		if k := len(s.fields); k > 0 && comparePaths(s.fields[k-1].path, f.path) >= 0 {
			d.refuse("fields that do not ascend")
		}
		if d.err != nil {
			return
		}
		s.fields = append(s.fields, f)
	}
}

func (d *decoder) readEntry(depth int) entry {
	items := d.count()
	if items != 3 && items != 4 {
		d.refuse("an entry that is not of 3 or 4 items")
	}
	e := entry{at: d.version(), killers: d.versions(), aside: d.versions()}
	if slices.Equal(e.aside, d.aside) {
		e.aside = d.aside
	}
	d.aside = e.aside
	if items == 4 {
		e.value = d.value()
		if d.err == nil && (isContainer(e.value) && !isEmptyObject(e.value) || depth+depthOf(e.value) > canon.MaxDepth) {
			d.refuse("a field that is no leaf")
		}
	}
	return e
}

func (d *decoder) counter() *counter {
	switch d.count() {
	case 0:
		return nil
	case 4:
	default:
		d.refuse("a counter that is not of 0 or 4 items")
	}
	c := &counter{adds: d.uint()}
	hi, err := d.r.Int()
	d.note(err)
	c.sum = int128{hi: hi, lo: d.uint()}
	c.at = d.version()
	mostHi, mostLo := bits.Mul64(c.adds, maxOperand)
	if hi, lo := c.sum.magnitude(); c.adds == 0 || hi > mostHi || hi == mostHi && lo > mostLo {
		d.refuse("a counter that no adds come to")
	}
	return c
}

func (d *decoder) readSet(s *State) {
	for range d.count() {
		d.exactly(2)
		e := element{value: d.value(), adds: d.versions()}
		if len(e.adds) == 0 {
			d.refuse("an element without adds")
		}
		if d.err == nil && depthOf(e.value) >= canon.MaxDepth {
			d.refuse("an element that nests too deep")
		}
		if n := len(s.set); d.err == nil && n > 0 && canon.Compare(s.set[n-1].value, e.value) >= 0 {
			d.refuse("elements that do not ascend")
		}
		if d.err != nil {
			return
		}
		s.set = append(s.set, e)
	}
}
