package replica

import (
	"slices"

	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/internal/order"
)

// write makes a version of this replica's author from ops and stages it.
func (c *commit) write(ops []history.Op, meta history.Meta) (Version, error) {
	if err := c.ensureAuthor(); err != nil {
		return Version{}, err
	}
	others, err := c.joinHeads()
	if err != nil {
		return Version{}, err
	}
	return c.writeOne(ops, meta, others)
}

// joinHeads covers heads by versions that say nothing until the next version can name the others, which it returns. The oldest go
// first, so that every replica in the same place does the same.
func (c *commit) joinHeads() ([]head, error) {
	others := c.others()
	if len(others) > history.MaxDeps {
		order.Sort(others, func(a, b head) int { return c.stampOf(a).Compare(c.stampOf(b)) })
	}
	for ; len(others) > history.MaxDeps; others = others[history.MaxDeps:] {
		if _, err := c.writeOne(nil, history.Meta{}, others[:history.MaxDeps]); err != nil {
			return nil, err
		}
	}
	return others, nil
}

// others are the heads that are not this author's newest version.
func (c *commit) others() []head {
	var others []head
	for _, h := range c.tip.heads {
		if c.tip.own.seq == 0 || h.lv != c.tip.own.lv {
			others = append(others, h)
		}
	}
	return others
}

func (c *commit) stampOf(h head) clock.Stamp {
	return clock.Stamp{Time: h.time, Author: c.lines[h.line].Author, Seq: h.seq, ID: h.id}
}

func (c *commit) writeOne(ops []history.Op, meta history.Meta, deps []head) (Version, error) {
	d := history.Draft{
		Space: c.member.Space(), Author: c.author.key.Author(), Ops: ops, Meta: meta,
		Time: c.nextTime(),
	}
	var parents []history.LV
	if own := c.tip.own; own.seq > 0 {
		d.Prev = history.Ref{Author: d.Author, Seq: own.seq, ID: own.id}
		parents = append(parents, own.lv)
	}
	order.Sort(deps, func(a, b head) int { return int(a.lv) - int(b.lv) })
	for _, h := range deps {
		d.Deps = append(d.Deps, history.Ref{Author: c.lines[h.line].Author, Seq: h.seq, ID: h.id})
		parents = append(parents, h.lv)
	}
	v, err := history.New(d)
	if err != nil {
		return Version{}, tooLarge(err)
	}
	if err := c.fail(c.learnOwn(&v)); err != nil {
		return Version{}, err
	}
	c.groups = groupByKey(c.groups[:0], slices.All(ops), func() int { return len(ops) })
	if err := c.stage(&v, c.groups, c.author.line, parents, false); err != nil {
		return Version{}, err
	}
	c.wroteOwn = true
	return Version{Stamp: v.Stamp(), seen: c.tip.next, epoch: c.tip.epoch}, nil
}

// nextTime is the hybrid time of a version written now: above all that was applied.
func (c *commit) nextTime() clock.Time {
	after := c.tip.own.time
	for _, h := range c.tip.heads {
		after = max(after, h.time)
	}
	return clock.Next(c.r.wall.Now(), after)
}
