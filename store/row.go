package store

import (
	"fmt"

	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/internal/canon"
)

// Author is a row of Authors: one line of an author's versions. An author has one line, and one more for each
// branch of a fork; lines are numbered in the order in which this database met them.
type Author struct {
	Author identity.Author
	// Fork is the id of the line's first version where the line is a branch of a fork, else zero.
	Fork [32]byte
	// Parent is the index of the line that a fork branched from, and ForkSeq the last dot of it that is shared.
	Parent, ForkSeq uint64
	// Seq, LV, Time and ID describe the line's newest applied version. LV is that of its last dot.
	Seq, LV, Time uint64
	ID            [32]byte
	// Certificate is what lets the author into the space, as bytes.
	Certificate []byte
}

// Append appends the row's bytes.
func (a *Author) Append(b []byte) []byte {
	b = canon.AppendArray(b, 9)
	b = canon.AppendBytes(b, a.Author[:])
	b = canon.AppendBytes(b, a.Fork[:])
	b = canon.AppendUint(b, a.Parent)
	b = canon.AppendUint(b, a.ForkSeq)
	b = canon.AppendUint(b, a.Seq)
	b = canon.AppendUint(b, a.LV)
	b = canon.AppendUint(b, a.Time)
	b = canon.AppendBytes(b, a.ID[:])
	return canon.AppendBytes(b, a.Certificate)
}

// DecodeAuthor reads a row of Authors.
func DecodeAuthor(b []byte) (Author, error) {
	var a Author
	d := rowReader{r: canon.NewReader(b)}
	d.array(9)
	a.Author = d.bytes32()
	a.Fork = d.bytes32()
	a.Parent = d.uint()
	a.ForkSeq = d.uint()
	a.Seq = d.uint()
	a.LV = d.uint()
	a.Time = d.uint()
	a.ID = d.bytes32()
	a.Certificate = d.bytes()
	return a, d.end(Authors)
}

// Doc is a row of Docs: what is known of one key.
type Doc struct {
	// Kind names the visible kind ("register", "record", "counter", "set", "text", "list"), empty where nothing is visible.
	Kind string
	// Value is the visible value as JSON text, nil where nothing is visible, and for a text or a list, which Sequences has.
	Value []byte
	// Author (an index of Authors), Seq, Time and ID name the version that the visible value is from.
	Author, Seq, Time uint64
	ID                [32]byte
	// Conflicts counts the key's open conflicts.
	Conflicts uint64
	// Strategy is the versioned name of the merge strategy that computed Value.
	Strategy string
	// State is the key's merge state, or nil where Value and its version say it all: one register, no conflict.
	State []byte
	// Last is the LV of the newest applied version on the key, Count the number of those applied. Apart is the number of the last of
	// them that did not cover all before it, 0 where they form a chain.
	Last, Count, Apart uint64
}

// Visible reports whether the key shows anything.
func (d *Doc) Visible() bool { return d.Kind != "" }

// Append appends the row's bytes.
func (d *Doc) Append(b []byte) []byte {
	b = d.AppendHead(b)
	b = canon.AppendBytes(b, d.ID[:])
	b = canon.AppendString(b, d.Strategy)
	b = canon.AppendBytes(b, d.State)
	b = canon.AppendUint(b, d.Last)
	b = canon.AppendUint(b, d.Count)
	return canon.AppendUint(b, d.Apart)
}

// AppendHead appends the first part of the row's bytes: Kind, Value, Author, Seq, Time and Conflicts. An adapter with
// columns keeps those six in columns and the rest of the bytes, which nobody queries, in one more.
func (d *Doc) AppendHead(b []byte) []byte {
	b = canon.AppendArray(b, 12)
	b = canon.AppendString(b, d.Kind)
	b = canon.AppendBytes(b, d.Value)
	b = canon.AppendUint(b, d.Author)
	b = canon.AppendUint(b, d.Seq)
	b = canon.AppendUint(b, d.Time)
	return canon.AppendUint(b, d.Conflicts)
}

// DecodeDoc reads a row of Docs. Value and State alias b.
func DecodeDoc(b []byte) (Doc, error) {
	var d Doc
	r := rowReader{r: canon.NewReader(b)}
	r.array(12)
	d.Kind = r.name()
	d.Value = r.bytes()
	d.Author = r.uint()
	d.Seq = r.uint()
	d.Time = r.uint()
	d.Conflicts = r.uint()
	d.ID = r.bytes32()
	d.Strategy = r.name()
	d.State = r.bytes()
	d.Last = r.uint()
	d.Count = r.uint()
	d.Apart = r.uint()
	return d, r.end(Docs)
}

