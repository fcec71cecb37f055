package replica

import (
	"fmt"
	"slices"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/crdt/sequence"
)

// draft is a text or a list as a transaction sees it: what the versions on the key come to, and the ops of the transaction.
type draft struct {
	content content
	// dots is how many dots the ops own that are in it, applied the number of the newest group of them.
	dots    uint64
	applied int
}

func (d *draft) edit(e *edit) error {
	err := d.content.edit(sequence.Dot{Branch: unwritten, Seq: d.dots + 1}, e)
	if err == nil {
		d.dots += uint64(e.width())
	}
	return err
}

// draft is the draft of a document, whichever way the ops were staged that are in it.
func (tx *Tx) draft(id docID) (*draft, error) {
	d := tx.drafts[id]
	if d == nil {
		doc, err := tx.c.snap().documentNow(id)
		if err != nil {
			return nil, err
		}
		if tx.drafts == nil {
			tx.drafts = make(map[docID]*draft)
		}
		d = &draft{content: doc.content}
		tx.drafts[id] = d
	}
	newest := tx.written[id.key].newest
	for _, g := range slices.Backward(tx.groupsBehind(newest, d.applied)) {
		for i := g.from; i < g.to; i++ {
			if tx.ops[i].Code.SequenceKind() != id.kind {
				continue
			}
			e, err := editOf(&tx.ops[i].Op)
			if err == nil {
				err = d.edit(&e)
			}
			if err != nil {
				delete(tx.drafts, id)
				return nil, err
			}
		}
	}
	d.applied = newest
	return d, nil
}

// stands is the kind that a key shows to the transaction, where that can be edited as a document.
func (tx *Tx) stands(id docID) (crdt.Kind, error) {
	view, err := tx.view(id.key)
	if err == nil {
		err = id.editable(view.Kind)
	}
	return view.Kind, err
}

// draftShown is what a key shows of a document: nothing where it was deleted.
func (tx *Tx) draftShown(id docID) (content, error) {
	kind, err := tx.stands(id)
	if err != nil {
		return nil, err
	}
	if kind != id.kind {
		return newContent(id.kind, nil), nil
	}
	d, err := tx.draft(id)
	if err != nil {
		return nil, err
	}
	return d.content, nil
}

// draftEdit does an edit to a draft, which says whether it can be done, and stages it.
func (tx *Tx) draftEdit(id docID, e edit) error {
	kind, err := tx.stands(id)
	if err != nil {
		return err
	}
	d, err := tx.draft(id)
	if err != nil {
		return err
	}
	edits := []edit{e}
	if kind != id.kind {
		// What is left of one that was deleted goes before a new one begins.
		if err := newContent(id.kind, nil).edit(sequence.Dot{Seq: 1}, &e); err != nil {
			return fmt.Errorf("%s: %w", id.key, err)
		}
		if n := d.content.Len(); n > 0 && e.width() > 0 {
			edits = []edit{{ListEdit: sequence.ListEdit{Removed: n}}, e}
		}
	}
	for i := range edits {
		if err := d.edit(&edits[i]); err != nil {
			return fmt.Errorf("%s: %w", id.key, err)
		}
		if err := tx.edit(id, edits[i]); err != nil {
			delete(tx.drafts, id)
			return err
		}
		d.applied = tx.written[id.key].newest
	}
	return nil
}
