package memory

import (
	"bytes"
	"sync"
	"unsafe"

	"github.com/tidwall/btree"

	"github.com/kdelta/kdelta/store"
)

// table holds values by key. One kind of tree serves integer keys too, which are big endian: a second one would be as much
// code again in a browser.
type table = btree.Map[string, string]

// state is the contents of a store at one moment. A published one never changes (M1).
type state struct {
	tables []*table
	// copying serialises the making of twins: IsoCopy writes a field of the tree that it copies, and several
	// stores have the same state in hand once there are clones.
	copying *sync.Mutex
}

// degree is half of what a tree node holds. Half the library's default: a transaction copies each leaf that it writes,
// which measured 30 % less time for scattered rows, and nothing lost for ascending ones.
const degree = 16

func newState() *state {
	s := &state{tables: make([]*table, len(store.Tables())), copying: new(sync.Mutex)}
	for t := range s.tables {
		s.tables[t] = btree.NewMap[string, string](degree)
	}
	return s
}

// fork returns a state that shares every tree with s; own must come before the first write to one.
func (s *state) fork() *state {
	return &state{tables: append([]*table(nil), s.tables...), copying: s.copying}
}

// own replaces the tree of t, still shared with base, by a copy-on-write twin.
func (s *state) own(t store.Table) {
	s.copying.Lock()
	defer s.copying.Unlock()
	s.tables[t] = s.tables[t].IsoCopy()
}

func (s *state) get(t store.Table, key []byte) ([]byte, error) {
	if err := store.CheckKey(t, key); err != nil {
		return nil, err
	}
	value, found := s.tables[t].Get(text(key))
	if !found {
		return nil, store.ErrNotFound
	}
	return data(value), nil
}

// put copies key and value into one allocation and inserts them.
func (s *state) put(t store.Table, key, value []byte) {
	row := bytes.Join([][]byte{key, value}, nil) // the one way to make memory that is not cleared first
	n := len(key)
	s.tables[t].Set(text(row[:n]), text(row[n:]))
}

func (s *state) remove(t store.Table, key []byte) { s.tables[t].Delete(text(key)) }

// text views b as a string without copying it. The string must not outlive b or a change to it: a lookup does not
// keep it, and the bytes of a stored row never change (M1).
func text(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// data views a stored value as the bytes that it is. Nobody may change them (M1).
func data(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }
