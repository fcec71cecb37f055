package crdt

import (
	"slices"

	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/internal/canon"
	"github.com/kdelta/kdelta/internal/order"
)

// stateFormat is the first item of an encoded state; another number is another format.
const stateFormat = 0

// stateItems is how many items an encoded state has.
const stateItems = 10

// The flags of an encoded state, and how far those for the kinds that it held are shifted.
const (
	flagBranched = 1 << iota
	flagUnknown
	allFlags  = 1<<8 - 1
	kindShift = 2
)

// Append appends the state's canonical bytes; equal states have equal bytes. The form, in which a version is an index
// into stamps, is the array
//
//	[format, flags, stamps, roots, fields, tombstones, counter, set, text, list]
//
//	flags    1: some op did not cover all before it; 2: some op was unknown; 4: some op was a put or a patch;
//	         8: some op was an add; 16: some op was a set-add or set-remove; 32: some op was a text-splice; 64: some op
//	         was one on a list; 128: beside those on one text, or on one list, there were deletes and no others
//	stamps   all versions named below, ascending
//	roots    [[version, killers, value], …]                       ascending by version
//	fields   [[path, [[version, killers, aside, value], …]], …]   ascending by path, then version; a removed one has no value
//	counter  [] or [number of adds, sum >> 64, sum & (2^64−1), greatest add]
//	set      [[value, adds], …]                                   ascending by canon.Compare
//
// where killers, aside, tombstones, adds, text and list are ascending arrays of versions.
func (s *State) Append(b []byte) []byte { return s.Encoding().Append(b) }

// AppendDigest appends the bytes that stand for the state in a digest of all keys: those of Append without the values of
// roots and fields, which the versions fix.
func (s *State) AppendDigest(b []byte) []byte { return s.Encoding().AppendDigest(b) }

// Encoding is a state whose versions were put in order, for a caller that wants both of its forms: where thousands of versions
// stand on a state, that is a third of the work. It is good until the state changes.
type Encoding struct {
	state  *State
	stamps []clock.Stamp
}

// Encoding puts the versions of the state in order.
func (s *State) Encoding() *Encoding {
	e := new(Encoding)
	e.Of(s)
	return e
}

// Of makes e the encoding of another state, in the memory that it has.
func (e *Encoding) Of(s *State) {
	if e.state = s; !s.IsSimple() {
		e.stamps = s.stamps(e.stamps[:0])
	}
}

// Versions are all versions that the state names, ascending; Append names each by its place among them. They are good until e is
// the encoding of another state, and the caller must not change them.
func (e *Encoding) Versions() []clock.Stamp {
	if at, _, ok := e.state.Simple(); ok {
		return []clock.Stamp{at}
	}
	return e.stamps
}

// IsSimple is State.IsSimple.
func (e *Encoding) IsSimple() bool { return e.state.IsSimple() }

// Append is State.Append.
func (e *Encoding) Append(b []byte) []byte { return e.append(b, true) }

// AppendDigest is State.AppendDigest.
func (e *Encoding) AppendDigest(b []byte) []byte { return e.append(b, false) }

func (e *Encoding) append(b []byte, values bool) []byte {
	if at, value, ok := e.state.Simple(); ok {
		return appendSimple(b, at, value, values)
	}
	return e.state.encode(b, encoder{stamps: e.stamps, values: values})
}

func (s *State) encode(b []byte, e encoder) []byte {
	e.b = slices.Grow(b, s.encodedSize(len(e.stamps), e.values))
	e.b = canon.AppendArray(e.b, stateItems)
	e.b = canon.AppendUint(e.b, stateFormat)
	e.b = canon.AppendUint(e.b, s.flags())
	e.b = canon.AppendArray(e.b, len(e.stamps))
	for i := range e.stamps {
		e.b = e.stamps[i].Append(e.b)
	}
	e.array(len(s.roots))
	for i := range s.roots {
		e.root(&s.roots[i])
	}
	e.array(len(s.fields))
	for i := range s.fields {
		e.field(&s.fields[i])
	}
	e.versions(s.tombs)
	e.counter(s.counter)
	e.array(len(s.set))
	for i := range s.set {
		e.array(2)
		e.b = append(e.b, s.set[i].value...)
		e.versions(s.set[i].adds)
	}
	e.versions(s.text)
	e.versions(s.list)
	return e.b
}

