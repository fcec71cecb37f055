package pack

import (
	"cmp"
	"encoding/binary"
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
	// Fast compresses the body in half the time, into some twentieth more: for a pack that goes out at once and is not kept.
	Fast bool
}

// Encode is Append of an Encoder that is used once.
func Encode(dst []byte, versions []history.Version, o Options) ([]byte, error) {
	return new(Encoder).Append(dst, versions, o)
}

// An Encoder writes packs; it keeps its memory from one to the next. A zero Encoder is ready. A pack is written by Append, or by
// Reset, Add for each of its versions, and Finish.
type Encoder struct {
	header   headerWriter
	chains   []chain
	byAuthor map[identity.Author]int // index of the author's newest chain
	last     int                     // the chain used last
	placed   []placed
	parents  []parent // of all versions, one after the other
	external []history.Ref
	// byID, byDot and outside are for versions that are not the tip of the author's newest chain. The first two are filled when such a
	// one is first asked for.
	byID    map[history.ID]int
	byDot   map[dot]int
	filled  int
	outside map[history.ID]int

	first, least, greatest clock.Time
	time                   clock.Time // of the version before
	unfolded               int        // bytes of payloads
	runs                   []byte
	pins                   []byte
	times                  []byte // behind that of the first version
	columns                payloadWriter
	layout                 []byte
	plain                  []byte
	stored                 []byte
	refs                   []uint64
}

// chain is a chain while versions are placed on it.
type chain struct {
	before history.Ref
	tip    history.Ref
	index  int // of the tip
}

// placed is what is kept of a version.
type placed struct {
	id      history.ID // zero where it is not known
	seq     uint64
	chain   uint32
	parents uint32 // how many there are beside the version before
	pin     uint32 // 1 + how many pins are before it; 0 if it is none
}

// dot is what a version owns last, and names it where its author has not forked.
type dot struct {
	author identity.Author
	seq    uint64
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
	e.Reset(len(versions))
	for i := range versions {
		if _, err := e.Add(&versions[i]); err != nil {
			return dst, err
		}
	}
	return e.Finish(dst, o)
}

// Reset begins a pack of about n versions.
func (e *Encoder) Reset(n int) {
	if e.byAuthor == nil {
		e.byAuthor = make(map[identity.Author]int)
	}
	clear(e.byAuthor)
	clear(e.byID)
	clear(e.byDot)
	clear(e.outside)
	e.chains, e.parents, e.external = e.chains[:0], e.parents[:0], e.external[:0]
	e.placed, e.filled, e.last = slices.Grow(e.placed[:0], min(n, MaxVersions)), 0, 0
	e.first, e.least, e.greatest, e.time, e.unfolded = 0, 0, 0, 0, 0
	e.runs, e.pins, e.times = e.runs[:0], e.pins[:0], e.times[:0]
	e.columns.reset()
}

// Add adds the next version, of which nothing is kept, and returns which chain of the pack it is on.
//
// What a pack needs of ids are those of the versions before its chains, of parents that are not in it, and of the tips of chains.
// So a version may come without its ID, and as Prev and in Deps of later ones, where no other version of the pack can have the same
// author and dot: where the author has not forked. NameTip gives the tips theirs.
func (e *Encoder) Add(v *history.Version) (chain int, err error) {
	if len(e.placed) == MaxVersions {
		return 0, tooLarge("too many versions")
	}
	if chain, err = e.place(v); err != nil {
		return 0, err
	}
	if e.unfolded += len(v.Payload); e.unfolded > MaxPayloads {
		return 0, tooLarge("payloads of too many bytes")
	}
	e.columns.add(v)
	return chain, nil
}

// Len is how many versions were added.
func (e *Encoder) Len() int { return len(e.placed) }

// Tip is the newest version of a chain so far, without ID where that is not known.
func (e *Encoder) Tip(chain int) history.Ref { return e.chains[chain].tip }

// NameTip says which ID the newest version of a chain has.
func (e *Encoder) NameTip(chain int, id history.ID) {
	at := &e.chains[chain]
	at.tip.ID, e.placed[at.index].id = id, id
}

