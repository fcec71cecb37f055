package replica

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"slices"
	"sync"
	"unsafe"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/internal/canon"
	"github.com/kdelta/kdelta/store"
)

// A row of Runs holds consecutive versions and, for each key that each of them touches, a link back to the op on that
// key that was applied before. The last row of a commit also has the tip. A key's log is thus a chain that starts in its Docs row; no index of versions by key
// is written, and reading the log of a key reads the versions of that key.

// link says what was applied to a key before: the last dot of the version with the previous op on it (0: there was
// none), and whether this op's version covers all earlier ops on the key.
type link struct {
	prev history.LV
	all  bool
}

func appendLink(b []byte, l link) []byte {
	n := uint64(l.prev) << 1
	if l.all {
		n |= 1
	}
	return binary.AppendUvarint(b, n)
}

// runRow is a row of Runs in its parts.
type runRow struct {
	// open says that the versions go on in the next row: some author's seal is over one that comes there.
	open bool
	// tip is where the database stands, with its checksum, where the row is the last of its commit.
	tip []byte
	// run is the versions: a run of package history or, where the row is packed, a pack.
	links, run []byte
	packed     bool
}

// looseItems is the number of items of a row that is not packed; see packed.go for those that are.
const looseItems = 3

// appendRunRow appends the value of a row. An open one has no tip.
func appendRunRow(b []byte, p runRow) []byte {
	b = canon.AppendArray(b, looseItems)
	if p.open {
		b = canon.AppendNil(b)
	} else {
		b = canon.AppendBytes(b, p.tip)
	}
	b = canon.AppendBytes(b, p.links)
	return canon.AppendBytes(b, p.run)
}

// parseRunRow takes apart the row of Runs whose first dot is first. The parts alias it.
func parseRunRow(first history.LV, value []byte) (p runRow, err error) {
	r := canon.NewReader(value)
	switch n, _ := r.Array(); n {
	case looseItems:
		err = p.parseLoose(&r)
	case packedItems:
		err = p.parsePackedRow(&r, value)
	default:
		err = errShape
	}
	if err != nil {
		return p, fmt.Errorf("%w: run %d: %w", store.ErrCorrupt, first, err)
	}
	return p, nil
}

func (p *runRow) parseLoose(r *canon.Reader) (err error) {
	if p.open = r.Peek() == canon.TypeNull; p.open {
		_ = r.Nil()
	} else {
		p.tip, _ = r.Bytes()
	}
	p.links, _ = r.Bytes()
	p.run, err = r.Bytes()
	if err == nil {
		err = r.End()
	}
	if err == nil && len(p.tip) > 0 {
		_, err = withoutSum(p.tip)
	}
	return err
}

// stored is a version with its place and links.
type stored struct {
	history.Version
	// lv is that of its last dot.
	lv history.LV
	// keys are the keys that it touches in order of first appearance.
	keys []keyLink
	// index finds one of them where there are many; nil where there are few.
	index *keyIndex
}

// manyKeys is how many keys of a version are looked through one by one.
const manyKeys = 8

// keyIndex finds the ops on one key among those of a version, which may be tens of thousands. It is built when it is
// first asked.
type keyIndex struct {
	once   sync.Once
	groups []keyOps
	at     map[string]int
}

// find is the place of a key among the version's keys.
func (x *keyIndex) find(v *history.Version, key string) (int, bool) {
	x.once.Do(func() {
		x.groups = groupOps(nil, v)
		x.at = make(map[string]int, len(x.groups))
		for i := range x.groups {
			x.at[x.groups[i].key] = i
		}
	})
	i, ok := x.at[key]
	return i, ok
}

// opsOn returns the version's ops on a key, in order.
func (s *stored) opsOn(key string) []crdt.Op {
	if s.index == nil {
		return opsOn(&s.Version, key)
	}
	i, ok := s.index.find(&s.Version, key)
	if !ok {
		return nil
	}
	return s.index.groups[i].ops
}

// keyLink is a key that a version touches, and the way back along the key's log.
type keyLink struct {
	key string
	link
}

func (s *stored) link(key string) (link, bool) {
	if s.index != nil {
		i, ok := s.index.find(&s.Version, key)
		if !ok {
			return link{}, false
		}
		return s.keys[i].link, true
	}
	for i := range s.keys {
		if s.keys[i].key == key {
			return s.keys[i].link, true
		}
	}
	return link{}, false
}

// opsOn returns the version's ops on a key, in order.
func opsOn(v *history.Version, key string) []crdt.Op {
	var ops []crdt.Op
	for _, op := range v.Ops() {
		if op.Key == key {
			ops = append(ops, op.Op)
		}
	}
	return ops
}

// keyOps are a version's ops on one key, in order.
type keyOps struct {
	key string
	ops []crdt.Op
}

