package pack

import (
	"io"
	"slices"

	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/internal/zstd"
)

// A Decoder reads the versions of one pack, one at a time, and checks and hashes each. It allocates at most 8 times the size
// of header and body, one payload (1 MiB), and 48 bytes for each pinned version; once it has grown by reading other packs, the
// header alone, unless it keeps payloads. A zero Decoder is ready for Reset.
//
// The ids chain from those that Befores and Externals of the header state. These are claims: compare them with what you
// hold before you believe any id. A pack of another space shows as versions that do not lead to the tips.
type Decoder struct {
	// Keep is set by who reads all of a pack before it uses any of it: the payloads of versions and the bodies of their contents
	// then stay until the next Reset, and Ops has the ops of the version that was read last. All payloads take MaxPayloads bytes at
	// most.
	Keep bool
	// Unhashed is set by who reads its own packs and needs no ids: a version then has none, nor have Prev and Deps but those that the
	// header states. See history.Chain.Follow.
	Unhashed bool

	header   Header
	befores  []history.Ref
	chains   []history.Chain
	pins     []pin
	skeleton skeleton
	payloads payloads
	body     []byte // memory for the decompressed body
	built    uint64 // bytes of payloads
	times    [2]clock.Time
	version  history.Version
	payload  []byte // memory for payloads: for the next, or behind those that are kept
	ops      []history.Op
	deps     []history.Ref
	contents []history.Content
	scratch  []byte
	err      error
}

// pin is a version that later ones refer to; without id where it is invalid.
type pin struct {
	id    history.ID
	seq   uint64
	chain uint32
}

// Reset starts to read the pack b, whose versions belong to space. What is not compressed aliases b. The error wraps
// ErrPack.
func (d *Decoder) Reset(space identity.Space, b []byte) error {
	d.err = d.reset(space, b)
	return d.err
}

func (d *Decoder) reset(space identity.Space, b []byte) error {
	h, stored, err := ReadHeader(b)
	if err != nil {
		return err
	}
	d.header = h
	d.chains = slices.Grow(d.chains[:0], len(h.Chains))
	d.befores = slices.Grow(d.befores[:0], len(h.Chains))
	for i := range h.Chains {
		before := h.Chains[i].before(space)
		d.befores = append(d.befores, before)
		d.chains = append(d.chains, history.NewChain(space, before))
	}
	d.pins, d.built, d.times = d.pins[:0], 0, [2]clock.Time{history.MaxSeq, 0}
	d.payload = d.payload[:0]
	plain, err := openBody(&d.header, stored, d.body)
	if err != nil {
		return err
	}
	if h.Codec != CodecNone {
		d.body = plain
	}
	src := source{b: plain}
	cols := src.layout()
	d.skeleton.open(src, &cols, &d.header)
	d.payloads.open(src, &cols)
	d.pins = slices.Grow(d.pins, min(h.Count, int(cols[colPins].end-cols[colPins].at)))
	return d.fault()
}

// openBody returns the body in plain, in memory that may be given.
func openBody(h *Header, stored, memory []byte) ([]byte, error) {
	if len(stored) != h.Stored {
		return nil, notPack("a body that is not as long as the header says", nil)
	}
	if h.Codec == CodecNone {
		return stored, nil
	}
	plain, err := zstd.Decompress(memory, stored, h.Plain)
	if err != nil {
		return nil, notPack("the body", err)
	}
	return plain, nil
}

// fault is what is wrong with the body so far.
func (d *Decoder) fault() error {
	if what := firstFault(d.skeleton.fault, d.payloads.fault); what != "" {
		return notPack("the body: "+what, nil)
	}
	return nil
}

// Header is the header of the pack; its parts are valid until the next Reset.
func (d *Decoder) Header() *Header { return &d.header }

// Befores names the version before the first of each chain of the header; where there is none, the genesis of the author.
// Valid until the next Reset.
func (d *Decoder) Befores() []history.Ref { return d.befores }

// Len is the number of versions in the pack.
func (d *Decoder) Len() int { return d.header.Count }

// Next reads the next version, which is valid until the next call; Clone it to keep it. Its error is
//
//   - io.EOF after the last version, if the tips and times that the header states are those of the versions;
//   - one that wraps history.ErrInvalid where this version is invalid, or descends from an invalid one of this pack. The
//     version then has its Author but no ID. Go on: the others are sound;
//   - one that wraps history.ErrContent where a content does not belong to its op. It is not in Contents; all else is sound:
//     go on;
//   - one that wraps ErrPack where the bytes are no pack from here on. What was read before is sound. The error stays.
//
// What remains to be checked is Version.CheckTime, which takes parents that may be outside.
func (d *Decoder) Next() (*history.Version, error) {
	if d.err != nil {
		return nil, d.err
	}
	if d.skeleton.index == uint64(d.header.Count) {
		d.err = d.end()
		return nil, d.err
	}
	if d.err = d.read(); d.err != nil {
		return nil, d.err
	}
	v := &d.version
	err := d.judge(v)
	if d.skeleton.isPin {
		d.pins = append(d.pins, pin{id: v.ID, seq: v.Seq, chain: uint32(d.skeleton.chain)})
	}
	return v, err
}

