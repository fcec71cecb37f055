package pack

import (
	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/internal/canon"
)

// An op record has 4 items when its body is inline and 6 when it is detached; see doc/format.md.
const (
	inlineItems   = 4
	detachedItems = 6
	hashSize      = 32
)

// places is how far the columns that make payloads were read. It is plain data: a copy of it is a place to read on from.
type places struct {
	ops, codes, detached, widths                   repeated
	metas, structures, present                     repeated
	keys, lengths, metaText, structText, declared  span
	hashes, salts, contents, rawLengths, rawBodies span
	bodies                                         span
	known                                          uint64 // keys seen so far
	splices                                        splices
}

// payloads makes the payloads of a body's versions, one after the other.
type payloads struct {
	source
	places
	dict dictionary
	op   opRecord
}

// opRecord is one op as the columns hold it.
type opRecord struct {
	code, width, key uint64
	detached         bool
	body             []byte // inline: the body, but of a splice; detached: that of the content
	splice           splice // where isSplice
	structure        []byte
	declared         uint64
	item, hash       []byte // the canonical string of the key
	salt             []byte // nil where the content is not here
}

func (p *payloads) open(s source, cols *[columns]span) {
	p.source = s
	p.places = places{
		ops: repeated{span: cols[colOps]}, codes: repeated{span: cols[colCodes]},
		detached: optional(cols[colDetached], 0), widths: optional(cols[colWidths], 1),
		metas: optional(cols[colMetas], 0), structures: optional(cols[colStructures], 0), present: optional(cols[colPresent], 0),
		keys: cols[colKeys], lengths: cols[colLengths], metaText: cols[colMetaText], structText: cols[colStructText],
		declared: cols[colDeclared], hashes: cols[colHashes], salts: cols[colSalts], contents: cols[colContents],
		rawLengths: cols[colRawLengths], rawBodies: cols[colRawPayloads], bodies: cols[colBodies], splices: openSplices(cols),
	}
	p.dict.read(&p.source, cols[colDict], cols[colDictText])
}

// next appends the payload of the next version to dst, and its contents to contents. A payload that is longer than any
// valid one ends behind that length.
func (p *payloads) next(dst []byte, contents []history.Content) ([]byte, []history.Content) {
	n := p.repeat(&p.ops)
	if n == 0 {
		raw := p.take(&p.rawBodies, p.number(&p.rawLengths))
		return append(dst, raw[:min(len(raw), tooLong)]...), contents
	}
	start := len(dst)
	dst = canon.AppendArray(dst, 2)
	dst = canon.AppendArray(dst, p.count(n))
	for i := range n - 1 {
		p.readOp()
		if p.fault != "" {
			return dst, contents
		}
		dst = p.op.append(dst)
		if len(dst)-start > tooLong {
			dst = dst[:start+tooLong]
		}
		if p.op.salt != nil {
			contents = append(contents, history.Content{
				Op: uint32(i), Salt: [history.SaltSize]byte(p.op.salt), Body: p.op.body,
			})
		}
	}
	if meta := p.take(&p.metaText, p.repeat(&p.metas)); len(meta) > 0 {
		dst = append(dst, meta...)
	} else {
		dst = canon.AppendNil(dst)
	}
	return dst[:min(len(dst), start+tooLong)], contents
}

// tooLong is a length that no valid payload has.
const tooLong = history.MaxVersion + 1

// count is the number of ops that a number of the column of ops above 0 stands for.
func (p *payloads) count(n uint64) int {
	if n-1 > history.MaxOps {
		p.fail(faultRange)
		return 0
	}
	return int(n - 1)
}

// skip passes over the next version. It appends the numbers of the keys that the version touches, one for each op, and says
// how many dots it owns.
func (p *payloads) skip(touched []uint32) (keys []uint32, width uint64) {
	n := p.repeat(&p.ops)
	if n == 0 {
		p.fail(faultRaw)
		return touched, 0
	}
	for range p.count(n) {
		p.readOp()
		if p.fault != "" {
			return touched, 0
		}
		touched = append(touched, uint32(p.op.key))
		width += p.op.width
	}
	p.take(&p.metaText, p.repeat(&p.metas))
	return touched, max(width, 1)
}

// readOp reads the next op into p.op.
func (p *payloads) readOp() {
	op := &p.op
	op.code, op.width = p.repeat(&p.codes), p.repeat(&p.widths)
	op.detached, op.salt = p.flag(&p.detached), nil
	op.key = p.readKey()
	switch {
	case isSplice(op.code, op.detached):
		op.splice = p.splice(&p.splices)
		return
	case !op.detached:
		op.body = p.take(&p.bodies, p.number(&p.lengths))
		return
	}
	op.structure = p.take(&p.structText, p.repeat(&p.structures))
	op.declared = p.number(&p.declared)
	op.hash = p.take(&p.hashes, hashSize)
	if p.flag(&p.present) {
		op.salt = p.take(&p.salts, history.SaltSize)
		op.body = p.take(&p.contents, op.declared)
	}
}

// flag reads a value that is 0 or 1.
func (p *payloads) flag(c *repeated) bool {
	n := p.repeat(c)
	if n > 1 {
		p.fail(faultRange)
	}
	return n == 1
}

// readKey is the number of the next op's key.
func (p *payloads) readKey() uint64 {
	n := p.number(&p.keys)
	if n > 0 {
		n--
	} else {
		n = p.known
		p.known++
	}
	if n >= p.known || n >= uint64(p.dict.len()) {
		p.fail(faultRange)
		return 0
	}
	p.op.item = p.dict.item(n)
	return n
}

// append appends the record that payloads hold of the op.
func (op *opRecord) append(b []byte) []byte {
	if !op.detached {
		b = canon.AppendArray(b, inlineItems)
	} else {
		b = canon.AppendArray(b, detachedItems)
	}
	b = canon.AppendUint(b, op.code)
	b = canon.AppendUint(b, op.width)
	b = append(b, op.item...)
	switch {
	case isSplice(op.code, op.detached):
		return op.splice.append(b)
	case !op.detached:
		return append(b, op.body...)
	}
	if len(op.structure) > 0 {
		b = append(b, op.structure...)
	} else {
		b = canon.AppendNil(b)
	}
	b = canon.AppendUint(b, op.declared)
	return canon.AppendBytes(b, op.hash)
}

// end fails unless all was read.
func (p *payloads) end() {
	if p.fault != "" {
		return
	}
	spans := [...]*span{
		&p.keys, &p.lengths, &p.metaText, &p.structText, &p.declared, &p.hashes, &p.salts, &p.contents, &p.rawLengths,
		&p.rawBodies, &p.bodies,
	}
	for _, c := range spans {
		if !c.done() {
			p.fail(faultLeft)
		}
	}
	for _, c := range [...]*repeated{&p.ops, &p.codes, &p.detached, &p.widths, &p.metas, &p.structures, &p.present} {
		if !c.done() {
			p.fail(faultLeft)
		}
	}
	if !p.splices.done() || p.known != uint64(p.dict.len()) {
		p.fail(faultLeft)
	}
}