// Finish appends the pack of the versions that were added; see Append.
func (e *Encoder) Finish(dst []byte, o Options) ([]byte, error) {
	if len(e.placed) == 0 && len(o.Erasures) == 0 {
		return dst, notPack("nothing to encode", nil)
	}
	for i := range e.chains {
		if e.chains[i].tip.ID.IsZero() {
			return dst, notPack("a chain whose tip has no id", nil)
		}
	}
	if err := e.writeRuns(); err != nil {
		return dst, err
	}
	e.writeFirstTime()
	var cols [columns][]byte
	cols[colRuns], cols[colPins], cols[colTimes] = e.runs, e.pins, e.times
	e.columns.fill(&cols)
	if e.layout = appendLayout(e.layout[:0], &cols); bodySize(e.layout, &cols) > MaxBody {
		return dst, tooLarge("a body of too many bytes")
	}
	h := Header{
		Count: len(e.placed), First: e.least, Last: e.greatest,
		Seals: o.Seals, Certificates: o.Certificates, Erasures: o.Erasures,
	}
	return e.finish(dst, &h, &cols, o.Plain, o.Fast), nil
}

// minCompressed is the size below which a body is not worth the try: a frame alone takes some ten bytes.
const minCompressed = 64

// finish appends the header, of which is set what does not come from the chains, and the body of columns that were laid out.
func (e *Encoder) finish(dst []byte, h *Header, cols *[columns][]byte, plain, fast bool) []byte {
	h.Chains, h.Externals = make([]Chain, len(e.chains)), e.external
	for i := range e.chains {
		h.Chains[i] = Chain{Before: e.chains[i].before, Tip: e.chains[i].tip}
	}
	size := bodySize(e.layout, cols)
	if !plain && size >= minCompressed && !e.columns.sample.Noise(size) {
		e.plain = appendBody(e.plain[:0], e.layout, cols)
		packed, ok := zstd.Compress(e.stored[:0], e.plain, fast)
		e.stored = packed
		if ok && len(packed) < size && size <= len(packed)*MaxRatio+slack {
			h.Codec, h.Stored, h.Plain = CodecZstd, len(packed), size
			return append(e.header.append(dst, h), packed...)
		}
	}
	h.Codec, h.Stored, h.Plain = CodecNone, size, size
	return appendBody(e.header.append(dst, h), e.layout, cols)
}

// place finds the chain and the parents of the next version, and writes its time.
func (e *Encoder) place(v *history.Version) (int, error) {
	if v.ID == v.Prev && !v.ID.IsZero() || v.Width == 0 || v.Width > v.Seq || v.Time > history.MaxSeq {
		return 0, notPack("a version that was never made: "+v.Stamp().Name(), nil)
	}
	for d := range v.Deps {
		p, err := e.parent(&v.Deps[d])
		if err != nil {
			return 0, err
		}
		e.parents = append(e.parents, p)
	}
	c, prev := e.last, v.PrevRef()
	if len(e.chains) == 0 || !same(&e.chains[c].tip, &prev) {
		var err error
		if c, err = e.chain(&prev); err != nil {
			return 0, err
		}
	}
	at := &e.chains[c]
	e.addTime(v.Time, c == e.last)
	if !prev.ID.IsZero() && at.index >= 0 {
		e.placed[at.index].id = prev.ID
	}
	at.tip, at.index = v.Ref(), len(e.placed)
	e.placed = append(e.placed, placed{id: v.ID, seq: v.Seq, chain: uint32(c), parents: uint32(len(v.Deps))})
	e.last = c
	return c, nil
}

// same reports whether two references are to one version. Where only one of them has its ID, author and dot say it.
func same(a, b *history.Ref) bool {
	return a.Seq == b.Seq && (a.ID == b.ID || a.ID.IsZero() || b.ID.IsZero()) && a.Author == b.Author
}

// addTime writes a time behind the first.
func (e *Encoder) addTime(t clock.Time, own bool) {
	if len(e.placed) == 0 {
		e.first, e.least, e.greatest = t, t, t
	} else {
		e.times = appendTime(e.times, e.time, t, own)
		e.least, e.greatest = min(e.least, t), max(e.greatest, t)
	}
	e.time = t
}

// writeFirstTime writes the first time, which is told from the least of all.
func (e *Encoder) writeFirstTime() {
	if len(e.placed) > 0 {
		var room [2 * binary.MaxVarintLen64]byte
		e.times = slices.Insert(e.times, 0, appendTime(room[:0], e.least, e.first, false)...)
	}
}

