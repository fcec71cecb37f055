package replica

import (
	"context"
	"fmt"
	"iter"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/crdt/sequence"
	"github.com/kdelta/kdelta/internal/canon"
	"github.com/kdelta/kdelta/internal/msgpack"
)

// An Array is the list at a key, of the kind crdt.KindList, for several people to edit at once: each item is a value of its own,
// which others' work leaves alone and which stays the same item where it is moved or replaced. (Replica.List is another thing: it
// lists keys.) A key that shows nothing is an empty list. It is safe for all goroutines; several for one key are of one list.
// There is nothing to close.
//
// Of what two do to one item at once, the later move and the later replacement stand, both; an item that somebody deletes is
// gone. What each of several inserts at one place stays together.
//
// An edit is in the list when it returns, and in a version, durable and seen by others, when Typing says or at Commit. Until
// then Get of the replica does not show it, and it is lost with the process. So a loop over Insert costs no commit for each item,
// and one that wants a version for each says Commit.
//
// Positions count items of the list as it is now, from 0. What others write moves them: a program that shows the list to
// somebody takes their edits from Edits. A place that is to last is an Anchor. Items are Go values by the rules of Replica.Set.
//
// Errors: sequence.ErrPosition beyond the end, ErrTooLarge for an item beyond MaxItem, ErrWrongKind where the key holds something
// else, those of Replica.Set for what is no value. Nothing is written then.
type Array struct{ handle }

// MaxItem is how many bytes one item of a list takes at most, as a canonical value.
const MaxItem = 512 << 10

// Array is the list at a key. Nothing is read before it is used.
func (r *Replica) Array(key string) *Array {
	return &Array{handle{r: r, docID: docID{key, crdt.KindList}}}
}

// list runs fn with what the list shows.
func (a *Array) list(ctx context.Context, fn func(*sequence.List) error) error {
	return a.shown(ctx, func(c content) error { return fn(c.(listContent).List) })
}

// Get reads the item at a position into dst.
func (a *Array) Get(ctx context.Context, pos int, dst any) error {
	var item canon.Value
	err := a.list(ctx, func(l *sequence.List) (err error) { _, item, err = l.Get(pos); return err })
	if err != nil {
		return err
	}
	return decodeInto(item, dst)
}

// Items reads all items into dst, as a rule a pointer to a slice.
func (a *Array) Items(ctx context.Context, dst any) error {
	var items canon.Value
	if err := a.shown(ctx, func(c content) error { items = c.value(); return nil }); err != nil {
		return err
	}
	return decodeInto(items, dst)
}

// Slice reads the items from … to−1 into dst, as a rule a pointer to a slice.
func (a *Array) Slice(ctx context.Context, from, to int, dst any) error {
	var items canon.Value
	err := a.shown(ctx, func(c content) (err error) { items, err = c.(listContent).slice(from, to); return err })
	if err != nil {
		return err
	}
	return decodeInto(items, dst)
}

// Insert puts items before the one at pos, or at the end.
func (a *Array) Insert(ctx context.Context, pos int, items ...any) error {
	return a.Splice(ctx, pos, 0, items...)
}

// Delete takes n items out, from pos on.
func (a *Array) Delete(ctx context.Context, pos, n int) error { return a.Splice(ctx, pos, n) }

// Splice takes removed items out, from pos on, and puts others there instead. While there is a loop over Edits of this Array, pos
// is in the list that the loop knows; it is moved over what the loop was not told yet. ErrMoved where it cannot be: before the loop
// was told of the list, after the list was deleted, or where the loop is far behind.
func (a *Array) Splice(ctx context.Context, pos, removed int, items ...any) error {
	elements, err := itemsOf(items)
	if err != nil {
		return err
	}
	return a.do(ctx, sequence.ListEdit{Pos: pos, Removed: removed, Elements: elements})
}

// Replace gives the item at pos another value. It stays the same item: where somebody else moves it, it is the new value that is
// moved. pos is moved as that of Splice; of an item that somebody took out meanwhile nothing is done.
func (a *Array) Replace(ctx context.Context, pos int, item any) error {
	elements, err := itemsOf([]any{item})
	if err != nil {
		return err
	}
	return a.do(ctx, sequence.ListEdit{Kind: sequence.ListReplace, Pos: pos, Elements: elements})
}

