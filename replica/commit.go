package replica

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/protocol"
	"github.com/kdelta/kdelta/store"
)

// commit is one store transaction that adds versions: it applies them one after the other, folds them into the state
// of their keys, and writes all that follows from them when it finishes. Nothing of it is visible before.
type commit struct {
	*workspace
	ctx context.Context
	r   *Replica
	tx  store.Tx
	// number tells this commit's from other commits' touching of an entry.
	number uint64
	// state is the store's number of what the commit began with, 0 where the store does not number; shared is false where that
	// says that nobody else has committed since this Replica did.
	state  uint64
	shared bool
	// tip, lines and byAuthor are what will be true after it.
	tip    tip
	tipRow []byte
	member identity.Member
	author authorRow
	lines  []*store.Author
	// ownLines is true once lines is this commit's own copy, ownLine where the row is too; ownAuthors is that of byAuthor.
	ownLines   bool
	ownLine    lineSet
	byAuthor   map[identity.Author][]history.Line
	ownAuthors bool
	// settings replaces m.settings if one was looked up or changed, ruling is what was looked up last: most keys of a commit
	// are of one namespace. unsettled is true once settings may have been written that are not in there.
	settings   map[string]Settings
	ruling     ruling
	unsettled  bool
	dirtyLines lineSet
	// docs are the keys that were looked at, by this commit or by those before it.
	docs *docs
	// firstLV is the first dot of the first staged version, bytes the size of all of them.
	firstLV history.LV
	bytes   int
	// sequences are the texts and lists that keys show and that were written.
	sequences []docID
	// after runs once the commit is durable and before anybody is told.
	after []func() error
	// held is the graph while versions of others are applied; its lock is held meanwhile.
	held *history.Graph
	// private is the graph of a commit that has set the database back: what all share is another one until it is durable.
	private *history.Graph

	// erasing are the ops whose erasures became known in this commit.
	erasing []erasing
	// applied are the reports of runs, which learn at the end what conflicts they made.
	applied []*protocol.Applied
	// unsealed are the lines of which the newest version stands here without a seal over it: that is over one of the same pack that
	// comes later. A row that ends meanwhile is open.
	unsealed map[history.Line]bool
	// open is true where the row written last is.
	open bool
	// trusting applies versions without a seal: those of a backup, which was somebody's own database.
	trusting bool
	// reader is what snap returns, past that of the version being applied.
	reader snap
	past   *history.Past
	// sawUntil is the greatest time of the parents of a version that comes from elsewhere.
	sawUntil clock.Time
	// effort is what the commit has cost so far, of which writing what stands on its keys will cost standing; see slice.go.
	effort, standing int
	// wrote is true once there is something to commit, wroteOwn if that is a version of this database's author, broken the error
	// that forbids it.
	wrote, wroteOwn bool
	// group is true once others than the leader have their turns in it.
	group  bool
	broken error
}

// maxRunRow is the size in bytes at which a row of Runs is closed: whoever wants one version of it reads all of them.
// maxTipRow is the size up to which the tip goes into a row: all who want to know where the database stands read it.
const (
	maxRunRow = 64 << 10
	maxTipRow = 4 << 10
	// minStaged is what a version counts for beside what is its own: depSize for each of its parents beside the previous version, whose
	// id a row or a pack states where it is not in it, and contentSize for each of its contents beside the body.
	minStaged   = 64
	depSize     = 40
	contentSize = 24
)

// stagedSize is what a version counts for in the size of a row.
func stagedSize(v *history.Version) int { return sizeOf(v) + minStaged }

// sizeOf is about how many bytes a version takes that are its own.
func sizeOf(v *history.Version) int {
	n := len(v.Payload) + len(v.Deps)*depSize
	for i := range v.Contents {
		n += len(v.Contents[i].Body) + contentSize
	}
	return n
}

