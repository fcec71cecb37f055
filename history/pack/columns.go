package pack

import (
	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/internal/canon"
	"github.com/kdelta/kdelta/internal/zstd"
)

// payloadWriter takes payloads apart into columns.
type payloadWriter struct {
	ops, codes, detached, widths, metas, structures, present repeater
	keys, lengths, metaText, structText, declared            []byte
	hashes, salts, contents, rawLengths, rawText             []byte
	bodies                                                   []byte
	sample                                                   zstd.Sample // of bodies and contents
	dict                                                     keyWriter
	splices                                                  spliceWriter
	parsed                                                   []parsedOp
}

// parsedOp is one op of the payload that is being taken apart; all of it aliases the payload.
type parsedOp struct {
	code, width, declared uint64
	key, body, structure  []byte
	splice                splice // what the body says, where isSplice
	hash                  []byte // nil where the op is inline
}

func (w *payloadWriter) reset() {
	for _, r := range [...]*repeater{&w.ops, &w.codes, &w.detached, &w.widths, &w.metas, &w.structures, &w.present} {
		r.reset()
	}
	for _, b := range [...]*[]byte{
		&w.keys, &w.lengths, &w.metaText, &w.structText, &w.declared, &w.hashes, &w.salts, &w.contents, &w.rawLengths,
		&w.rawText, &w.bodies,
	} {
		*b = (*b)[:0]
	}
	w.sample.Reset()
	w.dict.reset()
	w.splices.reset()
}

// fill names the columns.
func (w *payloadWriter) fill(cols *[columns][]byte) {
	cols[colOps], cols[colCodes], cols[colWidths] = w.ops.plain(), w.codes.plain(), w.widths.column(1)
	cols[colDetached] = w.detached.column(0)
	cols[colMetas], cols[colStructures], cols[colPresent] = w.metas.column(0), w.structures.column(0), w.present.column(0)
	cols[colKeys], cols[colLengths], cols[colBodies] = w.keys, w.lengths, w.bodies
	cols[colDict], cols[colDictText] = w.dict.lengths, w.dict.text
	cols[colMetaText], cols[colStructText] = w.metaText, w.structText
	cols[colDeclared], cols[colHashes] = w.declared, w.hashes
	cols[colSalts], cols[colContents] = w.salts, w.contents
	cols[colRawLengths], cols[colRawPayloads] = w.rawLengths, w.rawText
	w.splices.fill(cols)
}

// add takes the payload of v apart. A payload is canonical, and so its parts make the same bytes again; one that is not,
// which no valid version has, is kept whole.
func (w *payloadWriter) add(v *history.Version) {
	meta, ok := w.parse(v.Payload)
	if !ok {
		w.ops.add(0)
		w.rawLengths = appendNumber(w.rawLengths, uint64(len(v.Payload)))
		w.rawText = append(w.rawText, v.Payload...)
		return
	}
	w.ops.add(uint64(len(w.parsed)) + 1)
	contents := v.Contents
	for i := range w.parsed {
		op := &w.parsed[i]
		for len(contents) > 0 && contents[0].Op < uint32(i) {
			contents = contents[1:]
		}
		var content *history.Content
		if len(contents) > 0 && contents[0].Op == uint32(i) && uint64(len(contents[0].Body)) == op.declared {
			content = &contents[0]
		}
		w.addOp(op, content)
	}
	w.metas.add(uint64(len(meta)))
	w.metaText = append(w.metaText, meta...)
}

func (w *payloadWriter) addOp(op *parsedOp, content *history.Content) {
	w.widths.add(op.width)
	w.keys = appendNumber(w.keys, w.dict.add(op.key))
	w.codes.add(op.code)
	if op.hash == nil {
		w.detached.add(0)
		if isSplice(op.code, false) {
			w.splices.add(&op.splice)
			return
		}
		w.lengths = appendNumber(w.lengths, uint64(len(op.body)))
		w.bodies = append(w.bodies, op.body...)
		w.sample.Add(op.body)
		return
	}
	w.detached.add(1)
	w.structures.add(uint64(len(op.structure)))
	w.structText = append(w.structText, op.structure...)
	w.declared = appendNumber(w.declared, op.declared)
	w.hashes = append(w.hashes, op.hash...)
	if content == nil {
		w.present.add(0)
		return
	}
	w.present.add(1)
	w.salts = append(w.salts, content.Salt[:]...)
	w.contents = append(w.contents, content.Body...)
	w.sample.Add(content.Body)
}

// parse reads a payload into w.parsed; ok is false for what is not canonical, or beyond what the columns hold.
func (w *payloadWriter) parse(payload []byte) (meta []byte, ok bool) {
	w.parsed = w.parsed[:0]
	r := canon.NewReader(payload)
	if n, err := r.Array(); err != nil || n != 2 {
		return nil, false
	}
	n, err := r.Array()
	if err != nil || n > history.MaxOps || len(payload) > history.MaxVersion {
		return nil, false
	}
	for range n {
		var op parsedOp
		if !op.parse(&r) {
			return nil, false
		}
		w.parsed = append(w.parsed, op)
	}
	meta, err = r.Raw()
	if err != nil || r.End() != nil {
		return nil, false
	}
	return withoutNil(meta), true
}

func (op *parsedOp) parse(r *canon.Reader) bool {
	items, _ := r.Array()
	op.code, _ = r.Uint()
	op.width, _ = r.Uint()
	var err error
	if op.key, err = r.StringBytes(); err != nil || len(op.key) > crdt.MaxKey {
		return false
	}
	switch items {
	case inlineItems:
		if op.body, err = r.Raw(); err != nil || !isSplice(op.code, false) {
			return err == nil
		}
		var ok bool
		op.splice, ok = readSplice(op.body)
		return ok
	case detachedItems:
		structure, _ := r.Raw()
		op.declared, _ = r.Uint()
		op.hash, err = r.Bytes()
		op.structure = withoutNil(structure)
		return err == nil && len(op.hash) == hashSize
	default:
		return false
	}
}

// withoutNil is nothing for the item nil.
func withoutNil(item []byte) []byte {
	if canon.Value(item).Type() == canon.TypeNull {
		return nil
	}
	return item
}
