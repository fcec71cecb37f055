package replica

import (
	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/crdt/sequence"
)

// A TxText is the text at a key inside of an Update, as Text is outside: what is done to it is part of the transaction's
// version. Positions count code points of the text as the transaction sees it, its own splices included. What was typed into a
// Text of this replica is committed before the Update begins.
//
// Errors are those of Text; of a splice that is refused nothing is done, and the transaction may go on.
type TxText struct {
	tx *Tx
	id docID
}

// Text is the text at a key. Nothing is read before it is used.
func (tx *Tx) Text(key string) *TxText { return &TxText{tx, docID{key, crdt.KindText}} }

// Key is the key of the text.
func (t *TxText) Key() string { return t.id.key }

// String is the whole text.
func (t *TxText) String() (string, error) {
	c, err := t.tx.draftShown(t.id)
	if err != nil {
		return "", err
	}
	return c.(textContent).String(), nil
}

// Len is the number of code points.
func (t *TxText) Len() (int, error) {
	c, err := t.tx.draftShown(t.id)
	if err != nil {
		return 0, err
	}
	return c.Len(), nil
}

// Insert puts text before the code point at pos, or at the end.
func (t *TxText) Insert(pos int, text string) error { return t.Splice(pos, 0, text) }

// Delete takes n code points out, from pos on.
func (t *TxText) Delete(pos, n int) error { return t.Splice(pos, n, "") }

// Splice takes removed code points out, from pos on, and puts text there instead.
func (t *TxText) Splice(pos, removed int, text string) error {
	return t.tx.draftEdit(t.id, textEdit(sequence.Splice{Pos: pos, Removed: removed, Text: text}))
}