// groupOps appends the version's ops by key, in the order in which the keys first appear. It reuses the space of what
// dst held.
func groupOps(dst []keyOps, v *history.Version) []keyOps {
	return groupByKey(dst, v.Ops(), v.OpCount)
}

// groupByKey is groupOps for ops that stand in no version yet.
func groupByKey(dst []keyOps, ops iter.Seq2[int, history.Op], count func() int) []keyOps {
	var index map[string]int
	for _, op := range ops {
		i := len(dst)
		switch {
		case index != nil:
			if at, ok := index[op.Key]; ok {
				i = at
			}
		case i < 8:
			i = max(slices.IndexFunc(dst, func(k keyOps) bool { return k.key == op.Key }), -1)
			if i < 0 {
				i = len(dst)
			}
		default:
			index = make(map[string]int, count())
			for at := range dst {
				index[dst[at].key] = at
			}
			if at, ok := index[op.Key]; ok {
				i = at
			}
		}
		if i < len(dst) {
			dst[i].ops = append(dst[i].ops, op.Op)
			continue
		}
		if index != nil {
			index[op.Key] = i
		}
		var ops []crdt.Op
		if cap(dst) > i {
			ops = dst[:i+1][i].ops[:0]
		}
		dst = append(dst, keyOps{key: op.Key, ops: append(ops, op.Op)})
	}
	return dst
}

// decodeRunRow reads the row of Runs whose first dot is first.
func decodeRunRow(space identity.Space, first history.LV, value []byte) ([]stored, error) {
	p, err := parseRunRow(first, value)
	if err != nil {
		return nil, err
	}
	return p.versions(space, first)
}

// versions are the versions of the row; one that holds a tip alone has none.
func (p *runRow) versions(space identity.Space, first history.LV) ([]stored, error) {
	row, _, err := new(runReader).versions(space, p, first, wholeRow)
	return row, err
}

// wholeRow is a dot behind those of all rows.
const wholeRow history.LV = math.MaxUint64

// runReader reads the versions of rows with their links. It keeps its memory from row to row.
type runReader struct {
	rowReader
	groups []keyOps
}

// versions are those of a row up to the one that owns the dot to, and whether these are all: an id is made of the one before
// it, so what comes behind the version that is asked for need not be hashed.
func (r *runReader) versions(space identity.Space, p *runRow, first, to history.LV) (row []stored, whole bool, err error) {
	if len(p.run) == 0 && len(p.links) == 0 {
		return nil, true, nil
	}
	if err := r.reset(space, p); err != nil {
		return nil, false, errRun(first, err)
	}
	row = make([]stored, 0, min(uint64(r.len()), uint64(to-first)+1))
	memory, links, keys := arena{size: minChunk}, p.links, make([]keyLink, 0, cap(row))
	for lv := first - 1; lv < to; {
		v, err := r.keep(&memory)
		if errors.Is(err, io.EOF) {
			whole = true
			break
		}
		if err != nil {
			return nil, false, errRun(first, err)
		}
		lv += history.LV(v.Width)
		r.groups = groupOps(r.groups[:0], &v)
		from := len(keys)
		for k := range r.groups {
			n, size := binary.Uvarint(links)
			if size <= 0 {
				return nil, false, errLinks(first)
			}
			links = links[size:]
			keys = append(keys, keyLink{r.groups[k].key, link{prev: history.LV(n >> 1), all: n&1 == 1}})
		}
		s := stored{Version: v, lv: lv, keys: keys[from:len(keys):len(keys)]}
		if len(s.keys) > manyKeys {
			s.index = new(keyIndex)
		}
		row = append(row, s)
	}
	if whole && len(links) != 0 {
		return nil, false, fmt.Errorf("%w: run %d: links are left over", store.ErrCorrupt, first)
	}
	return row, whole, nil
}

func errRun(first history.LV, err error) error {
	return fmt.Errorf("%w: run %d: %w", store.ErrCorrupt, first, err)
}

func errLinks(first history.LV) error {
	return fmt.Errorf("%w: run %d: links are missing", store.ErrCorrupt, first)
}

// runCache keeps decoded rows of Runs. They change when the database is set back, when contents are erased and by being packed, which the
// tip tells, so it needs no invalidation but when a transaction that wrote some was rolled back. It holds the rows of the newest epoch
// and erasure that it was asked about; older snapshots pass it by.
type runCache struct {
	mu     sync.Mutex
	epoch  uint64
	erased uint64
	rows   map[history.LV]*cachedRun
	// firsts are the keys of rows, ascending; order is a clock hand's ring over them.
	firsts []history.LV
	order  []history.LV
	hand   int
	bytes  int
}

