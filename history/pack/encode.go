package pack

import (
	"cmp"
	"slices"

	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/internal/order"
	"github.com/kdelta/kdelta/internal/zstd"
)

// Options is what an Encoder adds to versions.
type Options struct {
	// Seals, Certificates and Erasures go into the header as they are.
	Seals        []identity.Seal
	Certificates []identity.Certificate
	Erasures     []history.Erasure
	// Plain leaves the body as it is: for versions so few that compressing them takes more time than it saves.
	Plain bool
}

// Encode is Append of an Encoder that is used once.
func Encode(dst []byte, versions []history.Version, o Options) ([]byte, error) {
	return new(Encoder).Append(dst, versions, o)
}

// An Encoder writes packs; it keeps its memory from one to the next. A zero Encoder is ready.
type Encoder struct {
	header   headerWriter
	chains   []chain
	byAuthor map[identity.Author]int // index of the author's newest chain
	last     int                     // the chain used last
	placed   []uint32                // chain of each version
	parents  []parent                // of all versions, one after the other
	external []history.Ref
	// records and outside are for parents that are no chain's tip, and filled when the first such one comes.
	records map[history.ID]int
	filled  int
	outside map[history.ID]int
	pinned  []uint32 // of each version: 1 + how many pins are before it; 0 if it is none

	time    clock.Time // of the version before
	runs    []byte
	pins    []byte
	times   []byte
	columns payloadWriter
	layout  []byte
	plain   []byte
	stored  []byte
	refs    []uint64
}

// chain is a chain while versions are placed on it.
type chain struct {
	before history.Ref
	tip    history.Ref
	index  int // of the tip
	next   int // index+1 of the next chain of the same author, 0 for none
}

// parent is a parent before it is known which versions are pins.
type parent struct {
	kind uint32
	x    int // for refPin the index of the version, else as in the format
}

// Append appends the versions as one pack, in the given order, in which parents must come before their children. Authors may
// alternate and fork. The same versions in the same order give the same pack, but for what compression makes of it. A
// content that is not of the length that its op declares is left out. Beyond a limit of packs the error wraps
// history.ErrTooLarge: make several. Without versions the Options must have Erasures. All errors wrap ErrPack.
func (e *Encoder) Append(dst []byte, versions []history.Version, o Options) ([]byte, error) {
	if len(versions) == 0 && len(o.Erasures) == 0 {
		return dst, notPack("nothing to encode", nil)
	}
	if len(versions) > MaxVersions {
		return dst, tooLarge("too many versions")
	}
	e.reset(len(versions))
	first, last := timesOf(versions)
	e.time = first
	payloads := 0
	for i := range versions {
		v := &versions[i]
		if err := e.place(versions, i); err != nil {
			return dst, err
		}
		if payloads += len(v.Payload); payloads > MaxPayloads {
			return dst, tooLarge("payloads of too many bytes")
		}
		e.columns.add(v)
	}
	if err := e.writeRuns(versions); err != nil {
		return dst, err
	}
	var cols [columns][]byte
	cols[colRuns], cols[colPins], cols[colTimes] = e.runs, e.pins, e.times
	e.columns.fill(&cols)
	if e.layout = appendLayout(e.layout[:0], &cols); bodySize(e.layout, &cols) > MaxBody {
		return dst, tooLarge("a body of too many bytes")
	}
	h := Header{Count: len(versions), First: first, Last: last, Seals: o.Seals, Certificates: o.Certificates, Erasures: o.Erasures}
	return e.finish(dst, &h, &cols, o.Plain), nil
}

// timesOf are the least and the greatest time of versions.
func timesOf(versions []history.Version) (first, last clock.Time) {
	for i := range versions {
		t := versions[i].Time
		if i == 0 {
			first = t
		}
		first, last = min(first, t), max(last, t)
	}
	return first, last
}

func (e *Encoder) reset(n int) {
	if e.byAuthor == nil {
		e.byAuthor = make(map[identity.Author]int)
	}
	clear(e.byAuthor)
	clear(e.records)
	clear(e.outside)
	e.chains, e.parents, e.external = e.chains[:0], e.parents[:0], e.external[:0]
	e.placed, e.pinned = slices.Grow(e.placed[:0], n), slices.Grow(e.pinned[:0], n)[:n]
	clear(e.pinned)
	e.filled, e.last = 0, 0
	e.runs, e.pins, e.times = e.runs[:0], e.pins[:0], e.times[:0]
	e.columns.reset()
}

// minCompressed is the size below which a body is not worth the try: a frame alone takes some ten bytes.
const minCompressed = 64

// finish appends the header, of which is set what does not come from the chains, and the body of columns that were laid out.
func (e *Encoder) finish(dst []byte, h *Header, cols *[columns][]byte, plain bool) []byte {
	h.Chains, h.Externals = make([]Chain, len(e.chains)), e.external
	for i := range e.chains {
		h.Chains[i] = Chain{Before: e.chains[i].before, Tip: e.chains[i].tip}
	}
	size := bodySize(e.layout, cols)
	if !plain && size >= minCompressed && !e.columns.sample.Noise(size) {
		e.plain = appendBody(e.plain[:0], e.layout, cols)
		packed, ok := zstd.Compress(e.stored[:0], e.plain)
		e.stored = packed
		if ok && len(packed) < size && size <= len(packed)*MaxRatio+slack {
			h.Codec, h.Stored, h.Plain = CodecZstd, len(packed), size
			return append(e.header.append(dst, h), packed...)
		}
	}
	h.Codec, h.Stored, h.Plain = CodecNone, size, size
	return appendBody(e.header.append(dst, h), e.layout, cols)
}

