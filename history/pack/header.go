package pack

import (
	"errors"
	"slices"

	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/internal/canon"
)

// FormatByte is the first item of each pack. 0 is unstable: it may change until the first release.
const FormatByte = 0

// Codec says how a body is stored.
type Codec uint8

// The codecs.
const (
	CodecNone Codec = iota // the columns as they are
	CodecZstd              // one Zstandard frame
)

// Chain is a stretch of one author's versions in a pack, each the Prev of the next.
type Chain struct {
	// Before names the version just before the first. Its Seq is 0 where there is none, its ID then all zero.
	Before history.Ref
	// Tip names the last one. The dots of the chain are Before.Seq+1 … Tip.Seq.
	Tip history.Ref
}

// before is Before, or where there is none the genesis of the author.
func (c *Chain) before(space identity.Space) history.Ref {
	ref := c.Before
	if ref.Seq == 0 {
		ref.ID = history.Genesis(space, ref.Author)
	}
	return ref
}

// Header is what a pack says in clear. All of it is a claim: Befores and Externals hold what the ids chain from and are to be
// compared with what is held; Tips and times a Decoder compares with what it reads; signatures are the caller's to verify.
type Header struct {
	// Codec is how the body is stored, in Stored bytes; it has Plain bytes when it is decompressed.
	Codec         Codec
	Stored, Plain int
	// Count is the number of versions.
	Count int
	// First and Last are the least and the greatest time among the versions.
	First, Last clock.Time
	// Chains are the stretches of authors' versions, in the order in which they start. An author has one; a forked one
	// may have more.
	Chains []Chain
	// Externals names parents that are neither in the pack nor before one of its chains.
	Externals []history.Ref
	// Seals and Certificates are what the pack was given to carry.
	Seals        []identity.Seal
	Certificates []identity.Certificate
	// Erasures say why contents are not here. Their payloads alias the pack.
	Erasures []history.Erasure
}

// The numbers of items, and the least bytes that each takes, so that counts are believed only as far as the input reaches.
const (
	headerItems   = 14
	chainItems    = 5
	externalItems = 3
	tipSealItems  = 2
	sealItems     = 4
	certItems     = 3

	minAuthor   = 34
	minChain    = 1 + 1 + 1 + 1 + 1 + 34
	minExternal = 1 + 1 + 1 + 34
	minSeal     = 1 + 1 + 66
	minGrant    = 1 + 34 + 1 + 34 + 66
	minCert     = 1 + 1 + 1 + 66
	minErasure  = 200
)

// headerWriter appends a header; it numbers authors and grants as they come.
type headerWriter struct {
	authors []identity.Author
	number  map[identity.Author]uint64
	grants  []identity.Grant
	rest    []byte
}

func (w *headerWriter) author(a identity.Author) uint64 {
	n, known := w.number[a]
	if !known {
		n = uint64(len(w.authors))
		w.authors, w.number[a] = append(w.authors, a), n
	}
	return n
}

// append appends h. Lists of which every item is small are written first to rest, as they number the authors.
func (w *headerWriter) append(dst []byte, h *Header) []byte {
	if w.number == nil {
		w.number = make(map[identity.Author]uint64)
	}
	clear(w.number)
	w.authors, w.grants = w.authors[:0], w.grants[:0]
	b := w.chains(w.rest[:0], h)
	b = w.seals(b, h)
	b = w.certificates(b, h)
	b = canon.AppendArray(b, len(h.Erasures))
	for i := range h.Erasures {
		b = h.Erasures[i].Append(b)
	}
	w.rest = b
	dst = canon.AppendArray(dst, headerItems)
	dst = canon.AppendUint(dst, FormatByte)
	dst = canon.AppendUint(dst, uint64(h.Codec))
	dst = canon.AppendUint(dst, uint64(h.Stored))
	dst = canon.AppendUint(dst, uint64(h.Plain))
	dst = canon.AppendUint(dst, uint64(h.Count))
	dst = canon.AppendUint(dst, uint64(h.First))
	dst = canon.AppendUint(dst, uint64(h.Last-h.First))
	dst = canon.AppendArray(dst, len(w.authors))
	for i := range w.authors {
		dst = canon.AppendBytes(dst, w.authors[i][:])
	}
	return append(dst, w.rest...)
}

