package history

import (
	"errors"
	"io"
	"slices"

	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/internal/canon"
	"github.com/kdelta/kdelta/internal/order"
)

// A Decoder reads the versions of one run, one at a time, and checks and hashes each. What it allocates is at most 8
// times its input, and nothing at all once it has grown by reading other runs; a zero Decoder is ready for Reset.
//
// The ids chain from those that Befores and Externals state. These are claims: compare them with what you hold before you
// believe any id.
type Decoder struct {
	// Unhashed is set by who reads its own rows and needs no ids: a version then has none, nor have Prev and Deps but those that the
	// run states. See Chain.Follow.
	Unhashed bool

	r         canon.Reader
	befores   []Ref
	chains    []Chain
	externals []Ref
	records   []record
	total     int
	time      clock.Time
	version   Version
	deps      []Ref
	contents  []Content
	scratch   []byte
	err       error
}

// record is what later records may refer to.
type record struct {
	id    ID // zero where the version is invalid
	seq   uint64
	chain uint32
}

// Reset starts to read the run b, whose versions belong to space. Versions alias b. The error wraps ErrRun.
func (d *Decoder) Reset(space identity.Space, b []byte) error {
	d.r = canon.NewReader(b)
	d.befores, d.chains = d.befores[:0], d.chains[:0]
	d.externals, d.records = d.externals[:0], d.records[:0]
	d.total, d.time, d.err = 0, 0, nil
	d.err = d.header(space)
	return d.err
}

func (d *Decoder) header(space identity.Space) error {
	n, _ := d.r.Array()
	format, err := d.r.Uint()
	if err != nil || n < runItems {
		return notRun("the header", err)
	}
	if format != FormatByte {
		return notRun("a format that this program does not know; a newer kdelta may have written it", nil)
	}
	if d.befores, err = d.refs(d.befores); err != nil {
		return notRun("the chains", err)
	}
	if d.externals, err = d.refs(d.externals); err != nil {
		return notRun("the externals", err)
	}
	if slices.ContainsFunc(d.externals, func(r Ref) bool { return r.Seq == 0 }) {
		return notRun("an external that is no version", nil)
	}
	d.total = n - runItems
	if d.total == 0 || d.total > d.r.Len()/minRecord {
		return notRun("a number of records that its bytes cannot hold", nil)
	}
	for i := range d.befores {
		d.chains = append(d.chains, NewChain(space, d.befores[i]))
	}
	d.records = slices.Grow(d.records, d.total)
	return nil
}

func (d *Decoder) refs(into []Ref) ([]Ref, error) {
	n, err := d.r.Array()
	if err != nil {
		return into, err
	}
	if n > d.r.Len()/minRef {
		return into, errCount
	}
	into = slices.Grow(into, n)
	for range n {
		items, _ := d.r.Array()
		author, _ := d.r.Bytes32()
		seq, _ := d.r.Uint()
		id, err := d.r.Bytes32()
		if err != nil || items != refItems || seq > MaxSeq {
			return into, orShape(err)
		}
		into = append(into, Ref{Author: author, Seq: seq, ID: id})
	}
	return into, nil
}

var (
	errCount = errors.New("a count that the bytes cannot hold")
	errShape = errors.New("an item of another shape")
)

func orShape(err error) error {
	if err == nil {
		return errShape
	}
	return err
}

// Befores names, for each stretch of an author's versions in the run, the version just before it; Seq is 0 where there is
// none. Valid until the next Reset.
func (d *Decoder) Befores() []Ref { return d.befores }

// Externals names the other parents that are not in the run. Valid until the next Reset.
func (d *Decoder) Externals() []Ref { return d.externals }

// Len is the number of versions in the run.
func (d *Decoder) Len() int { return d.total }

// Next reads the next version, which is valid until the next call; Clone it to keep it. Its error is
//
//   - io.EOF after the last version;
//   - one that wraps ErrInvalid where this version is invalid, or descends from an invalid one of this run. The version
//     then has its Author but no id. Go on: the others are sound;
//   - one that wraps ErrContent where a content does not belong to its op. It is not in Contents; all else is sound: go on;
//   - one that wraps ErrRun where the bytes are no run from here on. What was read before is sound. The error stays.
//
// What remains to be checked is CheckTime, which takes parents that may be outside.
func (d *Decoder) Next() (*Version, error) {
	if d.err != nil {
		return nil, d.err
	}
	if len(d.records) == d.total {
		if d.err = d.r.End(); d.err != nil {
			d.err = notRun("after the last record", d.err)
		} else {
			d.err = io.EOF
		}
		return nil, d.err
	}
	chain, err := d.record()
	if err != nil {
		d.err = notRun("a record", err)
		return nil, d.err
	}
	return d.finish(chain)
}

