package pack

import (
	"bytes"
	"hash/maphash"
	"math/bits"
	"slices"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/internal/canon"
)

// Each new key is written as the bytes that it shares with the new key before it, and those that follow. Sharing could
// unfold a few bytes to any number, so all keys together are at most unfold times their columns, and unfoldSlack: who
// writes stops sharing before that.
const (
	unfold      = 4
	unfoldSlack = 64 << 10
	keyHeader   = 3 // the most that the canonical string of a key has before it
)

// dictionary is the keys of a pack, as the canonical strings that payloads hold, one after the other.
type dictionary struct {
	text []byte
	ends []uint32
}

func (d *dictionary) len() int { return len(d.ends) }

// item is the canonical string of key i.
func (d *dictionary) item(i uint64) []byte {
	from := uint32(0)
	if i > 0 {
		from = d.ends[i-1]
	}
	return d.text[from:d.ends[i]]
}

// key is key i by itself.
func (d *dictionary) key(i uint64) []byte {
	r := canon.NewReader(d.item(i))
	b, _ := r.StringBytes() // empty for what is no UTF-8: no payload with it is valid
	return b
}

// read fills the dictionary from its two columns; it knows how much that takes before it takes it.
func (d *dictionary) read(s *source, lengths, text span) {
	d.text, d.ends = d.text[:0], d.ends[:0]
	total, n := unfolded(s, lengths)
	if total > unfold*uint64(lengths.end-lengths.at+text.end-text.at)+unfoldSlack {
		s.fail(faultKeys)
	}
	if s.fault != "" {
		return
	}
	d.text, d.ends = slices.Grow(d.text, int(total)), slices.Grow(d.ends, n)
	var last [crdt.MaxKey]byte
	for range n {
		shared := s.number(&lengths)
		more := s.number(&lengths)
		copy(last[shared:], s.take(&text, more))
		if s.fault != "" {
			return
		}
		d.text = canon.AppendStringBytes(d.text, last[:shared+more])
		d.ends = append(d.ends, uint32(len(d.text)))
	}
	if !text.done() {
		s.fail(faultLeft)
	}
}

// unfolded is how many keys there are, and how many bytes they take at most.
func unfolded(s *source, lengths span) (total uint64, n int) {
	var last uint64
	for !lengths.done() && s.fault == "" {
		shared := s.bounded(&lengths, last)
		last = shared + s.bounded(&lengths, crdt.MaxKey-shared)
		total += last + keyHeader
		n++
	}
	return total, n
}

// keyWriter writes the two columns.
type keyWriter struct {
	known    dictionary
	number   keyLookup
	last     []byte
	lengths  []byte
	text     []byte
	unfolded int
}

func (w *keyWriter) reset() {
	w.known.text, w.known.ends = w.known.text[:0], w.known.ends[:0]
	w.number.reset(0)
	w.last, w.lengths, w.text, w.unfolded = w.last[:0], w.lengths[:0], w.text[:0], 0
}

// add is the number for the column of keys.
func (w *keyWriter) add(key []byte) uint64 {
	if n, known := w.number.find(&w.known, key); known {
		return uint64(n) + 1
	}
	w.known.text = canon.AppendStringBytes(w.known.text, key)
	w.known.ends = append(w.known.ends, uint32(len(w.known.text)))
	w.number.add(&w.known, w.known.len()-1)
	shared := 0
	for shared < min(len(w.last), len(key)) && w.last[shared] == key[shared] {
		shared++
	}
	w.unfolded += len(key) + keyHeader
	if w.unfolded > unfold*(len(w.lengths)+len(w.text))+unfoldSlack {
		shared = 0
	}
	w.lengths = appendNumber(w.lengths, uint64(shared))
	w.lengths = appendNumber(w.lengths, uint64(len(key)-shared))
	w.text = append(w.text, key[shared:]...)
	w.last = append(w.last[:0], key...)
	return 0
}

// keyLookup finds the number of a key: a hash table that holds numbers only, as the keys are in the dictionary.
type keyLookup struct {
	seed  maphash.Seed
	slots []uint32 // 1 + the number of a key; a power of two of them, at most half of them full
}

func newKeyLookup(d *dictionary) keyLookup {
	var l keyLookup
	l.fill(d)
	return l
}

// reset empties the table and makes room for n keys.
func (l *keyLookup) reset(n int) {
	if l.seed == (maphash.Seed{}) {
		l.seed = maphash.MakeSeed()
	}
	size := 2 << bits.Len(uint(n))
	l.slots = slices.Grow(l.slots[:0], size)[:size]
	clear(l.slots)
}

// fill makes the table that of the keys of d, with room for as many again.
func (l *keyLookup) fill(d *dictionary) {
	l.reset(d.len())
	for k := range d.len() {
		l.put(d, k)
	}
}

// add adds the newest key of d.
func (l *keyLookup) add(d *dictionary, k int) {
	if 2*d.len() > len(l.slots) {
		l.fill(d)
		return
	}
	l.put(d, k)
}

func (l *keyLookup) put(d *dictionary, k int) {
	i := l.start(d.key(uint64(k)))
	for l.slots[i] != 0 {
		i = (i + 1) % len(l.slots)
	}
	l.slots[i] = uint32(k) + 1
}

func (l *keyLookup) start(key []byte) int {
	return int(maphash.Bytes(l.seed, key) % uint64(len(l.slots)))
}

func (l *keyLookup) find(d *dictionary, key []byte) (k int, ok bool) {
	i := l.start(key)
	for ; l.slots[i] != 0; i = (i + 1) % len(l.slots) {
		if k = int(l.slots[i]) - 1; bytes.Equal(d.key(uint64(k)), key) {
			return k, true
		}
	}
	return 0, false
}