func (w *headerWriter) chains(b []byte, h *Header) []byte {
	b = canon.AppendArray(b, len(h.Chains))
	for i := range h.Chains {
		c := &h.Chains[i]
		b = canon.AppendArray(b, chainItems)
		b = canon.AppendUint(b, w.author(c.Tip.Author))
		b = canon.AppendUint(b, c.Before.Seq)
		b = canon.AppendUint(b, c.Tip.Seq)
		if c.Before.Seq == 0 {
			b = canon.AppendNil(b)
		} else {
			b = canon.AppendBytes(b, c.Before.ID[:])
		}
		b = canon.AppendBytes(b, c.Tip.ID[:])
	}
	b = canon.AppendArray(b, len(h.Externals))
	for i := range h.Externals {
		e := &h.Externals[i]
		b = canon.AppendArray(b, externalItems)
		b = canon.AppendUint(b, w.author(e.Author))
		b = canon.AppendUint(b, e.Seq)
		b = canon.AppendBytes(b, e.ID[:])
	}
	return b
}

// seals appends the seals; one over the tip of a chain, as nearly all are, by that.
func (w *headerWriter) seals(b []byte, h *Header) []byte {
	tips := make(map[history.ID]int, len(h.Chains))
	if len(h.Seals) > 0 {
		for i := range h.Chains {
			tips[h.Chains[i].Tip.ID] = i
		}
	}
	b = canon.AppendArray(b, len(h.Seals))
	for i := range h.Seals {
		s := &h.Seals[i]
		if at, over := tips[s.ID]; over && h.Chains[at].Tip == (history.Ref{Author: s.Author, Seq: s.Seq, ID: s.ID}) {
			b = canon.AppendArray(b, tipSealItems)
			b = canon.AppendUint(b, uint64(at))
		} else {
			b = canon.AppendArray(b, sealItems)
			b = canon.AppendUint(b, w.author(s.Author))
			b = canon.AppendUint(b, s.Seq)
			b = canon.AppendBytes(b, s.ID[:])
		}
		b = canon.AppendBytes(b, s.Sig[:])
	}
	return b
}

func (w *headerWriter) certificates(b []byte, h *Header) []byte {
	for i := range h.Certificates {
		if !slices.Contains(w.grants, h.Certificates[i].Grant) {
			w.grants = append(w.grants, h.Certificates[i].Grant)
		}
	}
	b = canon.AppendArray(b, len(w.grants))
	for i := range w.grants {
		b = w.grants[i].Append(b)
	}
	b = canon.AppendArray(b, len(h.Certificates))
	for i := range h.Certificates {
		c := &h.Certificates[i]
		b = canon.AppendArray(b, certItems)
		b = canon.AppendUint(b, uint64(slices.Index(w.grants, c.Grant)))
		b = canon.AppendUint(b, w.author(c.Author))
		b = canon.AppendBytes(b, c.Sig[:])
	}
	return b
}

// ReadHeader reads the header of the pack b and returns what is behind it, the body. It looks at nothing of the body, so it
// serves who carries packs without reading them. Its memory is at most 8 times the header's size. The error wraps ErrPack.
func ReadHeader(b []byte) (h Header, body []byte, err error) {
	r := headerReader{r: canon.NewReader(b)}
	if err := r.read(&h); err != nil {
		return Header{}, nil, notPack("the header", err)
	}
	return h, b[r.r.Offset():], nil
}

var (
	errCount = errors.New("a count that the bytes cannot hold")
	errShape = errors.New("an item of another shape")
	errIndex = errors.New("an index beyond its list")
	errNewer = errors.New("a format that this program does not know; a newer kdelta may have written it")
)

// headerReader reads a header; the first error stays.
type headerReader struct {
	r       canon.Reader
	authors []identity.Author
	grants  []identity.Grant
	err     error
}