// chain is the chain that the version behind prev continues, or a new one.
func (e *Encoder) chain(prev *history.Ref) (int, error) {
	if newest, known := e.byAuthor[prev.Author]; known {
		if same(&e.chains[newest].tip, prev) {
			return newest, nil
		}
		if at, in := e.find(prev); in && e.isTip(at) {
			return int(e.placed[at].chain), nil
		}
	}
	c := chain{before: *prev, index: -1}
	switch {
	case c.before.Seq == 0:
		c.before.ID = history.ID{} // genesis, which author and space say
	case c.before.ID.IsZero():
		return 0, notPack("a chain behind a version without id", nil)
	}
	e.chains = append(e.chains, c)
	e.byAuthor[prev.Author] = len(e.chains) - 1
	return len(e.chains) - 1, nil
}

// isTip reports whether a version is the newest of its chain.
func (e *Encoder) isTip(at int) bool { return e.chains[e.placed[at].chain].index == at }

// parent finds a parent of the next version.
func (e *Encoder) parent(dep *history.Ref) (parent, error) {
	if newest, known := e.byAuthor[dep.Author]; known {
		if same(&e.chains[newest].tip, dep) {
			return parent{kind: refTip, x: newest}, nil
		}
		if at, in := e.find(dep); in {
			if e.isTip(at) {
				return parent{kind: refTip, x: int(e.placed[at].chain)}, nil
			}
			e.placed[at].pin = 1
			return parent{kind: refPin, x: at}, nil
		}
	}
	if dep.ID.IsZero() {
		return parent{}, notPack("a parent outside without id", nil)
	}
	if e.outside == nil {
		e.outside = make(map[history.ID]int)
	}
	at, known := e.outside[dep.ID]
	if !known {
		at = len(e.external)
		e.external = append(e.external, *dep)
		e.outside[dep.ID] = at
	}
	return parent{kind: refExternal, x: at}, nil
}

// find finds a version of the pack: by its id, or where one of them lacks it by author and dot, which no other version has then.
func (e *Encoder) find(ref *history.Ref) (at int, in bool) {
	if e.byID == nil {
		e.byID, e.byDot = make(map[history.ID]int), make(map[dot]int)
	}
	for ; e.filled < len(e.placed); e.filled++ {
		v := &e.placed[e.filled]
		if !v.id.IsZero() {
			e.byID[v.id] = e.filled
		}
		e.byDot[dot{e.chains[v.chain].before.Author, v.seq}] = e.filled
	}
	if at, in = e.byID[ref.ID]; in {
		return at, in
	}
	at, in = e.byDot[dot{ref.Author, ref.Seq}]
	return at, in && same(&history.Ref{Author: ref.Author, Seq: ref.Seq, ID: e.placed[at].id}, ref)
}

// writeRuns writes the columns of runs and pins, now that it is known which versions are pins and which chains there are.
func (e *Encoder) writeRuns() error {
	e.dropBefores()
	made, last := uint32(0), 0
	for i := range e.placed {
		if e.placed[i].pin > 0 {
			e.placed[i].pin = made + 1
			made++
			e.pins = appendNumber(e.pins, uint64(i-last))
			last = i + 1
		}
	}
	made = 0
	parents := e.parents
	for i := 0; i < len(e.placed); {
		start := e.placed[i]
		n := int(start.parents)
		refs, err := e.encodeParents(parents[:n], made)
		if err != nil {
			return err
		}
		parents = parents[n:]
		e.runs = appendNumber(e.runs, uint64(start.chain)<<parentBits|uint64(min(n, manyParents)))
		if n >= manyParents {
			e.runs = appendNumber(e.runs, uint64(n))
		}
		for _, ref := range refs {
			e.runs = appendNumber(e.runs, ref)
		}
		length := 0
		for ; i < len(e.placed); i++ {
			at := &e.placed[i]
			if length > 0 && (at.chain != start.chain || at.parents > 0) {
				break
			}
			if at.pin > 0 {
				made++
			}
			length++
		}
		e.runs = appendNumber(e.runs, uint64(length))
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
			x = uint64(made - e.placed[p.x].pin) // its number is one less
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
