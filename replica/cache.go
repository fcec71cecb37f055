package replica

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"sync"

	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/store"
)

// mem is what the replica keeps in memory of the database between transactions. It is right for the database at one
// number of commits (tip.commits); a transaction that finds another number loads it anew, since another process
// has written. Its fields are replaced, never changed in place, so a reader may go on with what it took.
type mem struct {
	tip tip
	// tipRow is what tip was read from or written as, with its checksum.
	tipRow []byte
	// state is the store's number of that state of the database (store.Counting), 0 where it is not known.
	state  uint64
	member identity.Member
	// author is what this database writes as; its key is zero before the first write.
	author authorRow
	lines  []*store.Author
	// byAuthor lists each author's lines in the order of their numbers.
	byAuthor map[identity.Author][]history.Line
	// settings are those of the namespaces that were asked for.
	settings map[string]Settings
}

// graphCache is the version graph, loaded when it is first needed: neither a Get nor a local write asks for it.
type graphCache struct {
	mu sync.Mutex
	g  *history.Graph
	// epoch is that of the database that g is of.
	epoch uint64
}

// metaRow reads a row of Meta, nil where there is none.
func metaRow(tx store.Tx, name string) ([]byte, error) {
	b, err := tx.Get(store.Meta, []byte(name))
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if b, err = withoutSum(b); err != nil {
		return nil, fmt.Errorf("%w: the %s row: %w", store.ErrCorrupt, name, err)
	}
	return b, nil
}

// putMeta writes a row of Meta. Nothing else tells what such a row has to be, so it carries a checksum.
func putMeta(tx store.Tx, name string, b []byte) error {
	return tx.Put(store.Meta, []byte(name), withSum(b[:len(b):len(b)]))
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// withSum is b with its checksum behind it, in the room that b has or in other memory.
func withSum(b []byte) []byte {
	return binary.BigEndian.AppendUint32(b, sumOf(b))
}

func sumOf(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }

// withoutSum is the inverse of withSum.
func withoutSum(b []byte) ([]byte, error) {
	n := len(b) - crc32.Size
	if n < 0 || binary.BigEndian.Uint32(b[n:]) != sumOf(b[:n]) {
		return nil, errSum
	}
	return b[:n:n], nil
}

var errSum = errors.New("the checksum does not match")

// loadMem reads everything that mem holds.
func loadMem(tx store.Tx) (*mem, error) {
	m := &mem{settings: make(map[string]Settings)}
	b, err := metaRow(tx, metaMember)
	if err != nil {
		return nil, err
	}
	if b != nil {
		if m.member, err = identity.StoredMember(b); err != nil {
			return nil, fmt.Errorf("%w: the member row: %w", store.ErrCorrupt, err)
		}
	}
	if m.tip, m.tipRow, err = readTip(tx, m.space()); err != nil {
		return nil, err
	}
	if b, err = metaRow(tx, metaAuthor); err != nil {
		return nil, err
	}
	if b != nil {
		if m.author, err = decodeAuthorRow(b); err != nil {
			return nil, err
		}
	}
	for row, err := range tx.Scan(store.Authors, store.Range{}) {
		if err != nil {
			return nil, err
		}
		a, err := store.DecodeAuthor(row.Value)
		if err != nil {
			return nil, err
		}
		a.Certificate = append([]byte(nil), a.Certificate...)
		line := history.Line(store.KeyInt(row.Key))
		if int(line) != len(m.lines) {
			return nil, fmt.Errorf("%w: author line %d is missing", store.ErrCorrupt, len(m.lines))
		}
		m.lines = append(m.lines, &a)
	}
	m.byAuthor = linesByAuthor(m.lines)
	if own := m.tip.own; own.seq > 0 && int(own.line) < len(m.lines) {
		m.lines[own.line] = withTip(m.lines[own.line], own)
	}
	return m, nil
}

// linesByAuthor lists each author's lines. A line that was given up has none.
func linesByAuthor(lines []*store.Author) map[identity.Author][]history.Line {
	byAuthor := make(map[identity.Author][]history.Line)
	for i, row := range lines {
		if row.Author != (identity.Author{}) {
			byAuthor[row.Author] = append(byAuthor[row.Author], history.Line(i))
		}
	}
	return byAuthor
}

// withTip is a line's row with another newest version.
func withTip(a *store.Author, h head) *store.Author {
	moved := *a
	setTip(&moved, h)
	return &moved
}

func setTip(a *store.Author, h head) {
	a.Seq, a.LV, a.Time, a.ID = h.seq, uint64(h.lv), uint64(h.time), h.id
}

// snapshot returns what is cached if it is right for the transaction's snapshot, else what the snapshot says.
func (r *Replica) snapshot(tx store.Tx) (*mem, error) {
	r.mu.RLock()
	m := r.mem
	r.mu.RUnlock()
	if m != nil {
		if same, err := tipIs(tx, m.tipRow); same || err != nil {
			return m, err
		}
	}
	m, err := loadMem(tx)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.mem == nil || r.mem.tip.commits < m.tip.commits {
		r.mem = m
	}
	return m, nil
}

// latest is snapshot for an Update, whose store may tell without a look at the rows that nobody else has written. It returns
// the number of the state too.
func (r *Replica) latest(tx store.Tx) (m *mem, state uint64, err error) {
	counting, ok := tx.(store.Counting)
	if !ok {
		m, err = r.snapshot(tx)
		return m, 0, err
	}
	if state, err = counting.State(); err != nil {
		return nil, 0, err
	}
	r.mu.RLock()
	m = r.mem
	r.mu.RUnlock()
	if m == nil || m.state != state {
		m, err = r.snapshot(tx)
	}
	return m, state, err
}

func lineInfo(a *store.Author) history.LineInfo {
	return history.LineInfo{
		Author: a.Author, Fork: a.Fork, Parent: history.Line(a.Parent), ForkSeq: a.ForkSeq,
	}
}

// committed publishes what the last transaction left, and tells who watches. What fails now fails none of the writes,
// which are durable.
func (r *Replica) committed() {
	r.mu.Lock()
	r.mem = r.staged
	r.mu.Unlock()
	r.documents.landed()
	r.packSoon(&r.staged.tip)
	after := r.after
	r.staged, r.after = nil, nil
	for _, fn := range after {
		if err := fn(); err != nil {
			r.warnInside("what follows a commit failed; the commit stands", "error", err)
		}
	}
	r.pulse.beat()
}

// forget drops all that is cached, after a transaction that may have changed some of it was rolled back.
func (r *Replica) forget() {
	r.mu.Lock()
	r.mem = nil
	r.staged, r.after = nil, nil
	r.docs = docs{}
	r.mu.Unlock()
	r.graph.mu.Lock()
	r.graph.g = nil
	r.graph.mu.Unlock()
	r.runs.clear()
	r.pasts.clear()
	r.documents.rollback()
}