// judge judges and hashes the version that was read, as far as that is asked for.
func (d *Decoder) judge(v *history.Version) (err error) {
	chain := &d.chains[d.skeleton.chain]
	if !d.Unhashed {
		d.scratch, err = chain.Next(v, d.scratch, d.wanted())
		return err
	}
	d.scratch, err = chain.Follow(v, d.scratch)
	if tip := &d.header.Chains[d.skeleton.chain].Tip; v.Seq == tip.Seq {
		v.ID = tip.ID
	}
	return err
}

// Ops are those of the version that Next returned last, if it was valid, as its own Ops yields them. They are read until the next
// call of Next, what they point to as long as payloads. Only who keeps them has any.
func (d *Decoder) Ops() []history.Op { return d.ops }

// wanted is where the ops of the next version are put.
func (d *Decoder) wanted() *[]history.Op {
	if d.Keep {
		return &d.ops
	}
	return nil
}

// room is memory for the next payload, behind those that are kept. One that outgrows it moves to memory of its own.
func (d *Decoder) room() []byte {
	if !d.Keep {
		return d.payload[:0]
	}
	if cap(d.payload)-len(d.payload) < minRoom {
		d.grow(minRoom)
	}
	return d.payload[len(d.payload):]
}

// took notes that a payload was made in room.
func (d *Decoder) took(payload []byte) {
	switch {
	case !d.Keep:
		d.payload = payload
	case cap(payload) == cap(d.payload)-len(d.payload):
		d.payload = d.payload[:len(d.payload)+len(payload)]
	default:
		d.grow(len(payload))
	}
}

// Memory for payloads that are kept grows to what the packs that peers send have of them.
const (
	minRoom = 4 << 10
	maxRoom = 2 << 20
)

// grow makes more room than there was before, for payloads of that size.
func (d *Decoder) grow(size int) {
	d.payload = make([]byte, 0, min(max(2*cap(d.payload), 2*size), maxRoom))
}

// read reads the next version, unchecked.
func (d *Decoder) read() error {
	d.skeleton.next()
	var payload []byte
	if d.skeleton.fault == "" {
		payload, d.contents = d.payloads.next(d.room(), d.contents[:0])
		d.took(payload)
	}
	if err := d.fault(); err != nil {
		return err
	}
	d.built += uint64(len(payload))
	if d.built > MaxPayloads {
		return notPack("payloads that unfold to more than they may", history.ErrTooLarge)
	}
	d.deps = d.deps[:0]
	for _, ref := range d.skeleton.parents {
		d.deps = append(d.deps, d.parent(ref))
	}
	t := d.skeleton.time
	d.times = [2]clock.Time{min(d.times[0], t), max(d.times[1], t)}
	d.version = history.Version{Deps: d.deps, Time: t, Payload: slices.Clip(payload), Contents: d.contents}
	return nil
}

// parent is what ref refers to; an invalid version has no ID.
func (d *Decoder) parent(ref uint64) history.Ref {
	x := ref >> parentBits
	switch ref & (refKinds - 1) {
	case refTip:
		if c := &d.chains[x]; !c.Broken() {
			return c.Tip()
		}
		return history.Ref{Author: d.befores[x].Author}
	case refPin:
		p := &d.pins[uint64(len(d.pins))-1-x]
		return history.Ref{Author: d.befores[p.chain].Author, Seq: p.seq, ID: p.id}
	case refExternal:
		return d.header.Externals[x]
	default:
		return d.befores[x]
	}
}

// end compares the header with what was read.
func (d *Decoder) end() error {
	d.skeleton.end()
	d.payloads.end()
	if err := d.fault(); err != nil {
		return err
	}
	for i := range d.chains {
		tip := d.header.Chains[i].Tip
		if d.Unhashed {
			tip.ID = d.chains[i].Tip().ID
		}
		if c := &d.chains[i]; !c.Broken() && c.Tip() != tip {
			return notPack("the body: "+faultTips, nil)
		}
	}
	if d.header.Count > 0 && d.times != [2]clock.Time{d.header.First, d.header.Last} {
		return notPack("the body: "+faultTimes, nil)
	}
	return io.EOF
}