// Conflict is a row of Conflicts.
type Conflict struct {
	// Path is the JSON pointer of the conflict inside the key's value, empty for the whole.
	Path string
	// Status is "open", "overwritten" or "resolved".
	Status string
	// Time is the hybrid time of the version that closed the conflict, 0 while it is open.
	Time uint64
	// Entry is the conflict as JSON text, as `kdelta conflicts --json` prints it, but for the base.
	Entry []byte
}

// Append appends the row's bytes.
func (c *Conflict) Append(b []byte) []byte {
	b = canon.AppendArray(b, 4)
	b = canon.AppendString(b, c.Path)
	b = canon.AppendString(b, c.Status)
	b = canon.AppendUint(b, c.Time)
	return canon.AppendBytes(b, c.Entry)
}

// DecodeConflict reads a row of Conflicts. Entry aliases b.
func DecodeConflict(b []byte) (Conflict, error) {
	var c Conflict
	r := rowReader{r: canon.NewReader(b)}
	r.array(4)
	c.Path = r.string()
	c.Status = r.string()
	c.Time = r.uint()
	c.Entry = r.bytes()
	return c, r.end(Conflicts)
}

// Peer is a row of Peers: what another replica told when it was last met. The row's key is its author.
type Peer struct {
	// Met is the wall time of the last session in ms since 1970.
	Met uint64
	// Skew is how many ms the peer's wall clock was ahead of ours (negative: behind).
	Skew int64
	// Behind is how many dots the peer was known to lack when the session ended.
	Behind uint64
	// Sent and Received count the versions that went each way, over all sessions.
	Sent, Received uint64
	// Clock is what the peer acknowledged as durable, as the wire has it.
	Clock []byte
	// Note is the last trouble with the peer, empty if there was none.
	Note string
}

// Append appends the row's bytes.
func (p *Peer) Append(b []byte) []byte {
	b = canon.AppendArray(b, 7)
	b = canon.AppendUint(b, p.Met)
	b = canon.AppendInt(b, p.Skew)
	b = canon.AppendUint(b, p.Behind)
	b = canon.AppendUint(b, p.Sent)
	b = canon.AppendUint(b, p.Received)
	b = canon.AppendBytes(b, p.Clock)
	return canon.AppendString(b, p.Note)
}

// DecodePeer reads a row of Peers. Clock aliases b.
func DecodePeer(b []byte) (Peer, error) {
	var p Peer
	r := rowReader{r: canon.NewReader(b)}
	r.array(7)
	p.Met = r.uint()
	p.Skew = r.int()
	p.Behind = r.uint()
	p.Sent = r.uint()
	p.Received = r.uint()
	p.Clock = r.bytes()
	p.Note = r.string()
	return p, r.end(Peers)
}

// rowReader reads the fields of a row. The reader's first error sticks, so end tells of all of them.
type rowReader struct {
	r canon.Reader
	// err is that of a row of another length.
	err error
}

func (d *rowReader) array(n int) {
	if got, err := d.r.Array(); err == nil && got != n {
		d.err = fmt.Errorf("row of %d fields, want %d", got, n)
	}
}

func (d *rowReader) uint() uint64 {
	n, _ := d.r.Uint()
	return n
}

func (d *rowReader) int() int64 {
	n, _ := d.r.Int()
	return n
}

func (d *rowReader) string() string {
	s, _ := d.r.String()
	return s
}

func (d *rowReader) bytes32() [32]byte {
	b, _ := d.r.Bytes32()
	return b
}

// name is string for what is mostly one of a few: those cost no memory.
func (d *rowReader) name() string {
	b, _ := d.r.StringBytes()
	for _, known := range [...]string{"register", "lww/1", "record", "fields/1", "counter", "set", "text", "list"} {
		if string(b) == known {
			return known
		}
	}
	return string(b)
}

// bytes returns nil for an empty field: rows do not tell the two apart.
func (d *rowReader) bytes() []byte {
	b, _ := d.r.Bytes()
	if len(b) == 0 {
		return nil
	}
	return b
}

// end returns the first error, or that of trailing bytes, as corruption of table t.
func (d *rowReader) end(t Table) error {
	if d.err == nil {
		d.err = d.r.End()
	}
	if d.err != nil {
		return fmt.Errorf("%w: a row of table %s: %w", ErrCorrupt, t, d.err)
	}
	return nil
}
