package pack

import (
	"crypto/sha256"
	"iter"
	"slices"

	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/internal/order"
)

// A Reader gives any version of a pack, and those that touch a key, without hashing the others. It is for packs of one's
// own, which were read by a Decoder once: it checks no version. Opening one decompresses it and passes over its columns once;
// a version costs some 60 bytes of memory beside the body. It never changes: any number of goroutines may use it.
//
// Versions are numbered from 0 in the order of the pack. Ids are not stored: a pack would be twice as large. IDs computes
// those of all versions; keep them as long as the Reader. To erase a content, write the pack again without it: Version gives all
// that an Encoder takes.
type Reader struct {
	header  Header
	befores []history.Ref
	rows    []row
	parents []uint32 // of all versions, one after the other; see atExternal
	base    payloads // with its dictionary; never read from
	marks   []places // where every markEvery-th version starts
	// The versions that touch key k are touched[touchEnds[k-1]:touchEnds[k]].
	touched   []uint32
	touchEnds []uint32
	lookup    keyLookup
}

// row is what is held of a version.
type row struct {
	time    clock.Time
	seq     uint64
	chain   uint32
	prev    uint32 // 1 + the number of the version before it on its chain, 0 for none in the pack
	parents uint32 // where its parents start; they end where those of the next start
}

const (
	// markEvery is a compromise: some 450 bytes for each mark, and half as many versions to pass over, at 20 ns or so each.
	markEvery = 16
	// A parent is the number of a version, or one of these and the number of an external or a chain.
	atExternal = 1 << 30
	atBefore   = 1 << 31
)

// Open reads the pack b, whose versions belong to space. What is not compressed is aliased. The error wraps ErrPack.
func Open(space identity.Space, b []byte) (*Reader, error) {
	h, stored, err := ReadHeader(b)
	if err != nil {
		return nil, err
	}
	plain, err := openBody(&h, stored, nil)
	if err != nil {
		return nil, err
	}
	r := &Reader{header: h}
	for i := range h.Chains {
		r.befores = append(r.befores, h.Chains[i].before(space))
	}
	src := source{b: plain}
	cols := src.layout()
	var s skeleton
	s.open(src, &cols, &h)
	r.base.open(src, &cols)
	if what := firstFault(s.fault, r.base.fault); what != "" {
		return nil, notPack("the body: "+what, nil)
	}
	if what := r.index(&s); what != "" {
		return nil, notPack("the body: "+what, nil)
	}
	return r, nil
}

// index passes over the columns and says what is wrong with them.
func (r *Reader) index(s *skeleton) (fault string) {
	p := r.base
	r.rows = make([]row, 0, r.header.Count)
	tips, pins := make([]uint32, len(r.befores)), []uint32(nil)
	var keys []uint32
	perVersion := make([]uint32, 0, r.header.Count)
	for i := range r.header.Count {
		if i%markEvery == 0 {
			r.marks = append(r.marks, p.places)
		}
		s.next()
		before := len(keys)
		var width uint64
		keys, width = p.skip(keys)
		if what := firstFault(s.fault, p.fault); what != "" {
			return what
		}
		perVersion = append(perVersion, uint32(len(keys)-before))
		v := row{time: s.time, seq: r.befores[s.chain].Seq, chain: uint32(s.chain), prev: tips[s.chain], parents: uint32(len(r.parents))}
		if v.prev > 0 {
			v.seq = r.rows[v.prev-1].seq
		}
		v.seq += width
		for _, ref := range s.parents {
			r.parents = append(r.parents, parentAt(ref, tips, pins))
		}
		r.rows = append(r.rows, v)
		tips[s.chain] = uint32(len(r.rows))
		if s.isPin {
			pins = append(pins, uint32(i))
		}
	}
	s.end()
	p.end()
	for i, tip := range tips {
		if tip == 0 || r.rows[tip-1].seq != r.header.Chains[i].Tip.Seq {
			p.fail(faultTips)
		}
	}
	r.indexKeys(keys, perVersion)
	r.lookup = newKeyLookup(&r.base.dict)
	return firstFault(s.fault, p.fault)
}

// parentAt is a parent by what is held of it.
func parentAt(ref uint64, tips, pins []uint32) uint32 {
	x := uint32(ref >> parentBits)
	switch ref & (refKinds - 1) {
	case refTip:
		return tips[x] - 1
	case refPin:
		return pins[uint32(len(pins))-1-x]
	case refExternal:
		return atExternal | x
	default:
		return atBefore | x
	}
}

// indexKeys sorts the versions by the keys that they touch, each once for a key.
func (r *Reader) indexKeys(keys, perVersion []uint32) {
	n := r.base.dict.len()
	seen := make([]uint32, n) // 1 + the last version that touched the key
	ends := make([]uint32, n+1)
	each := func(visit func(key, version uint32)) {
		clear(seen)
		rest := keys
		for v, ops := range perVersion {
			for _, k := range rest[:ops] {
				if seen[k] != uint32(v)+1 {
					seen[k] = uint32(v) + 1
					visit(k, uint32(v))
				}
			}
			rest = rest[ops:]
		}
	}
	each(func(k, _ uint32) { ends[k+1]++ })
	for k := range n {
		ends[k+1] += ends[k]
	}
	r.touched = make([]uint32, ends[n])
	each(func(k, v uint32) {
		r.touched[ends[k]] = v
		ends[k]++
	})
	r.touchEnds = ends[:n]
}