// Move takes the item at from out and puts it where it then is at to. It stays the same item: of two that are moved at once there
// are two afterwards. Both positions are moved as that of Splice; an item that somebody took out meanwhile stays away.
func (a *Array) Move(ctx context.Context, from, to int) error {
	return a.do(ctx, sequence.ListEdit{Kind: sequence.ListMove, Pos: from, To: to})
}

func (a *Array) do(ctx context.Context, e sequence.ListEdit) error {
	return a.edit(ctx, func(content) (edit, error) { return edit{ListEdit: e}, nil })
}

// Edits yields what happens to the list, as edits that come one after the other, with items as JSON: first one that inserts all of
// it, then what others do, be it another Array of this replica, another process or another replica. What is done by this Array is
// not among them: positions of its edits are in the list that the loop knows, by what was yielded and what this Array did. They are
// moved over what was not yielded yet, and that over them. Put a cursor where ListEdit.Shift says. A loop that is far behind is
// given one edit that puts in all there is anew.
//
// It ends with ctx, with its error, or when the replica is closed. There is one at a time for an Array.
func (a *Array) Edits(ctx context.Context) iter.Seq2[[]sequence.ListEdit, error] {
	return func(yield func([]sequence.ListEdit, error) bool) {
		a.tellEdits(ctx, insertAnew, func(edits []edit, err error) bool { return yield(listEditsOf(edits), err) })
	}
}

// insertAnew takes out all that is known and puts in what there is now: who is so far behind has no cursor to lose.
func insertAnew(edits []edit, now content) []edit {
	var anew edit
	for _, e := range between(nil, now.value()) {
		anew = e
	}
	anew.Removed = told(edits, now)
	return splices(anew)
}

// listEditsOf are edits of a list with elements as JSON.
func listEditsOf(edits []edit) (all []sequence.ListEdit) {
	for _, e := range edits {
		elements := make([][]byte, len(e.Elements))
		for i, element := range e.Elements {
			elements[i] = canon.Value(element).AppendJSON(nil)
		}
		e.Elements = elements
		all = append(all, e.ListEdit)
	}
	return all
}

// Seen reads all items into dst, and is what there is when the list is so, to edit it elsewhere and give the edits to Merge. What
// was typed is committed first.
func (a *Array) Seen(ctx context.Context, dst any) (Frontier, error) {
	var items canon.Value
	seen, err := a.seen(ctx, func(c content) error { items = c.value(); return nil })
	if err != nil {
		return nil, err
	}
	return seen, decodeInto(items, dst)
}

// Merge writes edits, which come one after the other and have items as JSON, that were made on the list as Seen showed it; others
// may have written to it since. They are one version, durable when it returns, and the zero Version if there is nothing to write.
func (a *Array) Merge(ctx context.Context, seen Frontier, edits []sequence.ListEdit, opts ...WriteOption) (Version, error) {
	all := listEdits(edits)
	for i := range all {
		elements := make([][]byte, len(all[i].Elements))
		for k, text := range all[i].Elements {
			item, err := canon.FromJSON(text)
			if err == nil {
				err = checkItem(item)
			}
			if err != nil {
				return Version{}, a.within(err)
			}
			elements[k] = item
		}
		all[i].Elements = elements
	}
	return a.merge(ctx, seen, all, opts)
}

// itemsOf are Go values as elements.
func itemsOf(items []any) ([][]byte, error) {
	elements := make([][]byte, len(items))
	for i, item := range items {
		v, err := msgpack.FromGo(item)
		if err == nil {
			err = checkItem(v)
		}
		if err != nil {
			return nil, err
		}
		elements[i] = v
	}
	return elements, nil
}

// checkItem is nil for a value that an op and an array can hold.
func checkItem(v canon.Value) error {
	if len(v) > MaxItem {
		return fmt.Errorf("%w: an item of %d bytes; one takes %d at most", ErrTooLarge, len(v), MaxItem)
	}
	return canon.Check(append(canon.AppendArray(make([]byte, 0, len(v)+1), 1), v...))
}