type cachedRun struct {
	// row has the first versions of the row, or the whole of it.
	row    []stored
	whole  bool
	packed bool
	size   int
	used   bool
}

// reaches reports whether the row is known up to the version that owns a dot.
func (r *cachedRun) reaches(lv history.LV) bool { return r.whole || r.row[len(r.row)-1].lv >= lv }

// maxRunCache bounds what the cached rows hold together. One row may be larger: it stays until the next one comes.
const maxRunCache = 6 << 20

// heldBytes is about how much memory a decoded row takes.
func heldBytes(row []stored) int {
	const (
		version = int(unsafe.Sizeof(stored{}))
		dep     = int(unsafe.Sizeof(history.Ref{}))
		key     = int(unsafe.Sizeof(keyLink{}))
		indexed = int(unsafe.Sizeof(keyOps{})+unsafe.Sizeof(crdt.Op{})) + 64
	)
	n := 0
	for i := range row {
		v := &row[i]
		n += version + len(v.Payload) + len(v.Deps)*dep + len(v.keys)*key
		if v.index != nil {
			n += len(v.keys) * indexed
		}
		for c := range v.Contents {
			n += len(v.Contents[c].Body)
		}
	}
	return n
}

// get returns the row whose first dot is first, as it stands where the rows below the tip's dot packed are packed. It may be
// known up to another dot than to: then begun is true.
func (c *runCache) get(t *tip, first, to history.LV) (row []stored, begun bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.rows[first]
	if r == nil || !c.isOf(t) || r.packed != (first < t.packed) {
		return nil, false
	}
	if r.used = true; !r.reaches(to) {
		return nil, true
	}
	return r.row, false
}

// find returns the row that holds a dot, if it is known up to the dot to.
//
// It may be a row that is part of a packed one by now: it holds the version all the same.
func (c *runCache) find(t *tip, lv, to history.LV) []stored {
	c.mu.Lock()
	defer c.mu.Unlock()
	i, found := slices.BinarySearch(c.firsts, lv)
	if !found {
		i--
	}
	if i < 0 || !c.isOf(t) {
		return nil
	}
	r := c.rows[c.firsts[i]]
	if r.row[len(r.row)-1].lv < lv || !r.reaches(to) {
		return nil
	}
	r.used = true
	return r.row
}

func (c *runCache) put(t *tip, first history.LV, row []stored, whole bool) {
	if len(row) == 0 { // a row of a tip alone is there only until the next commit
		return
	}
	size := heldBytes(row)
	c.mu.Lock()
	defer c.mu.Unlock()
	if t.epoch < c.epoch || t.erased < c.erased {
		return
	}
	if !c.isOf(t) {
		c.drop()
		c.epoch, c.erased = t.epoch, t.erased
	}
	if c.rows == nil {
		c.rows = make(map[history.LV]*cachedRun)
	}
	packed := first < t.packed
	if old := c.rows[first]; old != nil {
		if old.packed && !packed || old.packed == packed && old.reaches(row[len(row)-1].lv) {
			return
		}
		c.remove(slices.Index(c.order, first))
	}
	for c.bytes+size > maxRunCache && len(c.order) > 0 {
		c.evict()
	}
	at, _ := slices.BinarySearch(c.firsts, first)
	for at < len(c.firsts) && c.firsts[at] <= row[len(row)-1].lv { // what a packed row was made of
		c.remove(slices.Index(c.order, c.firsts[at]))
	}
	c.rows[first] = &cachedRun{row: row, whole: whole, packed: packed, size: size}
	c.firsts = slices.Insert(c.firsts, at, first)
	c.order = append(c.order, first)
	c.bytes += size
}

// evict drops the next row that was not used since the hand last passed it (the second-chance rule).
func (c *runCache) evict() {
	for {
		c.hand %= len(c.order)
		first := c.order[c.hand]
		r := c.rows[first]
		if r.used {
			r.used = false
			c.hand++
			continue
		}
		c.remove(c.hand)
		return
	}
}

// remove drops the row that stands at a place of the ring.
func (c *runCache) remove(at int) {
	first := c.order[at]
	c.bytes -= c.rows[first].size
	delete(c.rows, first)
	if i, found := slices.BinarySearch(c.firsts, first); found {
		c.firsts = slices.Delete(c.firsts, i, i+1)
	}
	c.order[at] = c.order[len(c.order)-1]
	c.order = c.order[:len(c.order)-1]
}

func (c *runCache) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drop()
	c.epoch, c.erased = 0, 0
}

// isOf reports whether the rows are those of a database that stands at t.
func (c *runCache) isOf(t *tip) bool { return t.epoch == c.epoch && t.erased == c.erased }

func (c *runCache) drop() { c.rows, c.firsts, c.order, c.hand, c.bytes = nil, nil, nil, 0, 0 }