// begin opens a commit: with what is cached, if the database is still where that left it.
func (r *Replica) begin(ctx context.Context, tx store.Tx) (*commit, error) {
	m, state, err := r.latest(tx)
	if err != nil {
		return nil, err
	}
	r.commits++
	r.workspace.reset()
	c := &r.commit
	*c = commit{
		workspace: &r.workspace, ctx: ctx, r: r, tx: tx, number: r.commits, state: state, shared: state == 0 || m.state != state,
		tip: m.tip, tipRow: m.tipRow, member: m.member, author: m.author, lines: m.lines, byAuthor: m.byAuthor, settings: m.settings,
	}
	c.tip.heads = slices.Clone(m.tip.heads)
	if c.docs = &r.docs; c.docs.commits != m.tip.commits || c.docs.entries == nil {
		c.docs.clear()
	}
	c.docs.commits = 0
	return c, nil
}

// fail notes that the transaction cannot be committed any more, since err left it half done.
func (c *commit) fail(err error) error {
	if err != nil && c.broken == nil {
		c.broken = err
	}
	return err
}

// finish writes what the staged versions led to.
func (c *commit) finish() error {
	if c.broken != nil {
		return c.broken
	}
	next := &mem{
		member: c.member, author: c.author, lines: c.lines, byAuthor: c.byAuthor,
	}
	if c.wrote {
		if err := c.writeAll(); err != nil {
			return err
		}
	}
	next.tip, next.tipRow, next.settings = c.tip, c.tipRow, c.settings
	if c.state > 0 {
		next.state = c.state + 1
	}
	c.r.staged, c.r.after = next, c.after
	if len(c.sequences) > 0 {
		c.r.after = append(c.r.after, func() error { c.r.documents.note(c.sequences); return nil })
	}
	c.keepDocs()
	return nil
}

// writeAll writes the keys while the versions that changed them are at hand, and the versions last: the tip, which
// tells what the keys have come to, goes into their row.
func (c *commit) writeAll() error {
	if err := c.erase(); err != nil {
		return err
	}
	if err := c.writeDocs(); err != nil {
		return err
	}
	for _, line := range c.dirtyLines.list {
		c.rowBuf = c.lines[line].Append(c.rowBuf[:0])
		if err := c.tx.Put(store.Authors, store.IntKey(uint64(line)), c.rowBuf); err != nil {
			return err
		}
	}
	if err := c.handOutPushed(); err != nil {
		return err
	}
	return c.writeTip()
}

// writeTip says where the database stands now, in the row of the newest versions or behind it. An open row has no tip.
func (c *commit) writeTip() error {
	if c.bytes > maxTipRow || len(c.unsealed) > 0 {
		if err := c.closeRun(); err != nil {
			return err
		}
	}
	c.tip.commits++
	first, last := c.tip.next, (*stored)(nil)
	if n := len(c.staged); n > 0 {
		first, last = c.firstLV, &c.staged[n-1]
	}
	c.tipRow = withSum(c.tip.append(make([]byte, 0, 96), last))
	return c.putRun(first)
}

// closeRun writes the staged versions as one row, without a tip: more is to come.
func (c *commit) closeRun() error {
	if len(c.staged) == 0 {
		return nil
	}
	c.tipRow = nil
	return c.putRun(c.firstLV)
}

// putRun writes the staged versions and the tip, either of which may be missing, as the row of the dot first.
func (c *commit) putRun(first history.LV) error {
	versions, links := slices.Grow(c.versions[:0], len(c.staged)), c.scratch[:0]
	for i := range c.staged {
		versions = append(versions, c.staged[i].Version)
		for _, k := range c.staged[i].keys {
			links = appendLink(links, k.link)
		}
	}
	c.versions, c.scratch = versions, links
	var run []byte
	if len(versions) > 0 {
		var err error
		if run, err = history.AppendRun(c.value[:0], versions); err != nil {
			return fmt.Errorf("replica: encoding versions: %w", err)
		}
		c.value = run
	}
	c.open = len(c.unsealed) > 0 && c.tipRow == nil
	c.rowBuf = appendRunRow(c.rowBuf[:0], runRow{open: c.open, tip: c.tipRow, links: links, run: run})
	if err := c.tx.Put(store.Runs, store.IntKey(uint64(first)), c.rowBuf); err != nil {
		return err
	}
	c.staged, c.links, c.bytes = c.staged[:0], c.links[:0], 0
	return nil
}

