package replica

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/internal/canon"
	"github.com/kdelta/kdelta/store"
)

// Reissue tells of versions that this database wrote again under another author before they had left the device. Each has
// the ops and the message that it had; the versions that they stand for are gone. What names one of these still leads to
// the one that stands for it: as a point, in From and IfVersion, and in Why.
type Reissue struct {
	// Author wrote them first, as the dots From to To; As wrote them again, as First to Last.
	Author      identity.Author
	From, To    uint64
	As          identity.Author
	First, Last uint64
	// Versions counts them.
	Versions int
	// Why is "fork": a copy of this database had written as Author too; or "clock": the clock was ahead of a peer's.
	Why string
	// At is when that was, by the clock of this device.
	At time.Time

	// steps are the versions, oldest first; of old reissues they are forgotten.
	steps []step
}

// step is one version that was written again.
type step struct {
	width uint64
	was   clock.Prefix
	seq   uint64
	now   clock.Prefix
}

// reason is why versions were written again.
type reason string

const (
	whyFork  reason = "fork"
	whyClock reason = "clock"
)

// String is the reissue in words.
func (r Reissue) String() string {
	cause := "a copy of this database had written as " + r.Author.String() + " too"
	if r.Why == string(whyClock) {
		cause = "the clock of this device was ahead when they were written"
	}
	if r.Versions == 1 {
		return fmt.Sprintf("%s had not left this device and was written again as %s: %s", nameOf(r.Author, r.To), nameOf(r.As, r.Last), cause)
	}
	return fmt.Sprintf("%s to %s had not left this device and were written again as %s to %s: %s",
		nameOf(r.Author, r.From), nameOf(r.Author, r.To), nameOf(r.As, r.First), nameOf(r.As, r.Last), cause)
}

// Bounds of what is remembered, the newest last.
const (
	maxReissues     = 128
	maxReissueSteps = 4096
)

// Reissues lists what this database has written again, oldest first. The newest 128 are remembered.
func (r *Replica) Reissues(ctx context.Context) ([]Reissue, error) {
	var all []Reissue
	err := r.view(ctx, func(s *snap) error {
		var err error
		all, err = s.reissues()
		return err
	})
	return all, err
}

func (s *snap) reissues() ([]Reissue, error) {
	b, err := metaRow(s.tx, metaReissued)
	if err != nil || b == nil {
		return nil, err
	}
	return decodeReissues(b)
}

// noteReissue remembers a reissue.
func (c *commit) noteReissue(r *Reissue) error {
	all, err := c.snap().reissues()
	if err != nil {
		return err
	}
	all = append(all, *r)
	all = all[max(len(all)-maxReissues, 0):]
	room := maxReissueSteps
	for i := range slices.Backward(all) {
		if n := len(all[i].steps); n > room {
			all[i].steps = all[i].steps[n-room:]
		}
		room -= len(all[i].steps)
	}
	return putMeta(c.tx, metaReissued, appendReissues(nil, all))
}

// The row of Meta is an array of byte strings, one for each reissue: Author, As, then From, To, First, Last, Versions, At in ms and
// a 1 for "clock", 8 bytes each and big endian, then the steps: width, was, seq, now.
const (
	reissueSize = 2*32 + 7*8
	stepSize    = 2 * (8 + len(clock.Prefix{}))
)

func appendReissues(b []byte, all []Reissue) []byte {
	b = canon.AppendArray(b, len(all))
	for i := range all {
		b = canon.AppendBytes(b, all[i].pack())
	}
	return b
}

func (r *Reissue) pack() []byte {
	b := append(append(make([]byte, 0, reissueSize+stepSize*len(r.steps)), r.Author[:]...), r.As[:]...)
	var clocked uint64
	if r.Why == string(whyClock) {
		clocked = 1
	}
	for _, n := range [...]uint64{r.From, r.To, r.First, r.Last, uint64(r.Versions), uint64(max(r.At.UnixMilli(), 0)), clocked} {
		b = binary.BigEndian.AppendUint64(b, n)
	}
	for i := range r.steps {
		st := &r.steps[i]
		b = append(binary.BigEndian.AppendUint64(b, st.width), st.was[:]...)
		b = append(binary.BigEndian.AppendUint64(b, st.seq), st.now[:]...)
	}
	return b
}

func decodeReissues(b []byte) ([]Reissue, error) {
	d := canon.NewReader(b)
	n, err := d.Array()
	var all []Reissue
	for i := 0; i < n && err == nil; i++ {
		var packed []byte
		if packed, err = d.Bytes(); err == nil && (len(packed) < reissueSize || (len(packed)-reissueSize)%stepSize != 0) {
			err = errShape
		}
		if err == nil {
			all = append(all, unpackReissue(packed))
		}
	}
	if err = errors.Join(err, d.End()); err != nil {
		return nil, fmt.Errorf("%w: what was written again: %w", store.ErrCorrupt, err)
	}
	return all, nil
}