// record reads the next record into d.version, unchecked.
func (d *Decoder) record() (chain uint64, err error) {
	items, _ := d.r.Array()
	chain, _ = d.r.Uint()
	delta, _ := d.r.Int()
	n, err := d.r.Array()
	if err != nil || items != recordItems || chain >= uint64(len(d.befores)) {
		return 0, orShape(err)
	}
	d.time += clock.Time(delta)
	if d.time > MaxSeq {
		return 0, errors.New("a time beyond 63 bits")
	}
	if n > MaxDeps {
		return 0, errCount
	}
	d.deps = d.deps[:0]
	var last uint64
	for i := range n {
		at, err := d.r.Uint()
		if err != nil || i > 0 && at <= last {
			return 0, orShape(err)
		}
		dep, ok := d.parent(at)
		if !ok {
			return 0, errShape
		}
		d.deps, last = append(d.deps, dep), at
	}
	payload, err := d.r.Bytes()
	if err != nil {
		return 0, err
	}
	if err := d.readContents(); err != nil {
		return 0, err
	}
	d.version = Version{Deps: d.deps, Time: d.time, Payload: payload, Contents: d.contents}
	return chain, nil
}

func (d *Decoder) parent(at uint64) (Ref, bool) {
	if at&1 == 1 {
		if at>>1 >= uint64(len(d.externals)) {
			return Ref{}, false
		}
		return d.externals[at>>1], true
	}
	back := at >> 1
	if back == 0 || back > uint64(len(d.records)) {
		return Ref{}, false
	}
	r := &d.records[uint64(len(d.records))-back]
	return Ref{Author: d.befores[r.chain].Author, Seq: r.seq, ID: r.id}, true
}

func (d *Decoder) readContents() error {
	n, err := d.r.Array()
	if err != nil {
		return err
	}
	d.contents = d.contents[:0]
	for i := range n {
		items, _ := d.r.Array()
		op, _ := d.r.Uint()
		salt, _ := d.r.Bytes()
		body, err := d.r.Bytes()
		if err != nil || items != contentItems || len(salt) != SaltSize || op >= MaxOps {
			return orShape(err)
		}
		if i > 0 && op <= uint64(d.contents[i-1].Op) {
			return errShape
		}
		d.contents = append(d.contents, Content{Op: uint32(op), Salt: [SaltSize]byte(salt), Body: body})
	}
	return nil
}

// finish checks and hashes d.version, which is the next on the chain, and notes it for those that refer to it.
func (d *Decoder) finish(chain uint64) (*Version, error) {
	v := &d.version
	var err error
	if d.Unhashed {
		d.scratch, err = d.chains[chain].Follow(v, d.scratch)
	} else {
		d.scratch, err = d.chains[chain].Next(v, d.scratch, nil)
	}
	d.records = append(d.records, record{id: v.ID, seq: v.Seq, chain: uint32(chain)})
	return v, err
}

// DecodeRun reads a whole run that is expected to be sound: any error ends it. The versions alias b. Their memory is about
// 200 bytes for each and 72 for each of their parents, which is more than 8 times the input where most versions hold
// next to nothing: read what strangers send with a Decoder.
func DecodeRun(space identity.Space, b []byte) ([]Version, error) {
	var d Decoder
	if err := d.Reset(space, b); err != nil {
		return nil, err
	}
	versions := make([]Version, 0, d.Len())
	for {
		v, err := d.Next()
		if errors.Is(err, io.EOF) {
			return versions, nil
		}
		if err != nil {
			return nil, err
		}
		kept := *v
		kept.Deps, kept.Contents = slices.Clone(v.Deps), slices.Clone(v.Contents)
		versions = append(versions, kept)
	}
}

func compareIDs(a, b *ID) int { return a.Compare(*b) }

func compareRefs(a, b Ref) int { return a.ID.Compare(b.ID) }

func sortedRefs(refs []Ref) []Ref {
	if len(refs) == 0 {
		return nil
	}
	sorted := slices.Clone(refs)
	order.Sort(sorted, compareRefs)
	return sorted
}
