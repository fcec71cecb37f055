package protocol

import (
	"math"
	"strconv"

	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/internal/canon"
)

// decoder reads the fields of one frame. The first error stays, later reads return zero values, and end reports it:
// the decoder of a message is then a list of its fields.
type decoder struct {
	kind   kind
	fields int
	r      canon.Reader
	err    *failure
}

// open reads the head of a frame: that it is within MaxFrame and starts as a message does.
func open(frame []byte) (*decoder, *failure) {
	if len(frame) > MaxFrame {
		return nil, malformed(strconv.Itoa(len(frame))+" bytes, the limit is "+strconv.Itoa(MaxFrame), nil)
	}
	d := &decoder{r: canon.NewReader(frame)}
	n, err := d.r.Array()
	if err != nil {
		return nil, malformed("", err)
	}
	if n == 0 {
		return nil, malformed("an array without items", nil)
	}
	k, err := d.r.Uint()
	if err != nil {
		return nil, malformed("", err)
	}
	d.kind, d.fields = kind(k), n-1
	if d.kind < kindHello || d.kind > kindName {
		return nil, malformed("unknown "+d.kind.String(), nil)
	}
	return d, nil
}

func (d *decoder) fail(err error) {
	if d.err == nil && err != nil {
		d.err = malformed(d.kind.String(), err)
	}
}

func (d *decoder) refuse(why string) {
	if d.err == nil {
		d.err = malformed(d.kind.String()+": "+why, nil)
	}
}

// expect checks the number of fields behind the kind.
func (d *decoder) expect(fields int) {
	if d.fields != fields {
		d.refuse(strconv.Itoa(fields) + " fields are due, found " + strconv.Itoa(d.fields))
	}
}

// length reads the header of an array of at most limit items.
func (d *decoder) length(limit int, what string) int {
	if d.err != nil {
		return 0
	}
	n, err := d.r.Array()
	d.fail(err)
	if n > limit {
		d.refuse(strconv.Itoa(n) + " " + what + ", the limit is " + strconv.Itoa(limit))
	}
	if d.err != nil {
		return 0
	}
	return n
}

func (d *decoder) bytes32() (out [32]byte) {
	if d.err == nil {
		var err error
		out, err = d.r.Bytes32()
		d.fail(err)
	}
	return out
}

func (d *decoder) uint() uint64 {
	if d.err != nil {
		return 0
	}
	n, err := d.r.Uint()
	d.fail(err)
	return n
}

func (d *decoder) bool() bool {
	if d.err != nil {
		return false
	}
	v, err := d.r.Bool()
	d.fail(err)
	return v
}

func (d *decoder) bytes() []byte {
	if d.err != nil {
		return nil
	}
	b, err := d.r.Bytes()
	d.fail(err)
	return b
}

// text reads a text for people, of at most limit bytes as it travels, and cleans it.
func (d *decoder) text(limit int) string {
	if d.err != nil {
		return ""
	}
	b, err := d.r.StringBytes()
	d.fail(err)
	if len(b) > limit {
		d.refuse("a text of " + strconv.Itoa(len(b)) + " bytes, the limit is " + strconv.Itoa(limit))
		return ""
	}
	return clean(string(b), limit)
}

// name reads the name of a strategy, which is compared and therefore not cleaned but refused.
func (d *decoder) name() string {
	if d.err != nil {
		return ""
	}
	b, err := d.r.StringBytes()
	d.fail(err)
	if d.err == nil && !validName(string(b)) {
		d.refuse("a strategy name that is not 1 to " + strconv.Itoa(MaxStrategyName) + " bytes of printing text")
	}
	return string(b)
}

// clock reads a clock of at most limit entries; the count is judged before the entries are read.
func (d *decoder) clock(limit int) clock.Vector {
	peek := *d
	if peek.length(limit, "tips"); peek.err != nil {
		d.err = peek.err
	}
	if d.err != nil {
		return nil
	}
	v, err := clock.ReadVector(&d.r)
	d.fail(err)
	return v
}

// end returns the first error, bytes behind the message included.
func (d *decoder) end() *failure {
	if d.err == nil {
		d.fail(d.r.End())
	}
	return d.err
}