// stage gives a version with these ops its place behind all others: it must be valid and its parents applied. parents are the
// last dots of its parents, the author's previous version first. A local version (not remote) covers all that there is.
func (c *commit) stage(v *history.Version, ops []keyOps, line history.Line, parents []history.LV, remote bool) error {
	if err := c.place(v, ops, line, parents, remote); err != nil {
		return c.fail(err)
	}
	return nil
}

func (c *commit) place(v *history.Version, ops []keyOps, line history.Line, parents []history.LV, remote bool) error {
	c.wrote = true
	if err := c.makeRoom(); err != nil {
		return err
	}
	if c.bytes > 0 && c.bytes+sizeOf(v) > maxRunRow {
		if err := c.closeRun(); err != nil {
			return err
		}
	}
	first := c.tip.next
	if len(c.staged) == 0 {
		c.firstLV = first
	}
	c.staged = append(c.staged, stored{Version: *v, lv: first + history.LV(v.Width) - 1})
	s := &c.staged[len(c.staged)-1]
	if len(ops) > manyKeys {
		s.index = new(keyIndex)
	}
	if err := c.addSpan(s, line, parents); err != nil {
		return err
	}
	if err := c.fold(s, ops, c.pastOf(first, remote)); err != nil {
		return err
	}
	c.bytes += stagedSize(v)
	c.advance(s, line, parents)
	return c.catchUp(v, ops)
}

// pastOf is what a version of another replica covers; nil for one of this replica's own, which covers all there is.
func (c *commit) pastOf(first history.LV, remote bool) *history.Past {
	if !remote {
		return nil
	}
	s := c.snap()
	if c.past == nil {
		c.past = history.NewPast(c.held, s, first)
	} else {
		c.past.Move(first)
	}
	c.past.Until(c.sawUntil)
	return c.past
}

// addSpan adds the version to the graph, and a span row where it does not go on from the version applied last.
func (c *commit) addSpan(s *stored, line history.Line, parents []history.LV) error {
	first := c.tip.next
	seq := s.Seq - s.Width + 1
	extends := len(parents) == 1 && parents[0] == first-1 && c.lines[line].LV == uint64(parents[0])
	if !extends {
		span := history.Span{Line: line, Seq: seq, LV: first, Parents: parents}
		if err := c.tx.Put(store.Spans, store.IntKey(uint64(first)), history.AppendSpan(nil, span)); err != nil {
			return err
		}
	}
	c.onGraph(func(g *history.Graph) {
		if g.Next() == first {
			g.Add(line, seq, s.Width, parents)
		}
	})
	return nil
}

// advance moves heads and tips.
func (c *commit) advance(s *stored, line history.Line, parents []history.LV) {
	h := head{lv: s.lv, line: line, seq: s.Seq, time: s.Time, id: s.ID}
	c.tip.dropHeads(parents)
	c.tip.heads = append(c.tip.heads, h)
	c.tip.next = s.lv + 1
	c.tip.versions++
	c.moveTip(line, h)
	if line == c.author.line && !c.author.key.IsZero() {
		c.tip.own = h // its row in Authors stays behind: the tip says it
		return
	}
	c.dirtyLines.add(line)
}

// setLine replaces what is known of a line, or adds it.
func (c *commit) setLine(line history.Line, row *store.Author) {
	if !c.ownLines {
		c.lines, c.ownLines = slices.Clone(c.lines), true
	}
	if int(line) < len(c.lines) {
		c.lines[line] = row
		return
	}
	c.lines = append(c.lines, row)
	c.dirtyLines.add(line)
	if !c.ownAuthors {
		c.byAuthor, c.ownAuthors = maps.Clone(c.byAuthor), true
	}
	c.byAuthor[row.Author] = append(c.byAuthor[row.Author], line)
	c.onGraph(func(g *history.Graph) {
		if g.NumLines() == int(line) {
			g.AddLine(lineInfo(row))
		}
	})
}

