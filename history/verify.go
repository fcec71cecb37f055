package history

import (
	"crypto/sha256"
	"errors"
	"slices"
	"strconv"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/internal/canon"
)

// ErrContent says that a content is not what the payload's hash was made of, or is no body that its op can have. It is no
// verdict on the version: the op is as good as erased.
var ErrContent = errors.New("history: a content that does not belong to its op")

// Draft is what New makes a version of.
type Draft struct {
	Space  identity.Space
	Author identity.Author
	// Prev is the author's previous version; a zero Seq says that this is the first, and ID is then ignored.
	Prev Ref
	// Deps are the other heads, in any order.
	Deps []Ref
	// Time is above that of every parent; see clock.Time.Next.
	Time clock.Time
	Ops  []Op
	Meta Meta
}

// New makes a version. Errors wrap ErrInvalid, and ErrTooLarge where a limit is the reason. Whether Time is above the
// parents' is for CheckTime to say.
func New(d Draft) (Version, error) {
	payload, contents, err := encodePayload(d.Ops, d.Meta)
	if err != nil {
		return Version{}, err
	}
	v := Version{
		Author: d.Author, Prev: d.Prev.ID, Deps: sortedRefs(d.Deps),
		Time: d.Time, Payload: payload, Contents: contents,
	}
	if d.Prev.Seq == 0 {
		v.Prev = Genesis(d.Space, d.Author)
	}
	var header [128]byte // room for one of few parents
	if _, err := v.finish(d.Prev.Seq, header[:0], nil); err != nil {
		return Version{}, err
	}
	return v, nil
}

// finish checks a version of which all is set but Seq, Width and ID, and sets these. It takes memory to work in, and
// returns it for the next. Where ops is not nil, it puts there what the payload says of the ops.
func (v *Version) finish(prevSeq uint64, scratch []byte, ops *[]Op) ([]byte, error) {
	s, err := inspect(v.Payload, ops)
	if err != nil {
		return scratch, err
	}
	if prevSeq > MaxSeq-s.width {
		return scratch, overLimit(checkLimit("the last dot", prevSeq+s.width, MaxSeq))
	}
	v.Width, v.Seq = s.width, prevSeq+s.width
	if v.Time > MaxSeq {
		return scratch, invalid(FaultTime, "a time beyond 63 bits", nil)
	}
	if err := v.checkDeps(); err != nil {
		return scratch, err
	}
	scratch = v.AppendHeader(scratch[:0])
	size := uint64(len(scratch)+len(v.Payload)) + s.content
	if err := checkLimit("the version in bytes", size, MaxVersion); err != nil {
		return scratch, overLimit(err)
	}
	v.ID = sha256.Sum256(scratch)
	return scratch, nil
}

func (v *Version) checkDeps() error {
	if err := checkLimit("parents beside the previous version", uint64(len(v.Deps)), MaxDeps); err != nil {
		return overLimit(err)
	}
	for i := range v.Deps {
		if v.Deps[i].ID == v.Prev {
			return invalid(FaultParents, "the previous version among the other parents", nil)
		}
		if i > 0 && compareIDs(&v.Deps[i-1].ID, &v.Deps[i].ID) >= 0 {
			return invalid(FaultParents, "parents that do not ascend", nil)
		}
	}
	return nil
}

// CheckTime is the last check of a version, once its parents are known: times are the hybrid times of ALL its parents,
// Prev included. An error wraps ErrInvalid.
func (v *Version) CheckTime(times ...clock.Time) error {
	if err := clock.ValidAfter(v.Time, times...); err != nil {
		return invalid(FaultTime, v.Stamp().Name(), err)
	}
	return nil
}

// Check does again, on a version that was stored, all that can be said of it without its parents: its payload is
// canonical, its id is the hash of its header, its contents match. Errors wrap ErrInvalid or ErrContent.
func (v *Version) Check() error {
	again := *v
	scratch, err := again.finish(v.Seq-v.Width, nil, nil)
	if err != nil {
		return err
	}
	if again.Width != v.Width || again.ID != v.ID {
		return invalid(FaultEncoding, "the id of "+v.Stamp().Name()+" is not the hash of its header", nil)
	}
	again.Contents = slices.Clone(v.Contents)
	_, err = again.checkContents(scratch)
	return err
}