// hello reads no more than the version if that is another one.
func (d *decoder) hello() (m hello, err *failure) {
	if d.fields < 1 {
		d.refuse("no version")
	}
	m.version = d.uint()
	if d.err == nil && m.version != Version {
		return m, nil
	}
	d.expect(10)
	m.space = d.bytes32()
	m.author = d.bytes32()
	m.instance = d.instance()
	wall := d.uint()
	if wall > math.MaxInt64 {
		d.refuse("a wall clock beyond 63 bits")
	}
	m.wall = int64(wall)
	if n := d.length(MaxStrategies, "strategies"); n > 0 {
		m.strategies = make([]string, 0, n)
		for range n {
			m.strategies = append(m.strategies, d.name())
		}
	}
	m.tips = d.bytes32()
	m.state = d.bytes32()
	m.stay = d.bool()
	m.proof = d.proof()
	return m, d.end()
}

func (d *decoder) have() (m have, err *failure) {
	d.expect(3)
	m.clock = d.clock(MaxTipsPerFrame)
	m.last = d.bool()
	m.base = d.digest()
	return m, d.end()
}

// pack aliases the frame.
func (d *decoder) pack() (m Pack, err *failure) {
	d.expect(1)
	m.Bytes = d.bytes()
	return m, d.end()
}

// PackIn returns the pack in a frame, and false where that is something else or nothing that can be read. Whoever drives a
// session may look at it before Receive takes the frame.
func PackIn(frame []byte) ([]byte, bool) {
	d, err := open(frame)
	if err != nil || d.kind != kindPack {
		return nil, false
	}
	p, err := d.pack()
	return p.Bytes, err == nil
}

// IsBye reports whether a frame is a bye, which nothing of its sender follows.
func IsBye(frame []byte) bool {
	d, err := open(frame)
	return err == nil && d.kind == kindBye
}

func (d *decoder) endOfPacks() (m end, err *failure) {
	d.expect(1)
	m.packs = d.uint()
	return m, d.end()
}

func (d *decoder) ack() (m ack, err *failure) {
	if d.fields == 1 {
		m.packs, m.whole = d.uint(), true
		return m, d.end()
	}
	d.expect(9)
	m.packs = d.uint()
	m.end = d.bool()
	m.whole = d.bool()
	m.clock = d.clock(MaxTipsPerAck)
	m.tips = d.digest()
	if m.state = d.digest(); (m.tips == nil) != (m.state == nil) {
		d.refuse("one digest without the other")
	}
	m.applied = d.uint()
	m.refused = d.uint()
	n := d.length(MaxRefusals, "refusals")
	for range n {
		m.refusals = append(m.refusals, d.refusal())
		if d.err != nil {
			break
		}
	}
	if m.whole && !m.end {
		d.refuse("whole before the end")
	}
	if m.refused < uint64(n) {
		d.refuse("more refusals listed than counted")
	}
	return m, d.end()
}

func (d *decoder) instance() (i Instance) {
	nonce := d.bytes()
	if copy(i[:], nonce) != len(nonce) || len(nonce) < len(i) {
		d.refuse("an instance of " + strconv.Itoa(len(nonce)) + " bytes")
	}
	return i
}

// digest reads a digest, or nil where none is told.
func (d *decoder) digest() *Digest {
	switch b := d.bytes(); len(b) {
	case 0:
		return nil
	case len(Digest{}):
		return (*Digest)(b)
	default:
		d.refuse("a digest of " + strconv.Itoa(len(b)) + " bytes")
		return nil
	}
}

func (d *decoder) refusal() (r Refusal) {
	if n := d.length(4, "fields of a refusal"); n != 4 {
		d.refuse("a refusal of " + strconv.Itoa(n) + " fields")
	}
	r.Author = d.bytes32()
	r.Seq = d.uint()
	r.ID = d.bytes32()
	r.Text = d.text(MaxText)
	return r
}

func (d *decoder) bye() (m bye, err *failure) {
	d.expect(2)
	m.reason = Reason(d.uint())
	m.text = d.text(MaxText)
	return m, d.end()
}
