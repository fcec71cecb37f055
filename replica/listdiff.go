package replica

import (
	"slices"
	"strconv"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/crdt/sequence"
	"github.com/kdelta/kdelta/internal/canon"
)

// diffList is how a list at one point, which says before, differs from the list at another one.
func (s *snap) diffList(key string, before canon.Value, from, to point) ([]PathChange, error) {
	edits, err := s.editsBetween(docID{key, crdt.KindList}, from, to)
	if err != nil {
		return nil, err
	}
	return itemChanges(elementTexts(before), edits), nil
}

// itemChanges are edits of a list as changes of its items, in their order: each path is one in the list that those before have
// left. An item that was moved is taken out and put in.
func itemChanges(items []string, edits []edit) (changes []PathChange) {
	change := func(pos int, old, new []byte) {
		changes = append(changes, PathChange{Path: "/" + strconv.Itoa(pos), Old: jsonOf(old), New: jsonOf(new)})
	}
	for _, e := range edits {
		switch e.Kind {
		case sequence.ListMove:
			item := items[e.Pos]
			items = slices.Insert(slices.Delete(items, e.Pos, e.Pos+1), e.To, item)
			change(e.Pos, []byte(item), nil)
			change(e.To, nil, []byte(item))
		case sequence.ListReplace:
			change(e.Pos, []byte(items[e.Pos]), e.Elements[0])
			items[e.Pos] = string(e.Elements[0])
		default:
			for _, item := range items[e.Pos : e.Pos+e.Removed] {
				change(e.Pos, []byte(item), nil)
			}
			items = slices.Replace(items, e.Pos, e.Pos+e.Removed, elementStrings(e.Elements)...)
			for i, item := range e.Elements {
				change(e.Pos+i, nil, item)
			}
		}
	}
	return changes
}

func elementStrings(elements [][]byte) []string {
	all := make([]string, len(elements))
	for i, element := range elements {
		all[i] = string(element)
	}
	return all
}