// unpackReissue reads what pack wrote; b has the length of that.
func unpackReissue(b []byte) Reissue {
	r := Reissue{Author: identity.Author(b[:32]), As: identity.Author(b[32:64]), Why: string(whyFork)}
	b = b[64:]
	next := func() uint64 {
		n := binary.BigEndian.Uint64(b)
		b = b[8:]
		return n
	}
	prefix := func() clock.Prefix {
		p := clock.Prefix(b[:len(clock.Prefix{})])
		b = b[len(p):]
		return p
	}
	r.From, r.To, r.First, r.Last = next(), next(), next(), next()
	r.Versions, r.At = int(next()), time.UnixMilli(int64(next())).UTC()
	if next() == 1 {
		r.Why = string(whyClock)
	}
	for len(b) > 0 {
		st := step{width: next()}
		st.was = prefix()
		st.seq = next()
		st.now = prefix()
		r.steps = append(r.steps, st)
	}
	return r
}

// insteadOf finds the version that stands for one that was written again; nil if there is none.
func (s *snap) insteadOf(author identity.Author, seq uint64, id clock.Prefix) (*stored, error) {
	all, err := s.reissues()
	if err != nil {
		return nil, err
	}
	var at *stored
	for i := range all { // in their order: what was written again may be written again
		r := &all[i]
		st := r.step(func(last uint64, st *step) bool { return r.Author == author && last == seq && st.was == id })
		if st == nil {
			continue
		}
		if at, err = s.versionAt(r.As, st.seq, st.now); err != nil {
			return nil, err
		}
		author, seq, id = r.As, st.seq, st.now
	}
	return at, nil
}

// step finds a version by its last dot and what is remembered of it.
func (r *Reissue) step(wanted func(last uint64, st *step) bool) *step {
	last := r.To
	for i := range slices.Backward(r.steps) {
		if st := &r.steps[i]; wanted(last, st) {
			return st
		}
		last -= r.steps[i].width
	}
	return nil
}

// versionAt finds a version by its last dot and the beginning of its id, nil if it is not here.
func (s *snap) versionAt(author identity.Author, seq uint64, id clock.Prefix) (*stored, error) {
	var at history.LV
	err := s.graph(func(g *history.Graph) error {
		lv, found, err := g.LookupEntry(clock.Entry{Author: author, Seq: seq, ID: id}, s)
		if found {
			at = lv
		}
		return err
	})
	if err != nil || at == 0 {
		return nil, err
	}
	return s.version(at)
}

// Current is v itself where it is here, else the version that stands for it because it was written again. ErrPoint where
// there is neither.
func (r *Replica) Current(ctx context.Context, v Version) (Version, error) {
	var now Version
	err := r.view(ctx, func(s *snap) error {
		if at, err := s.versionAt(v.Author, v.Seq, v.ID.Prefix()); err != nil || at != nil {
			now = v
			return err
		}
		var err error
		if now, err = s.current(v); err == nil && now.ID == v.ID {
			err = fmt.Errorf("%w: version %s is not here", ErrPoint, v)
		}
		return err
	})
	return now, err
}

// current is the version that v names, or the one that stands for it.
func (s *snap) current(v Version) (Version, error) {
	at, err := s.insteadOf(v.Author, v.Seq, v.ID.Prefix())
	if err != nil || at == nil {
		return v, err
	}
	return Version{Stamp: at.Stamp()}, nil
}

// again explains a version that was written again, if it was one: text is AUTHOR@SEQ, an inner dot included, or an id or
// the beginning of one.
func (w *reasons) again(text, name string, seq uint64) (said bool, err error) {
	all, err := w.s.reissues()
	if err != nil {
		return false, err
	}
	for i := range slices.Backward(all) {
		r := &all[i]
		byDot := seq > 0 && slices.Contains(w.s.authorsCalled(name), r.Author)
		var last uint64
		st := r.step(func(at uint64, st *step) bool {
			last = at
			was := fmt.Sprintf("%x", st.was)
			return byDot && at-st.width < seq && seq <= at ||
				seq == 0 && (strings.HasPrefix(was, text) || strings.HasPrefix(text, was))
		})
		if st == nil {
			continue
		}
		at, err := w.s.insteadOf(r.Author, last, st.was)
		if err != nil || at == nil {
			return false, err
		}
		w.say("Version %s of this device was re-issued as %s. %s.", nameOf(r.Author, last), at.Stamp().Name(), r)
		return true, w.here(Version{Stamp: at.Stamp()})
	}
	return false, nil
}