// place finds the chain and the parents of version i, and writes its time.
func (e *Encoder) place(versions []history.Version, i int) error {
	v := &versions[i]
	if v.ID == v.Prev || v.Width == 0 || v.Width > v.Seq || v.Time > history.MaxSeq {
		return notPack("a version that was never made: "+v.Stamp().Name(), nil)
	}
	for d := range v.Deps {
		e.parents = append(e.parents, e.parent(versions, i, &v.Deps[d]))
	}
	c := e.last
	if len(e.chains) == 0 || e.chains[c].tip.ID != v.Prev {
		c = e.chain(v)
	}
	at := &e.chains[c]
	e.times = appendTime(e.times, e.time, v.Time, i > 0 && c == e.last)
	at.tip, at.index = v.Ref(), i
	e.placed, e.last, e.time = append(e.placed, uint32(c)), c, v.Time
	return nil
}

// chain is the chain that v continues, or a new one.
func (e *Encoder) chain(v *history.Version) int {
	newest, known := e.byAuthor[v.Author]
	if known {
		for c := newest; ; c = e.chains[c].next - 1 {
			if e.chains[c].tip.ID == v.Prev {
				return c
			}
			if e.chains[c].next == 0 {
				break
			}
		}
	}
	c := chain{before: v.PrevRef(), index: -1}
	if c.before.Seq == 0 {
		c.before.ID = history.ID{} // genesis, which author and space say
	}
	if known {
		c.next = newest + 1
	}
	e.chains = append(e.chains, c)
	e.byAuthor[v.Author] = len(e.chains) - 1
	return len(e.chains) - 1
}

// parent finds a parent of version i.
func (e *Encoder) parent(versions []history.Version, i int, dep *history.Ref) parent {
	if newest, known := e.byAuthor[dep.Author]; known && e.chains[newest].tip.ID == dep.ID {
		return parent{kind: refTip, x: newest}
	}
	if e.records == nil {
		e.records, e.outside = make(map[history.ID]int), make(map[history.ID]int)
	}
	for ; e.filled < i; e.filled++ {
		e.records[versions[e.filled].ID] = e.filled
	}
	if at, in := e.records[dep.ID]; in {
		if c := e.placed[at]; e.chains[c].index == at {
			return parent{kind: refTip, x: int(c)}
		}
		e.pinned[at] = 1
		return parent{kind: refPin, x: at}
	}
	at, known := e.outside[dep.ID]
	if !known {
		at = len(e.external)
		e.external = append(e.external, *dep)
		e.outside[dep.ID] = at
	}
	return parent{kind: refExternal, x: at}
}

// writeRuns writes the columns of runs and pins, now that it is known which versions are pins and which chains there are.
func (e *Encoder) writeRuns(versions []history.Version) error {
	e.dropBefores()
	made, last := uint32(0), 0
	for i := range e.pinned {
		if e.pinned[i] > 0 {
			e.pinned[i] = made + 1
			made++
			e.pins = appendNumber(e.pins, uint64(i-last))
			last = i + 1
		}
	}
	made = 0
	parents := e.parents
	for i := 0; i < len(versions); {
		n := len(versions[i].Deps)
		refs, err := e.encodeParents(parents[:n], made)
		if err != nil {
			return err
		}
		parents = parents[n:]
		e.runs = appendNumber(e.runs, uint64(e.placed[i])<<parentBits|uint64(min(n, manyParents)))
		if n >= manyParents {
			e.runs = appendNumber(e.runs, uint64(n))
		}
		for _, ref := range refs {
			e.runs = appendNumber(e.runs, ref)
		}
		start := i
		for i == start || i < len(versions) && e.placed[i] == e.placed[start] && len(versions[i].Deps) == 0 {
			if e.pinned[i] > 0 {
				made++
			}
			i++
		}
		e.runs = appendNumber(e.runs, uint64(i-start))
	}
	return nil
}

// dropBefores finds the externals that stand before a chain of the pack, which names them already.
func (e *Encoder) dropBefores() {
	if len(e.external) == 0 {
		return
	}
	before := make(map[history.Ref]int, len(e.chains))
	for i := range e.chains {
		before[e.chains[i].before] = i
	}
	kept := e.external[:0]
	moved := make([]parent, len(e.external))
	for i, x := range e.external {
		if c, is := before[x]; is {
			moved[i] = parent{kind: refBefore, x: c}
			continue
		}
		moved[i] = parent{kind: refExternal, x: len(kept)}
		kept = append(kept, x)
	}
	e.external = kept
	for i := range e.parents {
		if e.parents[i].kind == refExternal {
			e.parents[i] = moved[e.parents[i].x]
		}
	}
}

// encodeParents returns parents as numbers, ascending, where so many pins were made.
func (e *Encoder) encodeParents(parents []parent, made uint32) ([]uint64, error) {
	e.refs = e.refs[:0]
	for _, p := range parents {
		x := uint64(p.x)
		if p.kind == refPin {
			x = uint64(made - e.pinned[p.x]) // its number is one less
		}
		e.refs = append(e.refs, x<<parentBits|uint64(p.kind))
	}
	order.Sort(e.refs, cmp.Compare[uint64])
	for i := 1; i < len(e.refs); i++ {
		if e.refs[i] == e.refs[i-1] {
			return nil, notPack("a version with one parent twice", nil)
		}
	}
	return e.refs, nil
}
