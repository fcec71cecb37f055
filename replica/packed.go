package replica

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/history/pack"
	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/internal/canon"
	"github.com/kdelta/kdelta/store"
)

// The rows of Runs below the tip's dot packed hold their versions as packs (package history/pack): small, and as quick to
// read as others. Packed rows are of some 16 KiB each, whatever the size of the rows that they stand for, and differ from
// them in nothing else: the key is the first dot, and the links of the versions are there. Where rows were put together, the
// packed row is open if the last of them was; where one was taken apart, all but the last part are.
//
//	row     [tip | nil (open), links, run]
//	packed  [open, links, pack, checksum]
//
// Nothing that a pack says of itself is compared with the versions when one row is read; the checksum says that it is what
// was written.
const packedItems = 4

// appendPackedRow appends the value of a packed row.
func appendPackedRow(b []byte, p runRow) []byte {
	from := len(b)
	b = canon.AppendArray(b, packedItems)
	b = canon.AppendBool(b, p.open)
	b = canon.AppendBytes(b, p.links)
	b = canon.AppendBytes(b, p.run)
	return canon.AppendUint(b, uint64(sumOf(b[from:])))
}

// parsePackedRow takes apart what r has behind the head of a packed row's array, value being all of it.
func (p *runRow) parsePackedRow(r *canon.Reader, value []byte) error {
	p.packed = true
	p.open, _ = r.Bool()
	p.links, _ = r.Bytes()
	p.run, _ = r.Bytes()
	summed := value[:len(value)-r.Len()]
	sum, err := r.Uint()
	if err == nil {
		err = r.End()
	}
	if err == nil && sum != uint64(sumOf(summed)) {
		err = errSum
	}
	return err
}

// rowReader reads the versions of a row of Runs, packed or not, one by one. It keeps its memory from row to row.
type rowReader struct {
	run    history.Decoder
	pack   pack.Decoder
	packed bool
}

func (r *rowReader) reset(space identity.Space, p *runRow) error {
	if r.packed = p.packed; r.packed {
		return r.pack.Reset(space, p.run)
	}
	return r.run.Reset(space, p.run)
}

// unhash says whether ids are left out; see Unhashed of either decoder.
func (r *rowReader) unhash(without bool) { r.run.Unhashed, r.pack.Unhashed = without, without }

// anyAuthor reports whether it is so of an author of the row.
func (r *rowReader) anyAuthor(is func(identity.Author) bool) bool {
	if r.packed {
		return slices.ContainsFunc(r.pack.Header().Chains, func(c pack.Chain) bool { return is(c.Tip.Author) })
	}
	return slices.ContainsFunc(r.run.Befores(), func(before history.Ref) bool { return is(before.Author) })
}

func (r *rowReader) len() int {
	if r.packed {
		return r.pack.Len()
	}
	return r.run.Len()
}

// next is the next version, valid until the call after; see Next of either decoder for the errors. Its payload is valid as
// long where the row is packed, else as long as the row.
func (r *rowReader) next() (*history.Version, error) {
	if r.packed {
		return r.pack.Next()
	}
	return r.run.Next()
}

// all returns the versions of a row that is expected to be sound, in memory of their own where the row is packed.
func (r *rowReader) all(space identity.Space, p *runRow) ([]history.Version, error) {
	if err := r.reset(space, p); err != nil {
		return nil, err
	}
	memory := arena{size: minChunk}
	versions := make([]history.Version, 0, r.len())
	for {
		v, err := r.keep(&memory)
		if errors.Is(err, io.EOF) {
			return versions, nil
		}
		if err != nil {
			return nil, err
		}
		versions = append(versions, v)
	}
}

// keep is next for who keeps the version: what is valid until the call after is copied, to memory what is large of it.
func (r *rowReader) keep(memory *arena) (history.Version, error) {
	next, err := r.next()
	if err != nil {
		return history.Version{}, err
	}
	v := *next
	v.Deps, v.Contents = slices.Clone(v.Deps), slices.Clone(v.Contents)
	if r.packed {
		v.Payload = memory.keep(v.Payload)
		for i := range v.Contents {
			v.Contents[i].Body = memory.keep(v.Contents[i].Body)
		}
	}
	return v, nil
}

// packedRow is the size that packed rows have before they are packed. Whoever wants one version of a row decompresses and
// hashes all of them, so larger rows save little room and cost each read of an old version.
const packedRow = 16 << 10

