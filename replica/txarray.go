package replica

import (
	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/crdt/sequence"
	"github.com/kdelta/kdelta/internal/canon"
)

// A TxArray is the list at a key inside of an Update, as Array is outside: what is done to it is part of the transaction's
// version. Positions count items of the list as the transaction sees it, its own edits included. What was done to an Array of this
// replica is committed before the Update begins.
//
// Errors are those of Array; of an edit that is refused nothing is done, and the transaction may go on.
type TxArray struct {
	tx *Tx
	id docID
}

// Array is the list at a key. Nothing is read before it is used.
func (tx *Tx) Array(key string) *TxArray { return &TxArray{tx, docID{key, crdt.KindList}} }

// Key is the key of the list.
func (a *TxArray) Key() string { return a.id.key }

// Len is the number of items.
func (a *TxArray) Len() (int, error) {
	c, err := a.tx.draftShown(a.id)
	if err != nil {
		return 0, err
	}
	return c.Len(), nil
}

// Get reads the item at a position into dst.
func (a *TxArray) Get(pos int, dst any) error {
	c, err := a.tx.draftShown(a.id)
	if err != nil {
		return err
	}
	_, item, err := c.(listContent).Get(pos)
	if err != nil {
		return err
	}
	return decodeInto(canon.Value(item), dst)
}

// Items reads all items into dst, as a rule a pointer to a slice.
func (a *TxArray) Items(dst any) error {
	c, err := a.tx.draftShown(a.id)
	if err != nil {
		return err
	}
	return decodeInto(c.value(), dst)
}

// Slice reads the items from … to−1 into dst, as a rule a pointer to a slice.
func (a *TxArray) Slice(from, to int, dst any) error {
	c, err := a.tx.draftShown(a.id)
	if err != nil {
		return err
	}
	items, err := c.(listContent).slice(from, to)
	if err != nil {
		return err
	}
	return decodeInto(items, dst)
}

// Insert puts items before the one at pos, or at the end.
func (a *TxArray) Insert(pos int, items ...any) error { return a.Splice(pos, 0, items...) }

// Delete takes n items out, from pos on.
func (a *TxArray) Delete(pos, n int) error { return a.Splice(pos, n) }

// Splice takes removed items out, from pos on, and puts others there instead.
func (a *TxArray) Splice(pos, removed int, items ...any) error {
	elements, err := itemsOf(items)
	if err != nil {
		return err
	}
	return a.do(sequence.ListEdit{Pos: pos, Removed: removed, Elements: elements})
}

// Replace gives the item at pos another value, as Array.Replace.
func (a *TxArray) Replace(pos int, item any) error {
	elements, err := itemsOf([]any{item})
	if err != nil {
		return err
	}
	return a.do(sequence.ListEdit{Kind: sequence.ListReplace, Pos: pos, Elements: elements})
}

// Move takes the item at from out and puts it where it then is at to, as Array.Move.
func (a *TxArray) Move(from, to int) error {
	return a.do(sequence.ListEdit{Kind: sequence.ListMove, Pos: from, To: to})
}

func (a *TxArray) do(e sequence.ListEdit) error { return a.tx.draftEdit(a.id, edit{ListEdit: e}) }