// checkContents drops each content that is not what the payload's hash was made of, or that is no body of its op, and
// returns ErrContent if there was one. Scratch is as for finish.
func (v *Version) checkContents(scratch []byte) ([]byte, error) {
	if len(v.Contents) == 0 {
		return scratch, nil
	}
	next, kept := 0, 0
	for i, op := range v.Ops() {
		if next == len(v.Contents) {
			break
		}
		c := v.Contents[next]
		if c.Op != uint32(i) {
			continue
		}
		next++
		if op.Detached == nil || uint64(len(c.Body)) != op.Detached.Length {
			continue
		}
		scratch = append(append(scratch[:0], c.Salt[:]...), c.Body...)
		if sha256.Sum256(scratch) == op.Detached.Hash && checkContent(&op, c.Body) == nil {
			v.Contents[kept] = c
			kept++
		}
	}
	if kept == len(v.Contents) {
		return scratch, nil
	}
	v.Contents = v.Contents[:kept]
	return scratch, ErrContent
}

// shape is what inspect learns about a payload.
type shape struct {
	width   uint64 // dots of the version, at least 1
	erases  bool   // some op is an erase
	content uint64 // declared bytes of detached bodies
}

// inspect checks a payload, all of it, without allocating. Where ops is not nil, it puts there what the payload says of them, in
// the memory that was there.
func inspect(payload []byte, ops *[]Op) (shape, error) {
	var s shape
	if ops != nil {
		*ops = (*ops)[:0]
	}
	if err := checkLimit("the payload in bytes", uint64(len(payload)), MaxVersion); err != nil {
		return s, overLimit(err)
	}
	r := canon.NewReader(payload)
	if n, err := r.Array(); err != nil || n != 2 {
		return s, invalid(FaultEncoding, "a payload is an array of ops and metadata", err)
	}
	n, err := r.Array()
	if err != nil {
		return s, invalid(FaultEncoding, "the ops of a payload", err)
	}
	if err := checkLimit("op records in one version", uint64(n), MaxOps); err != nil {
		return s, overLimit(err)
	}
	for range n {
		var op *Op
		if ops != nil {
			*ops = append(*ops, Op{})
			op = &(*ops)[len(*ops)-1]
		}
		if err := s.inspectOp(&r, op); err != nil {
			return s, err
		}
	}
	s.width = max(s.width, 1)
	if s.erases {
		if err := checkLimit("the payload in bytes of a version that erases", uint64(len(payload)), MaxErasing); err != nil {
			return s, overLimit(err)
		}
	}
	meta, err := r.Value()
	if err != nil {
		return s, invalid(FaultEncoding, "the metadata", err)
	}
	if len(meta) > 1 || meta.Type() != canon.TypeNull {
		if err := checkMeta(meta); err != nil {
			return s, err
		}
	}
	if err := r.End(); err != nil {
		return s, invalid(FaultEncoding, "a payload", err)
	}
	return s, nil
}

// inspectOp checks the next op, and notes it in op where that is not nil.
func (s *shape) inspectOp(r *canon.Reader, op *Op) error {
	items, _ := r.Array()
	code, _ := r.Uint()
	width, _ := r.Uint()
	key, err := r.StringView()
	if err != nil || items != inlineItems && items != detachedItems {
		return invalid(FaultEncoding, "an op is an array of "+strconv.Itoa(inlineItems)+" or "+strconv.Itoa(detachedItems), err)
	}
	if err := checkKey(key); err != nil {
		return invalid(FaultKey, "a key of an op", err)
	}
	if width == 0 {
		return invalid(FaultOp, "an op that owns no dot", nil)
	}
	if width > MaxWidth-s.width {
		return overLimit(&tooLarge{what: "dots of one version", size: s.width + min(width, MaxWidth+1), limit: MaxWidth})
	}
	s.width += width
	erase := crdt.Code(code) == crdt.CodeErase
	s.erases = s.erases || erase
	if op != nil {
		op.Code, op.Width, op.Key = crdt.Code(code), width, key
	}
	if items == inlineItems {
		body, err := readBody(r, crdt.Code(code), width)
		if op != nil {
			op.Body = body
		}
		return err
	}
	if erase {
		return invalid(FaultOp, "an erase that could be erased itself", nil)
	}
	return s.inspectDetached(r, crdt.Code(code), width, op)
}

func (s *shape) inspectDetached(r *canon.Reader, code crdt.Code, width uint64, op *Op) error {
	structure, _ := r.Raw()
	length, _ := r.Uint()
	hash, err := r.Bytes32()
	if err != nil {
		return invalid(FaultEncoding, "a detached op", err)
	}
	if judged(code) {
		if err := crdt.CheckStructure(code, width, structureOf(structure)); err != nil {
			return invalid(FaultOp, "the structure of an op", err)
		}
	}
	if length > MaxVersion {
		return overLimit(checkLimit("a detached body in bytes", length, MaxVersion))
	}
	s.content += length
	if op != nil {
		op.Detached = &Detached{Structure: structureOf(structure), Length: length, Hash: hash}
	}
	return nil
}