// moveTip says what the newest version of a line is.
func (c *commit) moveTip(line history.Line, h head) {
	if c.ownLine.holds(line) {
		setTip(c.lines[line], h)
		return
	}
	c.ownLine.add(line)
	c.setLine(line, withTip(c.lines[line], h))
}

// onGraph changes the graph if it is loaded.
func (c *commit) onGraph(change func(*history.Graph)) {
	if held := cmp.Or(c.held, c.private); held != nil {
		change(held)
		return
	}
	cache := &c.r.graph
	cache.mu.Lock()
	defer cache.mu.Unlock()
	if cache.g != nil && cache.epoch == c.tip.epoch {
		change(cache.g)
	}
}

// snap reads what the commit has applied so far. It is the same one each time, brought up to date.
func (c *commit) snap() *snap {
	s := &c.reader
	s.r, s.tx, s.tip, s.lines, s.byAuthor = c.r, c.tx, &c.tip, c.lines, c.byAuthor
	s.staged, s.firstLV, s.changed = c.staged, c.firstLV, c.docs.entries
	if held := cmp.Or(c.held, c.private); held != nil {
		s.held = held
	}
	if s.space == (identity.Space{}) && !c.member.IsZero() {
		s.space = c.member.Space()
	}
	return s
}

// ruling is what holds for a namespace: its settings, and the strategy that they name, nil where this replica does not know it.
type ruling struct {
	ns       string
	settings Settings
	strategy crdt.Strategy
}

// strategyOf returns the merge strategy of a namespace and its versioned name; the strategy is nil where this
// replica does not know it.
func (c *commit) strategyOf(ns string) (crdt.Strategy, string, error) {
	err := c.rule(ns)
	return c.ruling.strategy, c.ruling.settings.Strategy, err
}

func (c *commit) settingsOf(ns string) (Settings, error) {
	err := c.rule(ns)
	return c.ruling.settings, err
}

// rule looks up what holds for a namespace: what the store says, or the commit has written since.
func (c *commit) rule(ns string) error {
	if c.ruling.ns == ns && ns != "" {
		return nil
	}
	settings, err := c.storedSettings(ns)
	if err != nil {
		return err
	}
	if c.unsettled && !strings.HasPrefix(ns, ".") {
		for _, prefix := range []string{strategyPrefix, erasablePrefix} {
			if e := c.docs.entries[prefix+ns]; e != nil && e.dirty {
				if err := c.settingsFrom(e, &settings); err != nil {
					return err
				}
			}
		}
	}
	strategy, _ := c.r.registry.Lookup(settings.Strategy)
	c.ruling = ruling{ns, settings, strategy}
	return nil
}

// storedSettings are those by which the rows of a namespace's keys were written.
func (c *commit) storedSettings(ns string) (Settings, error) {
	settings, ok := c.settings[ns]
	if ok {
		return settings, nil
	}
	settings, err := readSettings(c.tx, ns)
	if err == nil {
		c.setSettings(ns, settings)
	}
	return settings, err
}

// maxSettings bounds the cached settings; namespaces are chosen by peers too.
const maxSettings = 4096

func (c *commit) setSettings(ns string, s Settings) {
	c.ruling = ruling{}
	next := make(map[string]Settings, len(c.settings)+1)
	if len(c.settings) < maxSettings {
		for k, v := range c.settings {
			next[k] = v
		}
	}
	next[ns] = s
	c.settings = next
}

// namespaceOf is the part of a key before its first slash.
func namespaceOf(key string) string {
	ns, _, _ := strings.Cut(key, "/")
	return ns
}