func (r *headerReader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

func (r *headerReader) uint(limit uint64) uint64 {
	n, err := r.r.Uint()
	if err != nil {
		r.fail(err)
	} else if n > limit {
		r.fail(errShape)
		return 0
	}
	return n
}

// index reads a number below n.
func (r *headerReader) index(n int) int {
	i, err := r.r.Uint()
	if err != nil {
		r.fail(err)
	} else if i >= uint64(n) {
		r.fail(errIndex)
	}
	if r.err != nil {
		return 0
	}
	return int(i)
}

func (r *headerReader) bytes32() [32]byte {
	b, err := r.r.Bytes32()
	if err != nil {
		r.fail(err)
	}
	return b
}

func (r *headerReader) signature() (sig identity.Signature) {
	b, err := r.r.Bytes()
	switch {
	case err != nil:
		r.fail(err)
	case len(b) != len(sig):
		r.fail(errShape)
	default:
		copy(sig[:], b)
	}
	return sig
}

// list reads the count of a list whose items take least bytes each.
func (r *headerReader) list(least int) int {
	n, err := r.r.Array()
	if err != nil {
		r.fail(err)
	} else if n > r.r.Len()/least {
		r.fail(errCount)
	}
	if r.err != nil {
		return 0
	}
	return n
}

// items reads the count of items of one thing.
func (r *headerReader) items(allowed ...int) int {
	n, err := r.r.Array()
	if err != nil {
		r.fail(err)
	} else if !slices.Contains(allowed, n) {
		r.fail(errShape)
	}
	return n
}

func (r *headerReader) read(h *Header) error {
	n, _ := r.r.Array()
	format, err := r.r.Uint()
	if err == nil && format != FormatByte {
		return errNewer
	}
	if err != nil || n != headerItems {
		return errors.Join(errShape, err)
	}
	codec := r.uint(1 << 8)
	if codec > uint64(CodecZstd) {
		return errNewer
	}
	h.Codec = Codec(codec)
	h.Stored = int(r.uint(MaxBody))
	h.Plain = int(r.uint(min(MaxBody, uint64(h.Stored)*MaxRatio+slack)))
	h.Count = int(r.uint(MaxVersions))
	h.First = clock.Time(r.uint(history.MaxSeq))
	h.Last = h.First + clock.Time(r.uint(history.MaxSeq-uint64(h.First)))
	if r.err == nil && (h.Count == 0 && h.Last > 0 || h.Codec == CodecNone && h.Stored != h.Plain) {
		return errShape
	}
	r.authors = make([]identity.Author, r.list(minAuthor))
	for i := range r.authors {
		r.authors[i] = r.bytes32()
	}
	r.chains(h)
	r.seals(h)
	r.certificates(h)
	r.erasures(h)
	if r.err == nil && h.Count == 0 && (len(h.Externals) > 0 || len(h.Erasures) == 0) {
		return errShape // there is nothing in it
	}
	return r.err
}

func (r *headerReader) author() (a identity.Author) {
	if i := r.index(len(r.authors)); r.err == nil {
		a = r.authors[i]
	}
	return a
}

func (r *headerReader) chains(h *Header) {
	n := r.list(minChain)
	if r.err == nil && (n == 0 && h.Count > 0 || n > h.Count) {
		r.fail(errCount)
		return
	}
	h.Chains = make([]Chain, n)
	for i := range h.Chains {
		r.items(chainItems)
		c := &h.Chains[i]
		c.Tip.Author = r.author()
		c.Before.Author = c.Tip.Author
		c.Before.Seq = r.uint(history.MaxSeq)
		c.Tip.Seq = r.uint(history.MaxSeq)
		if c.Before.Seq > 0 {
			c.Before.ID = r.bytes32()
		} else if err := r.r.Nil(); err != nil {
			r.fail(err)
		}
		c.Tip.ID = r.bytes32()
		if r.err == nil && c.Tip.Seq <= c.Before.Seq {
			r.fail(errShape)
		}
		if r.err != nil {
			return
		}
	}
	h.Externals = make([]history.Ref, r.list(minExternal))
	for i := range h.Externals {
		r.items(externalItems)
		h.Externals[i] = history.Ref{Author: r.author(), Seq: r.uint(history.MaxSeq), ID: r.bytes32()}
		if h.Externals[i].Seq == 0 {
			r.fail(errShape)
		}
		if r.err != nil {
			return
		}
	}
}

func (r *headerReader) seals(h *Header) {
	h.Seals = make([]identity.Seal, r.list(minSeal))
	for i := range h.Seals {
		s := &h.Seals[i]
		if r.items(tipSealItems, sealItems) == tipSealItems {
			if at := r.index(len(h.Chains)); r.err == nil {
				tip := &h.Chains[at].Tip
				s.Author, s.Seq, s.ID = tip.Author, tip.Seq, tip.ID
			}
		} else {
			s.Author, s.Seq, s.ID = r.author(), r.uint(history.MaxSeq), r.bytes32()
		}
		s.Sig = r.signature()
		if r.err != nil {
			return
		}
	}
}

func (r *headerReader) certificates(h *Header) {
	r.grants = make([]identity.Grant, r.list(minGrant))
	for i := range r.grants {
		b, err := r.r.Raw()
		if err == nil {
			r.grants[i], err = identity.DecodeGrant(b)
		}
		if err != nil {
			r.fail(err)
			return
		}
	}
	h.Certificates = make([]identity.Certificate, r.list(minCert))
	for i := range h.Certificates {
		r.items(certItems)
		c := &h.Certificates[i]
		if at := r.index(len(r.grants)); r.err == nil {
			c.Grant = r.grants[at]
		}
		c.Author, c.Sig = r.author(), r.signature()
		if r.err != nil {
			return
		}
	}
}

func (r *headerReader) erasures(h *Header) {
	h.Erasures = make([]history.Erasure, r.list(minErasure))
	for i := range h.Erasures {
		b, err := r.r.Raw()
		if err == nil {
			h.Erasures[i], err = history.DecodeErasure(b)
		}
		if err != nil {
			r.fail(err)
			return
		}
	}
}