// encodedSize is about how many bytes a state takes that names so many versions.
func (s *State) encodedSize(stamps int, values bool) int {
	const stampSize, entrySize = 88, 12
	size := 64 + stampSize*stamps
	add := func(e *entry) {
		if size += entrySize + 3*(len(e.killers)+len(e.aside)); values {
			size += len(e.value)
		}
	}
	for i := range s.roots {
		add(&s.roots[i])
	}
	s.eachField(add)
	return size
}

func (s *State) flags() uint64 {
	flags := uint64(s.held.lasting()) << kindShift
	if s.branched {
		flags |= flagBranched
	}
	if s.unknown {
		flags |= flagUnknown
	}
	return flags
}

// appendSimple is encode for what Simple describes, which nearly all states are: one version, one root, nothing else.
func appendSimple(b []byte, at clock.Stamp, value Value, values bool) []byte {
	b = canon.AppendArray(b, stateItems)
	b = canon.AppendUint(b, stateFormat)
	b = canon.AppendUint(b, uint64(documents)<<kindShift)
	b = at.Append(canon.AppendArray(b, 1))
	b = canon.AppendArray(b, 1)
	if values {
		b = canon.AppendArray(b, 3)
	} else {
		b = canon.AppendArray(b, 2)
	}
	b = canon.AppendArray(canon.AppendUint(b, 0), 0)
	if values {
		b = append(b, value...)
	}
	for range 6 { // fields, tombstones, counter, set, text, list
		b = canon.AppendArray(b, 0)
	}
	return b
}

// stamps returns all versions that the state names, ascending, each once, in the memory of out.
func (s *State) stamps(out []clock.Stamp) []clock.Stamp {
	out = slices.Grow(out, s.Standing()+1)
	out = append(append(append(out, s.tombs...), s.text...), s.list...)
	collect := func(e *entry) {
		out = append(append(append(out, e.at), e.killers...), e.aside...)
	}
	for i := range s.roots {
		collect(&s.roots[i])
	}
	s.eachField(collect)
	for i := range s.set {
		out = append(out, s.set[i].adds...)
	}
	if s.counter != nil {
		out = append(out, s.counter.at)
	}
	for i := 1; i < len(out); i++ {
		if !out[i-1].Less(out[i]) {
			order.Sort(out, clock.Stamp.Compare)
			return slices.Compact(out)
		}
	}
	return out // as of a document without deletes
}

type encoder struct {
	b      []byte
	stamps []clock.Stamp
	values bool
	next   int // the index behind that of the version named last: mostly the next one's
}

func (e *encoder) array(n int) { e.b = canon.AppendArray(e.b, n) }

func (e *encoder) version(x *clock.Stamp) {
	i := e.next
	if i >= len(e.stamps) || e.stamps[i] != *x {
		i, _ = slices.BinarySearchFunc(e.stamps, *x, clock.Stamp.Compare)
	}
	e.next = i + 1
	e.b = canon.AppendUint(e.b, uint64(i))
}

func (e *encoder) versions(list []clock.Stamp) {
	e.array(len(list))
	for i := range list {
		e.version(&list[i])
	}
}

func (e *encoder) root(x *entry) {
	if !e.values {
		e.array(2)
	} else {
		e.array(3)
	}
	e.version(&x.at)
	e.versions(x.killers)
	if e.values {
		e.b = append(e.b, x.value...)
	}
}

func (e *encoder) field(f *field) {
	e.array(2)
	e.b = canon.AppendString(e.b, f.path)
	e.array(len(f.entries))
	for i := range f.entries {
		x := &f.entries[i]
		withValue := e.values && x.value != nil
		if withValue {
			e.array(4)
		} else {
			e.array(3)
		}
		e.version(&x.at)
		e.versions(x.killers)
		e.versions(x.aside)
		if withValue {
			e.b = append(e.b, x.value...)
		}
	}
}

func (e *encoder) counter(c *counter) {
	if c == nil {
		e.array(0)
		return
	}
	e.array(4)
	e.b = canon.AppendUint(e.b, c.adds)
	e.b = canon.AppendInt(e.b, c.sum.hi)
	e.b = canon.AppendUint(e.b, c.sum.lo)
	e.version(&c.at)
}