// Header is what the pack says in clear.
func (r *Reader) Header() *Header { return &r.header }

// Len is the number of versions.
func (r *Reader) Len() int { return len(r.rows) }

// Stamp is the name and the time of version i, without its ID.
func (r *Reader) Stamp(i int) clock.Stamp {
	v := &r.rows[i]
	return clock.Stamp{Time: v.time, Author: r.befores[v.chain].Author, Seq: v.seq}
}

// Touching is the versions that touch the key, ascending; none where the key is not in the pack. Not to be changed.
func (r *Reader) Touching(key string) []uint32 {
	if k, ok := r.lookup.find(&r.base.dict, []byte(key)); ok {
		return r.touching(k)
	}
	return nil
}

func (r *Reader) touching(k int) []uint32 {
	from := uint32(0)
	if k > 0 {
		from = r.touchEnds[k-1]
	}
	return r.touched[from:r.touchEnds[k]:r.touchEnds[k]]
}

// Keys yields each key of the pack, in the order in which they first come, with what Touching says of it.
func (r *Reader) Keys() iter.Seq2[string, []uint32] {
	return func(yield func(string, []uint32) bool) {
		for k := range r.base.dict.len() {
			if !yield(string(r.base.dict.key(uint64(k))), r.touching(k)) {
				return
			}
		}
	}
}

// Bare is version i without ID, Prev and Deps: what a fold of its key needs, and nothing was hashed for it.
func (r *Reader) Bare(i int) history.Version {
	v := &r.rows[i]
	p := payloads{source: r.base.source, places: r.marks[i/markEvery], dict: r.base.dict}
	keys := make([]uint32, 0, 64)
	for range i % markEvery {
		keys, _ = p.skip(keys[:0])
	}
	out := history.Version{Author: r.befores[v.chain].Author, Seq: v.seq, Width: v.seq - r.before(v).Seq, Time: v.time}
	out.Payload, out.Contents = p.next(nil, nil)
	return out
}

// before names the version before v, without its ID where that is in the pack.
func (r *Reader) before(v *row) history.Ref {
	if v.prev == 0 {
		return r.befores[v.chain]
	}
	return history.Ref{Author: r.befores[v.chain].Author, Seq: r.rows[v.prev-1].seq}
}

// Version is version i; ids are what IDs returned.
func (r *Reader) Version(i int, ids []history.ID) history.Version {
	out := r.Bare(i)
	r.link(&out, i, ids)
	out.ID = ids[i]
	return out
}

// link sets Prev and Deps of v, which is version i; the ids of the versions before it are known.
func (r *Reader) link(v *history.Version, i int, ids []history.ID) {
	at := &r.rows[i]
	v.Prev = r.befores[at.chain].ID
	if at.prev > 0 {
		v.Prev = ids[at.prev-1]
	}
	end := uint32(len(r.parents))
	if i+1 < len(r.rows) {
		end = r.rows[i+1].parents
	}
	for _, x := range r.parents[at.parents:end] {
		v.Deps = append(v.Deps, r.ref(x, ids))
	}
	order.Sort(v.Deps, func(a, b history.Ref) int { return a.ID.Compare(b.ID) })
}

func (r *Reader) ref(x uint32, ids []history.ID) history.Ref {
	switch {
	case x&atBefore != 0:
		return r.befores[x&^atBefore]
	case x&atExternal != 0:
		return r.header.Externals[x&^atExternal]
	default:
		v := &r.rows[x]
		return history.Ref{Author: r.befores[v.chain].Author, Seq: v.seq, ID: ids[x]}
	}
}

// IDs computes the ids of all versions, at two hashes each. The error wraps ErrPack: the pack was damaged since it was written,
// as the ids do not lead to the tips of its header.
func (r *Reader) IDs() ([]history.ID, error) {
	p := r.base
	ids := make([]history.ID, len(r.rows))
	var v history.Version
	var payload, scratch []byte
	for i := range r.rows {
		payload, _ = p.next(payload[:0], nil)
		v = history.Version{Seq: r.rows[i].seq, Time: r.rows[i].time, Payload: payload, Deps: v.Deps[:0]}
		r.link(&v, i, ids)
		scratch = v.AppendHeader(scratch[:0])
		ids[i] = sha256.Sum256(scratch)
	}
	tips := make([]history.ID, len(r.befores))
	for i := range r.rows {
		tips[r.rows[i].chain] = ids[i]
	}
	if !slices.EqualFunc(tips, r.header.Chains, func(id history.ID, c Chain) bool { return id == c.Tip.ID }) {
		return nil, notPack("the body: "+faultTips, nil)
	}
	return ids, nil
}
