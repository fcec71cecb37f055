package protocol

import (
	"strconv"

	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/internal/canon"
)

// kind is the first item of a frame.
type kind uint64

// Kinds of frames, frozen numbers. doc.go has the table of their fields.
const (
	kindHello kind = 1
	kindHave  kind = 2
	kindPack  kind = 3
	kindEnd   kind = 4
	kindAck   kind = 5
	kindBye   kind = 6

	kindPresence kind = 7
	kindName     kind = 8
)

func (k kind) String() string {
	switch k {
	case kindHello:
		return "hello"
	case kindHave:
		return "have"
	case kindPack:
		return "pack"
	case kindEnd:
		return "end"
	case kindAck:
		return "ack"
	case kindBye:
		return "bye"
	case kindPresence:
		return "presence"
	case kindName:
		return "name"
	default:
		return "kind " + strconv.FormatUint(uint64(k), 10)
	}
}

// hello opens a session. Its first two items, the kind and the version, are the same in every version of the
// protocol: whoever speaks another one reads these two and no further.
type hello struct {
	version    uint64
	space      identity.Space
	author     identity.Author
	instance   Instance
	wall       int64
	strategies []string
	tips       Digest
	state      Digest
	// stay is true if the sender wants to go on with what is written later.
	stay bool
	// proof is a signature of the author over the link, or empty.
	proof []byte
}

// have is a part of the clock that its sender holds; the parts are one sorted sequence. With a base they are what differs from
// the clock of that digest, which both remember from the last time that they held the same: all tips of each author that has
// others than there.
type have struct {
	clock clock.Vector
	last  bool
	base  *Digest
}

// end follows the last pack: how many there were.
type end struct{ packs uint64 }

// ack says what of the other's packs is durable by now, and all that is held with it.
type ack struct {
	// packs were taken so far; end is true for the ack of the end itself.
	packs uint64
	end   bool
	// whole is true if the sender holds all that the receiver said it has, in its have or, where the tips were
	// equal, in its hello; without end, all of the packs since the ack before, and there is nothing else to tell.
	whole bool
	// clock lists what the sender holds beyond its own have and, if whole, beyond the receiver's.
	clock clock.Vector
	// tips and state are nil where nothing new is told of them.
	tips, state *Digest
	// applied and refused count versions since the ack before; refusals are the first of the latter.
	applied, refused uint64
	refusals         []Refusal
}

type bye struct {
	reason Reason
	text   string
}

func frame(k kind, fields int) []byte {
	return canon.AppendUint(canon.AppendArray(nil, 1+fields), uint64(k))
}

func (m hello) encode() []byte {
	b := canon.AppendUint(frame(kindHello, 10), m.version)
	b = canon.AppendBytes(b, m.space[:])
	b = canon.AppendBytes(b, m.author[:])
	b = canon.AppendBytes(b, m.instance[:])
	b = canon.AppendInt(b, m.wall)
	b = canon.AppendArray(b, len(m.strategies))
	for _, name := range m.strategies {
		b = canon.AppendString(b, name)
	}
	b = canon.AppendBytes(b, m.tips[:])
	b = canon.AppendBytes(b, m.state[:])
	return canon.AppendBytes(canon.AppendBool(b, m.stay), m.proof)
}

func (m have) encode() []byte {
	return appendDigest(canon.AppendBool(m.clock.Append(frame(kindHave, 3)), m.last), m.base)
}

// encode makes the frame around the pack where it lies, if there is room.
func (p Pack) encode() []byte {
	if p.Frame == nil {
		p.Frame = append(make([]byte, FrameRoom, FrameRoom+len(p.Bytes)), p.Bytes...)
	}
	var room [FrameRoom]byte
	head := canon.AppendUint(canon.AppendArray(room[:0], 2), uint64(kindPack))
	head = canon.AppendBytesHeader(head, len(p.Bytes))
	frame := p.Frame[len(p.Frame)-len(p.Bytes)-len(head):]
	copy(frame, head)
	return frame
}

func (m end) encode() []byte { return canon.AppendUint(frame(kindEnd, 1), m.packs) }

// encode makes the short form of an ack that has nothing to tell but that all of the packs is held.
func (m ack) encode() []byte {
	if m.whole && !m.end {
		return canon.AppendUint(frame(kindAck, 1), m.packs)
	}
	b := canon.AppendUint(frame(kindAck, 9), m.packs)
	b = canon.AppendBool(b, m.end)
	b = canon.AppendBool(b, m.whole)
	b = m.clock.Append(b)
	b = appendDigest(b, m.tips)
	b = appendDigest(b, m.state)
	b = canon.AppendUint(b, m.applied)
	b = canon.AppendUint(b, m.refused)
	b = canon.AppendArray(b, len(m.refusals))
	for _, r := range m.refusals {
		b = canon.AppendArray(b, 4)
		b = canon.AppendBytes(b, r.Author[:])
		b = canon.AppendUint(b, r.Seq)
		b = canon.AppendBytes(b, r.ID[:])
		b = canon.AppendString(b, r.Text)
	}
	return b
}

// appendDigest appends a digest, or no bytes where none is told.
func appendDigest(b []byte, d *Digest) []byte {
	if d == nil {
		return canon.AppendBytes(b, nil)
	}
	return canon.AppendBytes(b, d[:])
}

func (m bye) encode() []byte {
	return canon.AppendString(canon.AppendUint(frame(kindBye, 2), uint64(m.reason)), m.text)
}