// packer turns rows of Runs into packed ones, in one commit.
type packer struct {
	c       *commit
	reader  rowReader
	encoder pack.Encoder
	groups  []keyOps
	rows    []history.LV // what is to be packed next: rows, their versions and links
	all     []history.Version
	links   []byte
	open    bool
	size    int
	next    history.LV // the dot behind them
	done    int        // rows written
}

// looseDots is how many of the newest dots stay as they are: who syncs or takes back what is new reads small rows.
const looseDots = 1024

// pack packs what stands behind the packed rows and before the dot end, in at most n rows; all of it with whole, else
// only what fills rows. It reports whether there is more to do.
func (p *packer) pack(end history.LV, n int, whole bool) (more bool, err error) {
	c := p.c
	newest := history.LV(0)
	for row, err := range c.tx.Scan(store.Runs, store.Range{Reverse: true, KeysOnly: true}) {
		if err != nil {
			return false, err
		}
		newest = history.LV(store.KeyInt(row.Key))
		break
	}
	end = min(end, newest) // the newest row has the tip
	for p.done < n {
		full, err := p.gather(end)
		if err != nil || len(p.rows) == 0 || !full && !whole {
			return false, err
		}
		if err := c.fail(p.write()); err != nil { // some of the rows are gone
			return false, err
		}
	}
	return true, nil
}

// gather reads rows until they fill a packed one at least, and reports whether they do.
func (p *packer) gather(end history.LV) (full bool, err error) {
	p.rows, p.all, p.links, p.size = p.rows[:0], p.all[:0], p.links[:0], 0
	r := store.Range{From: store.IntKey(uint64(p.c.tip.packed)), To: store.IntKey(uint64(end))}
	for row, err := range p.c.tx.Scan(store.Runs, r) {
		if err != nil {
			return false, err
		}
		first := history.LV(store.KeyInt(row.Key))
		if len(p.rows) > 0 && p.size+len(row.Value) > packedRow {
			return true, nil
		}
		parts, err := parseRunRow(first, row.Value)
		if err != nil {
			return false, err
		}
		versions, err := p.reader.all(p.c.member.Space(), &parts)
		if err != nil {
			return false, fmt.Errorf("%w: run %d: %w", store.ErrCorrupt, first, err)
		}
		for i := range versions { // they alias the row
			v := &versions[i]
			p.all = append(p.all, v.Clone())
			p.size += stagedSize(v)
			first += history.LV(v.Width)
		}
		p.rows = append(p.rows, history.LV(store.KeyInt(row.Key)))
		p.links, p.open, p.next = append(p.links, parts.links...), parts.open, first
	}
	return p.size >= packedRow, nil
}

// write puts packed rows, of one size if it may be, in the place of those that were gathered.
func (p *packer) write() error {
	c := p.c
	for _, first := range p.rows {
		if err := c.tx.Delete(store.Runs, store.IntKey(uint64(first))); err != nil {
			return err
		}
	}
	share := p.size / max(1, p.size/packedRow)
	first, versions, links := p.rows[0], p.all, p.links
	for len(versions) > 0 {
		next, n, linked, err := p.part(first, versions, links, share)
		if err != nil {
			return err
		}
		row := runRow{open: p.open || n < len(versions), links: links[:linked]}
		if row.run, err = p.encoder.Append(nil, versions[:n], pack.Options{}); err != nil {
			return fmt.Errorf("replica: packing versions: %w", err)
		}
		c.rowBuf = appendPackedRow(c.rowBuf[:0], row)
		if err := c.tx.Put(store.Runs, store.IntKey(uint64(first)), c.rowBuf); err != nil {
			return err
		}
		first, versions, links = next, versions[n:], links[linked:]
		p.done++
	}
	c.tip.packed, c.wrote = p.next, true
	return nil
}

// part takes versions from the dot first on until they make a share: how many, with how many bytes of the links, and the
// dot behind them.
func (p *packer) part(first history.LV, versions []history.Version, links []byte, share int) (next history.LV, n, linked int, err error) {
	next = first
	for size := 0; n < len(versions) && size < share; n++ {
		v := &versions[n]
		size += stagedSize(v)
		next += history.LV(v.Width)
		p.groups = groupOps(p.groups[:0], v)
		for range p.groups {
			_, width := binary.Uvarint(links[linked:])
			if width <= 0 {
				return next, n, linked, errLinks(first)
			}
			linked += width
		}
	}
	return next, n, linked, nil
}
